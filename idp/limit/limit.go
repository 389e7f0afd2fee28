// Package limit slows down callers, each by itself, in this process. Limits
// that must hold across replicas are rows of the database instead.
package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how many calls are answered: AtOnce, and PerSecond in the long run.
type Rate struct{ PerSecond, AtOnce int }

// forget callers who were quiet for so long that they have all calls back.
const forget = time.Minute

// Callers counts the calls of each caller. The zero value is ready, and may be
// used by many goroutines at once.
type Callers struct {
	mu    sync.Mutex
	byID  map[string]*caller
	swept time.Time
}

type caller struct {
	bucket *rate.Limiter
	last   time.Time
}

// Take counts a call of a caller, whose rate is always the same one, and says
// how long to wait where it is one too many; 0: it isn't.
func (c *Callers) Take(id string, r Rate, now time.Time) (wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(now)
	who := c.byID[id]
	if who == nil {
		if c.byID == nil {
			c.byID = make(map[string]*caller)
		}
		who = &caller{bucket: rate.NewLimiter(rate.Limit(r.PerSecond), r.AtOnce)}
		c.byID[id] = who
	}
	who.last = now
	reserved := who.bucket.ReserveN(now, 1)
	if wait = reserved.DelayFrom(now); wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

func (c *Callers) sweep(now time.Time) {
	if now.Sub(c.swept) <= forget {
		return
	}
	for id, who := range c.byID {
		if now.Sub(who.last) > forget {
			delete(c.byID, id)
		}
	}
	c.swept = now
}
