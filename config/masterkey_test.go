package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-id/sallyport/config"
)

// silent is for keys that exist already: nothing is to be said about those.
func silent(t *testing.T) func(string) {
	return func(message string) { t.Errorf("unexpected message: %s", message) }
}

func sqliteIn(t *testing.T, dir string) config.Config {
	t.Helper()
	return MustLoad(t, config.Sources{Flags: map[string]string{"database-url": "sqlite:" + filepath.Join(dir, "data", "s.db")}})
}

func TestFirstStartMakesAKey(t *testing.T) {
	dir := t.TempDir()
	c := sqliteIn(t, dir)
	if _, err := config.LoadMasterKey(c, false, silent(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without generate: %v", err)
	}
	var messages []string
	key, err := config.LoadMasterKey(c, true, func(m string) { messages = append(messages, m) })
	if err != nil || len(key) != 32 {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	path := filepath.Join(dir, "data", "master.key")
	if len(messages) != 1 || !strings.Contains(messages[0], path) {
		t.Errorf("messages: %q", messages)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	again, err := config.LoadMasterKey(c, true, silent(t))
	if err != nil || !bytes.Equal(key, again) {
		t.Errorf("the second start has another key, or %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left beside the key: %v, %v", entries, err)
	}
}

func TestStartsAtOnceAgreeOnTheKey(t *testing.T) {
	for range 20 {
		c := sqliteIn(t, t.TempDir())
		keys := make([][]byte, 8)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range keys {
			wg.Go(func() {
				<-start
				key, err := config.LoadMasterKey(c, true, func(string) {})
				if err != nil {
					t.Error(err)
				}
				keys[i] = key
			})
		}
		close(start)
		wg.Wait()
		for _, key := range keys {
			if !bytes.Equal(key, keys[0]) {
				t.Fatalf("two keys: %x, %x", key, keys[0])
			}
		}
	}
}

func TestKeyFormats(t *testing.T) {
	want := bytes.Repeat([]byte{0xfb, 0xef, 0x01, 0xff}, 8)
	for name, text := range map[string]string{
		"hex":               hex.EncodeToString(want),
		"capital hex":       strings.ToUpper(hex.EncodeToString(want)),
		"base64":            base64.StdEncoding.EncodeToString(want),
		"URL-safe base64":   base64.URLEncoding.EncodeToString(want),
		"unpadded base64":   base64.RawURLEncoding.EncodeToString(want),
		"with line endings": base64.StdEncoding.EncodeToString(want) + "\r\n",
	} {
		fromText := MustLoad(t, config.Sources{Environ: []string{"SALLYPORT_MASTER_KEY=" + text}})
		fromFile := MustLoad(t, config.Sources{Environ: []string{"SALLYPORT_MASTER_KEY_FILE=" + MustWrite(t, "key", text)}})
		for _, c := range []config.Config{fromText, fromFile} {
			if key, err := config.LoadMasterKey(c, true, silent(t)); err != nil || !bytes.Equal(key, want) {
				t.Errorf("%s: %x, %v", name, key, err)
			}
		}
	}
}

func TestKeyFileRefused(t *testing.T) {
	good := strings.Repeat("ab", 32)
	tests := map[string]struct {
		text string
		mode fs.FileMode
		want string
	}{
		"readable by the group": {good, 0o640, "run chmod 600 "},
		"readable by everybody": {good, 0o604, "run chmod 600 "},
		"too short":             {"hidden", 0o600, "32 bytes"},
		"empty":                 {"", 0o600, "32 bytes"},
		"33 bytes":              {good + "ab", 0o600, "32 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := MustWrite(t, "it's a key", test.text)
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			c := MustLoad(t, config.Sources{Flags: map[string]string{"master-key-file": path}})
			_, err := config.LoadMasterKey(c, true, silent(t))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%v", err)
			}
			p, ok := errors.AsType[*config.Problem](err)
			if !ok || p.Source != "--master-key-file" {
				t.Fatalf("%#v", err)
			}
			if command, ok := strings.CutPrefix(p.Remedy, "run chmod 600 "); ok && command != "'"+strings.ReplaceAll(path, "'", `'\''`)+"'" {
				t.Errorf("the shell would read another path: %s", command)
			}
		})
	}
	c := MustLoad(t, config.Sources{Flags: map[string]string{"master-key-file": t.TempDir()}})
	if _, err := config.LoadMasterKey(c, true, silent(t)); err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Errorf("a directory: %v", err)
	}
}

// Replicas that each made a key could not read one another's rows.
func TestPostgresNeverMakesAKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	c := MustLoad(t, config.Sources{Environ: []string{"SALLYPORT_DATABASE_URL=postgres://db/s", "SALLYPORT_MASTER_KEY_FILE=" + path}})
	_, err := config.LoadMasterKey(c, true, silent(t))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "openssl rand -base64 32") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key was written: %v", err)
	}
}
