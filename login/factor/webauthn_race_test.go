package factor_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// outcomes has n callers do the same at once and counts what came of it.
func outcomes(t *testing.T, db *storage.DB, n int, verify func(tx *storage.Tx, caller int) (factor.KeyProof, error)) map[factor.Outcome]int {
	t.Helper()
	var (
		mu    sync.Mutex
		all   = make(map[factor.Outcome]int)
		group sync.WaitGroup
		start = make(chan struct{})
	)
	for caller := range n {
		group.Go(func() {
			<-start
			var p factor.KeyProof
			if err := db.Write(t.Context(), func(tx *storage.Tx) (err error) {
				p, err = verify(tx, caller)
				return err
			}); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all[p.Outcome]++
		})
	}
	close(start)
	group.Wait()
	return all
}

func TestOneAnswerIsOneProof(t *testing.T) {
	const callers = 50
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		k := newKeyring(t, db, "ana")
		k.verifies = true
		k.enrol()
		k.keys[0].counter, k.keys[0].step = 0, 0 // the challenge alone decides
		for round := range 4 {
			if round == 0 {
				k.keys[0].counter = 2
			} else {
				k.keys[0].counter++
			}
			answer := k.get(k.begin(nil))
			got := outcomes(t, db, callers, func(tx *storage.Tx, _ int) (factor.KeyProof, error) {
				return k.w.Verify(t.Context(), tx, k.here, nil, answer, k.now)
			})
			if got[factor.Accepted] != 1 || got[factor.Expired] != callers-1 {
				t.Fatalf("round %d: %v", round, got)
			}
		}
	})
}

// Copies of one key, each with a challenge of its own, can't all be right.
func TestOneOfManyCopiesIsAccepted(t *testing.T) {
	const copies = 10
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		k := newKeyring(t, db, "ana")
		k.verifies = true
		k.enrol()
		for round := range 4 {
			k.keys[0].counter++
			k.keys[0].step = 0
			answers := make([][]byte, copies)
			for i := range answers {
				k.write(func(tx *storage.Tx) error {
					options, err := k.w.BeginProof(t.Context(), tx, fmt.Sprint("login:", i), nil, k.now)
					if err == nil {
						answers[i] = k.get(options)
					}
					return err
				})
			}
			got := outcomes(t, db, copies, func(tx *storage.Tx, i int) (factor.KeyProof, error) {
				return k.w.Verify(t.Context(), tx, fmt.Sprint("login:", i), nil, answers[i], k.now)
			})
			if got[factor.Accepted] != 1 || got[factor.Cloned] != copies-1 {
				t.Fatalf("round %d: %v", round, got)
			}
		}
	})
}

func TestOneAnswerIsOneKey(t *testing.T) {
	const callers = 20
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		k := newKeyring(t, db, "ana")
		answer := k.create(k.beginEnrolment())
		got := outcomes(t, db, callers, func(tx *storage.Tx, _ int) (factor.KeyProof, error) {
			return k.w.Enrol(t.Context(), tx, k.here, k.user, "", answer, k.now)
		})
		if got[factor.Accepted] != 1 || got[factor.Expired] != callers-1 || len(k.factors()) != 1 {
			t.Fatalf("%v, %d keys", got, len(k.factors()))
		}
	})
}
