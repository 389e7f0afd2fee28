package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	runBlock = regexp.MustCompile("(?s)<!-- run -->\n```sh\n(.*?)```\n")
	runFile  = regexp.MustCompile("(?s)<!-- run with (\\S+) -->\n```\\w+\n(.*?)```\n")
)

// Commands behind <!-- run --> are run, document by document and from top to bottom, in an empty folder with the files
// that the document shows behind <!-- run with NAME -->.
func TestCommandsRun(t *testing.T) {
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "sallyport"), "./cmd/sallyport")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ran := 0
	for name, text := range documents(t) {
		blocks := runBlock.FindAllStringSubmatch(text, -1)
		if len(blocks) == 0 {
			continue
		}
		ran++
		t.Run(strings.ReplaceAll(name, "/", "-"), func(t *testing.T) {
			t.Parallel()
			dir, script := t.TempDir(), "set -euo pipefail\n"
			for _, f := range runFile.FindAllStringSubmatch(text, -1) {
				if err := os.WriteFile(filepath.Join(dir, f[1]), []byte(f[2]), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, b := range blocks {
				script += b[1]
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-xc", script)
			cmd.Dir, cmd.Env = dir, []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	if ran == 0 {
		t.Error("no document has a command behind <!-- run -->")
	}
}
