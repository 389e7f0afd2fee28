package limit

import (
	"testing"
	"time"
)

func TestTake(t *testing.T) {
	var c Callers
	now, few := time.Unix(1_800_000_000, 0), Rate{PerSecond: 2, AtOnce: 5}
	for range few.AtOnce {
		if wait := c.Take("a", few, now); wait != 0 {
			t.Fatalf("to wait %s before the limit", wait)
		}
	}
	if wait := c.Take("a", few, now); wait != 500*time.Millisecond {
		t.Errorf("beyond the limit: to wait %s", wait)
	}
	if wait := c.Take("b", few, now); wait != 0 {
		t.Errorf("another: to wait %s", wait)
	}
	// What was refused isn't counted.
	for range 2 {
		if wait := c.Take("a", few, now.Add(time.Second)); wait != 0 {
			t.Errorf("a second later: to wait %s", wait)
		}
	}
	if wait := c.Take("a", few, now.Add(time.Second)); wait == 0 {
		t.Error("a second gives more than it should")
	}
	c.Take("c", few, now.Add(2*time.Minute))
	if len(c.byID) != 1 {
		t.Errorf("%d remembered after two minutes", len(c.byID))
	}
}
