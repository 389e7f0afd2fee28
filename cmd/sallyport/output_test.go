package main

import "testing"

func TestTable(t *testing.T) {
	got := table([][]string{{"A", "B"}, {"Zoë", "x\x1b[2Jy\tz"}, {"long one", ""}})
	if want := "A         B\nZoë       x\uFFFD[2Jy\uFFFDz\nlong one\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
