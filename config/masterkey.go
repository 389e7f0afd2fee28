package config

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	keyBytes = 32
	makeKey  = "run openssl rand -base64 32, and give every replica the result in SALLYPORT_MASTER_KEY, " +
		"or in a file of mode 0600 that SALLYPORT_MASTER_KEY_FILE names"
)

// LoadMasterKey returns the 32 bytes that seal secrets in the database: master_key itself, or what is in
// master_key_file. That file must be readable by its owner alone.
//
// With generate, a missing file is written with a new key and log gets a sentence for the operator to read. That is for
// the first start; what an earlier key has sealed, a new one can't open. It happens only with SQLite, because replicas
// that share a PostgreSQL must share the key. Without generate the error is fs.ErrNotExist underneath.
func LoadMasterKey(c Config, generate bool, log func(string)) ([]byte, error) {
	if !c.MasterKey.IsZero() {
		key, m := decodeKey(c.MasterKey.Reveal())
		if m != nil {
			return nil, &Problem{Option: "master_key", Source: c.origin["master_key"], Wrong: m.wrong, Remedy: m.remedy}
		}
		return key, nil
	}
	_, isSQLite := c.DatabaseURL.SQLitePath()
	if c.MasterKeyFile == "" {
		return nil, &Problem{Option: "master_key", Wrong: "is not set", Remedy: makeKey}
	}
	key, err := readKey(c)
	if !errors.Is(err, fs.ErrNotExist) || !isSQLite || !generate {
		return key, err
	}
	if err := writeKey(c.MasterKeyFile); err != nil {
		return nil, fmt.Errorf("write a new master key: %w", err)
	}
	log(fmt.Sprintf("Wrote a new master key to %s. Keep a copy apart from the database's backups: "+
		"without it, nobody's authenticator app or signing key can be read from them.", c.MasterKeyFile))
	return readKey(c)
}

func readKey(c Config) ([]byte, error) {
	path := c.MasterKeyFile
	refuse := func(wrong, remedy string, err error) ([]byte, error) {
		return nil, &Problem{Option: "master_key_file", Source: c.origin["master_key_file"],
			Wrong: path + " " + wrong, Remedy: remedy, Err: err}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, isSQLite := c.DatabaseURL.SQLitePath(); !isSQLite {
			return refuse("is missing", makeKey, withoutPath(err))
		}
		return refuse("is missing", "sallyport serve writes one at its first start; "+
			"for a database that is in use already, put its own key back", withoutPath(err))
	}
	if err != nil {
		return refuse("can't be opened", "let the user that runs sallyport own it", withoutPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return refuse("can't be examined", "let the user that runs sallyport own it", withoutPath(err))
	}
	if !info.Mode().IsRegular() {
		return refuse("is no file", "name a file that holds 32 bytes in base64 or hex", nil)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return refuse(fmt.Sprintf("can be read by others (mode %04o)", mode), "run chmod 600 "+shellQuote(path), nil)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return refuse("can't be read", "let the user that runs sallyport own it", withoutPath(err))
	}
	key, m := decodeKey(string(text))
	if m != nil {
		return refuse(m.wrong, m.remedy, nil)
	}
	return key, nil
}

// decodeKey takes what openssl rand writes with -hex or -base64, and the URL-safe alphabet, padded or not.
func decodeKey(text string) ([]byte, *mistake) {
	text = strings.TrimSpace(text)
	if key, err := hex.DecodeString(text); err == nil && len(key) == keyBytes {
		return key, nil
	}
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	if key, err := base64.RawStdEncoding.DecodeString(standard); err == nil && len(key) == keyBytes {
		return key, nil
	}
	return nil, &mistake{"is not 32 bytes in base64 or hex", "make one with openssl rand -base64 32"}
}

// writeKey writes a new key to path, whole or not at all: a start that is cut short leaves no half of a key behind, and
// of two at the same time both end up with the same one.
func writeKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key := make([]byte, keyBytes)
	rand.Read(key)
	f, err := os.CreateTemp(dir, ".master.key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces what is there.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(dir)
}

// syncDirectory makes the new name survive a power cut; the database may soon depend on it.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// shellQuote makes a path one word of a command that somebody pastes.
func shellQuote(path string) string {
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
