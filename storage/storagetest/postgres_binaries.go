package storagetest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// errNotInstalled says what to do when there is no server to start.
var errNotInstalled = errors.New("initdb and postgres were not found (asked pg_config --bindir, PATH and /usr/lib/postgresql): " +
	"install the server with `apt-get install postgresql`, or set " + URLVariable + " to the URL of a running one")

// binaries are the two programs of one PostgreSQL installation.
type binaries struct {
	initdb, postgres string
}

// findBinaries looks where distributions put the server: Debian keeps it off
// PATH, one directory per version.
func findBinaries() (binaries, error) {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	dirs = append(dirs, filepath.SplitList(os.Getenv("PATH"))...)
	versions, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return binaries{}, err
	}
	slices.SortFunc(versions, func(a, b string) int { return version(b) - version(a) })
	return firstWithBoth(append(dirs, versions...))
}

// firstWithBoth picks the first directory that has a whole server:
// the client libraries alone bring a pg_config too.
func firstWithBoth(dirs []string) (binaries, error) {
	for _, dir := range dirs {
		initdb, err := exec.LookPath(filepath.Join(dir, "initdb"))
		if err != nil {
			continue
		}
		postgres, err := exec.LookPath(filepath.Join(dir, "postgres"))
		if err != nil {
			continue
		}
		return binaries{initdb: initdb, postgres: postgres}, nil
	}
	return binaries{}, errNotInstalled
}

// version is the number in /usr/lib/postgresql/15/bin, 0 when there is none.
func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}
