//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/idp/stepup"
)

// Node, with openid-client, calls an API that wants a second factor.
func TestNodeStepsUp(t *testing.T) {
	t.Parallel()
	dir := copied(t, "node")
	if err := os.Symlink(installed(t, "INTEROP_NODE_MODULES"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	stepsUp(t, dir, "node", "step-up-story.mjs")
}

// Python, with Authlib, calls an API that wants a second factor.
func TestPythonStepsUp(t *testing.T) {
	t.Parallel()
	stepsUp(t, copied(t, "python"), installed(t, "INTEROP_PYTHON"), "step_up_story.py")
}

func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// stepsUp lets a program call an API as docs/integrate/step-up.md says.
func stepsUp(t *testing.T, dir, program, file string) {
	s := begin(t, "ES256")
	api := s.guarded(t, new(oneVisitor)) + "/api/machines/reception/sessions"
	input, err := json.Marshal(struct {
		story
		API string `json:"api"`
	}{s, api})
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
	var got struct {
		Ask struct {
			ACRValues string `json:"acr_values"`
			Claims    string `json:"claims"`
			MaxAge    string `json:"max_age"`
		} `json:"ask"`
		Status int `json:"status"`
	}
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatalf("%s wrote no JSON: %v\n%s", file, err, output)
	}
	var claims any
	if err := json.Unmarshal([]byte(got.Ask.Claims), &claims); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"id_token": map[string]any{"mfa_time": map[string]any{"max_age": 900.0}}}
	if diff := cmp.Diff(want, claims); diff != "" || got.Ask.ACRValues != stepup.ACR2FA || got.Ask.MaxAge != "" || got.Status != http.StatusCreated {
		t.Errorf("%s %s", output, diff)
	}
}
