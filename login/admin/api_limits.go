package admin

import (
	"sync"
	"time"

	"github.com/sallyport-id/sallyport/idp/limit"
	"github.com/sallyport-id/sallyport/idp/session"
)

// What holders of tokens may call: a person by way of a product, and a machine.
var (
	personCalls  = limit.Rate{PerSecond: 20, AtOnce: 60}
	machineCalls = limit.Rate{PerSecond: 50, AtOnce: 200}
)

// takeCall counts a call, and says how long to wait where it is one too many.
func takeCall(callers *limit.Callers, b *session.Bearer, now time.Time) (wait time.Duration) {
	if b.User != nil {
		return callers.Take(b.ClientID+" "+b.User.ID, personCalls, now)
	}
	return callers.Take(b.ClientID, machineCalls, now)
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
