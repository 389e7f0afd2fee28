package storagetest

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// dying makes a copy of this test binary, run by the test below, end badly.
const dying = "STORAGETEST_DYING"

// TestServerDiesWithTheBinary runs this binary again, lets it start a server,
// has it end in a bad way and looks whether server and files are gone.
func TestServerDiesWithTheBinary(t *testing.T) {
	switch how := os.Getenv(dying); how {
	case "":
	case "panic":
		announce(t)
		panic("as asked")
	case "kill":
		announce(t)
		select {}
	default:
		t.Fatalf("%s=%s", dying, how)
	}
	for _, how := range []string{"panic", "kill"} {
		t.Run(how, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestServerDiesWithTheBinary$")
			cmd.Env = append(os.Environ(), dying+"="+how, URLVariable+"=")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			url, dir := readAnnouncement(t, out)
			conn := mustConnect(t, url)

			if how == "kill" {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			in.Close() // the one that panics waits for this
			if err := cmd.Wait(); err == nil {
				t.Error("the binary ended well")
			}

			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := conn.PgConn().WaitForNotification(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) {
				t.Fatalf("the server is still there: %v", err)
			}
			waitGone(t, ctx, dir)
		})
	}
}

// announce tells the parent where our server is, and waits until it knows.
func announce(t *testing.T) {
	url := Postgres(t)
	os.Stdout.WriteString("server " + url + " " + server.cluster.dir + "\n")
	os.Stdin.Read(make([]byte, 1))
}

func readAnnouncement(t *testing.T, out interface{ Read([]byte) (int, error) }) (url, dir string) {
	t.Helper()
	var seen []string
	for in := bufio.NewScanner(out); in.Scan(); {
		seen = append(seen, in.Text())
		if words := strings.Fields(in.Text()); len(words) == 3 && words[0] == "server" {
			return words[1], words[2]
		}
	}
	t.Fatalf("the binary started no server:\n%s", strings.Join(seen, "\n"))
	return "", ""
}

// waitGone returns when the directory is gone, which nothing announces.
func waitGone(t *testing.T, ctx context.Context, dir string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s was left behind", dir)
		}
	}
}
