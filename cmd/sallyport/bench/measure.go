package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/bench/load"
)

// worker is one caller with a connection of its own.
type worker struct {
	number, of int
	send       *load.Connection
}

// cell is what was measured of one operation, by so many workers, on an
// engine.
type cell struct {
	Operation string        `json:"operation"`
	Engine    string        `json:"engine"`
	Workers   int           `json:"workers"`
	PerSecond float64       `json:"per_second"`
	Median    time.Duration `json:"p50_ns"`
	P99       time.Duration `json:"p99_ns"`
	Errors    int           `json:"errors"`
	// FirstErrors are some of them in words.
	FirstErrors []string `json:"first_errors,omitempty"`
	// Provider is the processor time the provider spent on one operation, in
	// steps of the kernel's clock: 10 ms over the whole measurement.
	Provider time.Duration `json:"provider_cpu_ns"`
}

// keepErrors is how many errors of a cell are printed.
const keepErrors = 3

// measure repeats an operation by n workers for a while, after a tenth of it
// to warm up.
func measure(ctx context.Context, p *provider, at *site, op operation, n int, d time.Duration) (cell, error) {
	calls := make([]func() error, n)
	for i := range n {
		conn, err := load.Dial(at.address)
		if err != nil {
			return cell{}, err
		}
		defer conn.Close()
		if calls[i], err = op.prepare(at, &worker{number: i, of: n, send: conn}); err != nil {
			return cell{}, err
		}
	}
	repeat(ctx, calls, d/10)
	before, err := p.processorTime()
	if err != nil {
		return cell{}, err
	}
	begin := time.Now()
	took, failed := repeat(ctx, calls, d)
	elapsed := time.Since(begin)
	after, err := p.processorTime()
	if err = errors.Join(err, ctx.Err()); err != nil {
		return cell{}, err
	}
	c := cell{Operation: op.name, Workers: n, Errors: len(failed)}
	for _, err := range failed[:min(len(failed), keepErrors)] {
		c.FirstErrors = append(c.FirstErrors, err.Error())
	}
	if len(took) == 0 {
		return c, nil
	}
	slices.Sort(took)
	c.PerSecond = float64(len(took)) / elapsed.Seconds()
	c.Median, c.P99 = took[len(took)/2], took[len(took)*99/100]
	c.Provider = (after - before) / time.Duration(len(took)+len(failed))
	return c, nil
}

// repeat lets everybody call for a while. A call that fails isn't among those
// that took.
func repeat(ctx context.Context, calls []func() error, d time.Duration) (took []time.Duration, failed []error) {
	end := time.Now().Add(d)
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, call := range calls {
		all.Go(func() {
			var times []time.Duration
			var wrong []error
			for at := time.Now(); at.Before(end) && ctx.Err() == nil; {
				err := call()
				now := time.Now()
				if err == nil {
					times = append(times, now.Sub(at))
				} else {
					wrong = append(wrong, err)
				}
				at = now
			}
			mu.Lock()
			defer mu.Unlock()
			took, failed = append(took, times...), append(failed, wrong...)
		})
	}
	all.Wait()
	return took, failed
}
