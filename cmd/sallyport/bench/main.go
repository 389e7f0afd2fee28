// Command bench measures the built binary over HTTP: it starts providers of
// its own on loopback, one per engine, with a declared company full of people,
// and lets workers do what products and people do, each as soon as its last
// answer is there (a closed loop).
//
// The workers, the provider and PostgreSQL share the machine's cores: on their
// own, each would get further. "provider" in the table is the processor time
// that the provider itself spent on one operation; a machine that did nothing
// else would answer about cores divided by it.
//
//	go run ./cmd/sallyport/bench
//	go run ./cmd/sallyport/bench -engines sqlite -operations refresh,userinfo -workers 8 -d 10s
//
// PostgreSQL is a throwaway server as the tests use it (fsync is on, the rest
// is its default but 32 MB of shared buffers), or the empty database that
// SALLYPORT_BENCH_POSTGRES_URL names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// postgresURL names an empty PostgreSQL database to use in place of a
// throwaway server's.
const postgresURL = "SALLYPORT_BENCH_POSTGRES_URL"

// options are what the command line chose.
type options struct {
	engines, operations []string
	workers             []int
	duration            time.Duration
	people              int
	json                bool
	binary, dir         string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	engines := f.String("engines", strings.Join(storagetest.Engines, ","), "databases to measure")
	chosen := f.String("operations", strings.Join(names(), ","), "operations to measure")
	workers := f.String("workers", "1,8,32", "numbers of callers at once")
	f.DurationVar(&o.duration, "d", 3*time.Second, "how long to measure each operation, at most 4m: access tokens live for five")
	f.IntVar(&o.people, "people", 1000, "people to declare")
	f.BoolVar(&o.json, "json", false, "write JSON in place of tables")
	f.StringVar(&o.binary, "binary", "", "sallyport to measure, in place of building this checkout's")
	f.StringVar(&o.dir, "dir", "", "folder for the databases, which decides what their fsync costs (default: the system's temporary one)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.engines, o.operations = strings.Split(*engines, ","), strings.Split(*chosen, ",")
	for _, w := range strings.Split(*workers, ",") {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-workers %s: write numbers from 1 on, with commas between", *workers)
		}
		o.workers = append(o.workers, n)
	}
	for _, e := range o.engines {
		if !slices.Contains(storagetest.Engines, e) {
			return o, fmt.Errorf("-engines %s: there are %s", e, strings.Join(storagetest.Engines, " and "))
		}
	}
	for _, name := range o.operations {
		if !slices.Contains(names(), name) {
			return o, fmt.Errorf("-operations %s: there are %s", name, strings.Join(names(), ", "))
		}
	}
	switch {
	case o.duration <= 0 || o.duration > 4*time.Minute:
		return o, fmt.Errorf("-d %v: choose more than nothing and at most 4m", o.duration)
	case o.people < slices.Max(o.workers):
		return o, fmt.Errorf("-people %d: every worker signs in people of its own; declare at least %d", o.people, slices.Max(o.workers))
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "sallyport-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.binary == "" {
		fmt.Fprintln(stderr, "building sallyport …")
		if o.binary, err = build(ctx, dir); err != nil {
			return err
		}
	}
	r := newReport(o)
	for _, engine := range o.engines {
		if err := measureEngine(ctx, o, engine, dir, r, stderr); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	fmt.Fprintln(stderr, "starting the demo …")
	if r.DemoReady, err = demoReady(ctx, o.binary); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := r.write(stdout, o.json); err != nil {
		return err
	}
	if n := r.errors(); n > 0 {
		return fmt.Errorf("%d answers were wrong", n)
	}
	return nil
}

func measureEngine(ctx context.Context, o options, engine, dir string, r *report, progress io.Writer) (err error) {
	database, stop, err := databaseOf(engine, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	company, err := declare(ctx, dir, o.people)
	if err != nil {
		return err
	}
	p, err := newProvider(o.binary, dir, engine, database)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "%s: declaring %d people …\n", engine, o.people)
	if err := p.declare(ctx, company.file); err != nil {
		return err
	}
	if _, err := p.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	e := engineReport{Engine: engine}
	if e.MemoryIdle, err = p.memory(); err != nil {
		return err
	}
	at := &site{company: company, address: p.address}
	for _, op := range operations {
		if !slices.Contains(o.operations, op.name) {
			continue
		}
		for _, n := range o.workers {
			fmt.Fprintf(progress, "%s: %s, %d workers …\n", engine, op.name, n)
			c, err := measure(ctx, p, at, op, n, o.duration)
			if err != nil {
				return fmt.Errorf("%s, %d workers: %w", op.name, n, err)
			}
			c.Engine = engine
			r.Cells = append(r.Cells, c)
		}
	}
	if e.MemoryAfter, err = p.memory(); err != nil {
		return err
	}
	if err := p.stop(); err != nil {
		return err
	}
	if e.Restart, err = p.start(ctx); err != nil {
		return err
	}
	r.Engines = append(r.Engines, e)
	return nil
}

// databaseOf is the URL of a new database, and what ends it.
func databaseOf(engine, dir string) (string, func() error, error) {
	if engine == "sqlite" {
		return "sqlite:" + dir + "/sallyport.db", func() error { return nil }, nil
	}
	if url := os.Getenv(postgresURL); url != "" {
		return url, func() error { return nil }, nil
	}
	return storagetest.Throwaway()
}
