package storagetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// supervisor is the shell script that makes the data directory in $1 with the
// initdb $2 and runs the postgres $3 on it. The locale is C, which every system
// has. The test binary holds the other end of its standard input and never
// writes: reading ends when the binary closes it, exits, panics or is killed,
// and then the server goes and its files with it. Whoever kills the process
// group of the binary doesn't reach it.
const supervisor = `
dir=$1
"$2" --pgdata="$dir/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync --no-instructions && {
	"$3" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=200 -c shared_buffers=32MB -c fsync=on &
	read -r _
	kill -INT $!
	wait $!
}
cd / && rm -rf "$dir"
`

// cluster is a PostgreSQL server on a unix socket in a directory of its own.
type cluster struct {
	dir  string
	cmd  *exec.Cmd // the supervisor
	life io.Closer // the supervisor's standard input
	log  *serverLog
}

// startCluster makes a cluster, starts its server and returns when it accepts
// connections.
func startCluster() (*cluster, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := newDirectory(owner)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	if err := c.start(bin, owner); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	if err := c.log.waitReady(); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// start runs the supervisor as owner, in the cluster's directory (the current
// one may be out of the owner's reach), away from the terminal's signals, and
// talking English, which the log is read for.
func (c *cluster) start(bin binaries, owner *syscall.Credential) error {
	cmd := exec.Command("/bin/sh", "-c", supervisor, "sh", c.dir, bin.initdb, bin.postgres)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+c.dir, "PWD="+c.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	life, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	// A pipe of the operating system's rather than cmd.StderrPipe, so that
	// reading and waiting needn't take turns.
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return err
	}
	c.cmd, c.life, c.log = cmd, life, readServerLog(out)
	return nil
}

// stop ends the server and returns when its files are gone.
func (c *cluster) stop() error {
	c.life.Close()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w\n%s", err, c.log)
	}
	return nil
}

// url is the address of one database on the socket.
func (c *cluster) url(database string) string {
	query := url.Values{"host": {c.dir}, "port": {"5432"}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// unprivileged is whom to run the server as: nil for the current user, except
// that PostgreSQL refuses to run as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
}

// newDirectory makes the directory of a cluster, for owner alone. Its path is
// short because that of a unix socket may have about a hundred bytes.
func newDirectory(owner *syscall.Credential) (string, error) {
	parent := os.TempDir()
	if len(parent) > 60 {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "sallyport-pg-")
	if err != nil {
		return "", err
	}
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			os.RemoveAll(dir)
			return "", err
		}
	}
	return dir, nil
}

// serverLog follows what the server writes.
type serverLog struct {
	ready chan struct{} // closed when the server accepts connections
	ended chan struct{} // closed when nothing can write any more
	lines []string      // the latest; read them after ended
}

// readServerLog reads out to its end, so that the server never waits for us.
func readServerLog(out io.ReadCloser) *serverLog {
	l := &serverLog{ready: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		defer out.Close()
		ready := false
		for in := bufio.NewScanner(out); in.Scan(); {
			if l.lines = append(l.lines, in.Text()); len(l.lines) > 50 {
				l.lines = l.lines[1:]
			}
			if !ready && strings.Contains(in.Text(), "ready to accept connections") {
				ready = true
				close(l.ready)
			}
		}
	}()
	return l
}

// waitReady returns when the server accepts connections, or with its last words
// when it never will.
func (l *serverLog) waitReady() error {
	select {
	case <-l.ready:
		return nil
	case <-l.ended:
		return fmt.Errorf("PostgreSQL did not start:\n%s", l)
	case <-time.After(patience):
		return fmt.Errorf("PostgreSQL was not ready within %v", patience)
	}
}

// String is the latest of the log. It waits for the log's end.
func (l *serverLog) String() string {
	<-l.ended
	return strings.Join(l.lines, "\n")
}
