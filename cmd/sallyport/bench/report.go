package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"
)

// report is all that was measured.
type report struct {
	Cores     int            `json:"cores"`
	Duration  time.Duration  `json:"duration_ns"`
	People    int            `json:"people"`
	Cells     []cell         `json:"cells"`
	Engines   []engineReport `json:"engines"`
	DemoReady time.Duration  `json:"demo_ready_ns"`
}

// engineReport is what was measured of a provider as a whole. Memory is
// resident, in bytes: when it had just become ready, and after all the load.
type engineReport struct {
	Engine      string        `json:"engine"`
	MemoryIdle  int64         `json:"memory_idle"`
	MemoryAfter int64         `json:"memory_after_load"`
	Restart     time.Duration `json:"restart_to_ready_ns"`
}

func newReport(o options) *report {
	return &report{Cores: runtime.NumCPU(), Duration: o.duration, People: o.people}
}

func (r *report) errors() (n int) {
	for _, c := range r.Cells {
		n += c.Errors
	}
	return n
}

func (r *report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "%d cores, shared by the provider, its database and the workers. Closed loop, %v each, %d people.\n\n", r.Cores, r.Duration, r.People)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "operation\tengine\tworkers\tper second\tp50\tp99\tprovider\terrors\t")
	for _, c := range r.Cells {
		fmt.Fprintf(t, "%s\t%s\t%d\t%.0f\t%s\t%s\t%s\t%d\t\n", c.Operation, c.Engine, c.Workers, c.PerSecond, short(c.Median), short(c.P99), short(c.Provider), c.Errors)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, e := range r.Engines {
		fmt.Fprintf(w, "%s: %s idle, %s after the load; ready %s after a restart\n", e.Engine, megabytes(e.MemoryIdle), megabytes(e.MemoryAfter), short(e.Restart))
	}
	fmt.Fprintf(w, "demo: ready after %s\n", short(r.DemoReady))
	for _, c := range r.Cells {
		for _, text := range c.FirstErrors {
			fmt.Fprintf(w, "\n%s, %s, %d workers: %s\n", c.Operation, c.Engine, c.Workers, text)
		}
	}
	return nil
}

// short keeps three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
