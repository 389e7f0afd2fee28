package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// build makes the binary as the Makefile does.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "sallyport")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "github.com/sallyport-id/sallyport/cmd/sallyport")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
}

// provider is the binary with a configuration, running or not.
type provider struct {
	binary, address string
	environ         []string
	cmd             *exec.Cmd
	said            bytes.Buffer
	ended           chan struct{} // closed when cmd has ended
}

func newProvider(binary, dir, engine, database string) (*provider, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	address := "localhost:" + strconv.Itoa(port)
	return &provider{binary: binary, address: address, environ: append(os.Environ(),
		"SALLYPORT_DATABASE_URL="+database, "SALLYPORT_LISTEN="+address, "SALLYPORT_LOG_LEVEL=warn",
		"SALLYPORT_MASTER_KEY="+base64.StdEncoding.EncodeToString(key), "SALLYPORT_LIMITS_EXEMPT_NETWORKS=127.0.0.0/8,::1/128")}, nil
}

// freePort is a port that nobody used a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// declare makes the database and brings it to the state of a file.
func (p *provider) declare(ctx context.Context, file string) error {
	for _, args := range [][]string{{"migrate"}, {"apply", file}} {
		cmd := exec.CommandContext(ctx, p.binary, args...)
		cmd.Env = p.environ
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("sallyport %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}

// start runs the provider and returns how long it took to be well.
func (p *provider) start(ctx context.Context) (time.Duration, error) {
	return p.run(ctx, []string{"http://" + p.address + "/healthz"}, "serve")
}

// run starts the binary and returns how long it took until all addresses
// answered with 200.
func (p *provider) run(ctx context.Context, addresses []string, args ...string) (time.Duration, error) {
	p.said.Reset()
	p.cmd, p.ended = exec.Command(p.binary, args...), make(chan struct{})
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.environ, &p.said, &p.said
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	soon := time.NewTicker(time.Millisecond)
	defer soon.Stop()
	late := time.After(30 * time.Second)
	for len(addresses) > 0 {
		if resp, err := http.Get(addresses[0]); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				addresses = addresses[1:]
				continue
			}
		}
		select {
		case <-soon.C:
		case <-p.ended:
			return 0, fmt.Errorf("sallyport %s ended:\n%s", args[0], &p.said)
		case <-late:
			return 0, errors.Join(fmt.Errorf("sallyport %s: %s did not answer", args[0], addresses[0]), p.stop())
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), p.stop())
		}
	}
	return time.Since(begin), nil
}

// stop ends the process, and waits for it. Stopping twice is no mistake.
func (p *provider) stop() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	status := p.cmd.ProcessState
	p.cmd = nil
	if !status.Success() {
		return fmt.Errorf("sallyport: %s\n%s", status, &p.said)
	}
	return nil
}

// memory is the resident memory of the running provider in bytes.
func (p *provider) memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

// processorTime is what the running provider has used of the processors.
func (p *provider) processorTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The second field, the name, may hold spaces; it ends in a parenthesis.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat is not as expected")
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil // USER_HZ is 100 on Linux
}

// demoReady is how long the demo takes until all four of its addresses answer.
func demoReady(ctx context.Context, binary string) (time.Duration, error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	p := &provider{binary: binary, environ: os.Environ()}
	var addresses []string
	for i := range 4 {
		addresses = append(addresses, fmt.Sprintf("http://localhost:%d/", port+i))
	}
	addresses[0] += "healthz"
	took, err := p.run(ctx, addresses, "demo", "--port", strconv.Itoa(port))
	return took, errors.Join(err, p.stop())
}
