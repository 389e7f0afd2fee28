package stepup

import (
	"errors"
	"sync"
	"time"
)

// maxReplays bounds what is remembered: two thousand calls a second.
const maxReplays = 120_000

// errTooManyProofs refuses calls where remembering their proofs would take too
// much memory; to forget one would let it be replayed.
var errTooManyProofs = errors.New("too many proofs within a minute")

// replays remembers proofs for as long as they would be accepted, in two
// halves: what is in the older one is forgotten all at once. It is this process's alone:
// where several run side by side, a proof can be replayed at another within its
// minute, by somebody who can read what a caller sends.
type replays struct {
	mu           sync.Mutex
	began        time.Time // the younger half
	young, older map[string]struct{}
}

// spend notes a proof and says whether it is new.
func (rs *replays) spend(id string, now time.Time) (bool, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	const life = proofLife + skew // from the earliest to the latest moment at which a proof is good
	if age := now.Sub(rs.began); rs.young == nil || age > life {
		if rs.older = rs.young; age > 2*life {
			rs.older = nil
		}
		rs.young, rs.began = make(map[string]struct{}), now
	}
	if _, used := rs.young[id]; used {
		return false, nil
	}
	if _, used := rs.older[id]; used {
		return false, nil
	}
	if len(rs.young) >= maxReplays {
		return false, errTooManyProofs
	}
	rs.young[id] = struct{}{}
	return true, nil
}
