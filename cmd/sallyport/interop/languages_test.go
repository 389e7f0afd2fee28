//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node, with openid-client.
func TestNode(t *testing.T) {
	t.Parallel()
	run(t, nodeDir(t), "node", "story.mjs")
}

// nodeDir is a copy of node/ with the libraries beside it, where Node looks for
// them.
func nodeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("node")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(installed(t, "INTEROP_NODE_MODULES"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Python, with Authlib.
func TestPython(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() // Python writes beside the files that it reads
	if err := os.CopyFS(dir, os.DirFS("python")); err != nil {
		t.Fatal(err)
	}
	run(t, dir, installed(t, "INTEROP_PYTHON"), "story.py")
}

// installed is what .ci/interop says where it is.
func installed(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Fatalf("%s is not set: run this by .ci/interop, which installs what it needs", variable)
	}
	return path
}

// run lets a program go through the story with each algorithm.
func run(t *testing.T, dir, program, file string) {
	for _, alg := range []string{"ES256", "RS256"} {
		t.Run(alg, func(t *testing.T) {
			s := begin(t, alg)
			input, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), program, file)
			cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(input), &stderr
			output, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v\n%s", file, err, &stderr)
			}
			var got learned
			if err := json.Unmarshal(output, &got); err != nil {
				t.Fatalf("%s wrote no JSON: %v\n%s", file, err, output)
			}
			s.check(t, got)
		})
	}
}
