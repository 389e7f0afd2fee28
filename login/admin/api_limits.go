package admin

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sallyport-id/sallyport/idp/session"
)

// How many calls are answered: so many at once, and so many a second in the
// long run.
const (
	personCalls  = 20
	personBurst  = 60
	machineCalls = 50
	machineBurst = 200
	// forgetCallers after so long, in which they have got all calls back.
	forgetCallers = time.Minute
)

// limits counts the calls of each holder of tokens, a person by way of a
// product or a machine, in this process. The zero value is ready.
type limits struct {
	mu      sync.Mutex
	callers map[string]*caller
	swept   time.Time
}

type caller struct {
	bucket *rate.Limiter
	last   time.Time
}

// take counts a call, and says how long to wait where it is one too many.
func (l *limits) take(b *session.Bearer, now time.Time) (wait time.Duration) {
	id, calls, burst := b.ClientID, machineCalls, machineBurst
	if b.User != nil {
		id, calls, burst = b.ClientID+" "+b.User.ID, personCalls, personBurst
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > forgetCallers {
		for id, c := range l.callers {
			if now.Sub(c.last) > forgetCallers {
				delete(l.callers, id)
			}
		}
		l.swept = now
	}
	c := l.callers[id]
	if c == nil {
		if l.callers == nil {
			l.callers = make(map[string]*caller)
		}
		c = &caller{bucket: rate.NewLimiter(rate.Limit(calls), burst)}
		l.callers[id] = c
	}
	c.last = now
	r := c.bucket.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// lately remembers what was done for whom a moment ago. The zero value is
// ready.
type lately struct {
	mu    sync.Mutex
	times map[string]time.Time
}

// due says whether something is to be done for an id, which it is once in a
// period.
func (l *lately) due(id string, now time.Time, period time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.times[id]; ok && now.Sub(last) < period {
		return false
	}
	if l.times == nil {
		l.times = make(map[string]time.Time)
	}
	for id, last := range l.times {
		if now.Sub(last) >= period {
			delete(l.times, id)
		}
	}
	l.times[id] = now
	return true
}
