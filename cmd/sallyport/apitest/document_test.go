package apitest

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

var documented = regexp.MustCompile("(?s)<!-- api ?(\\w*) -->\n```sh\n(.*?)```\n")

// What docs/integrate/api.md shows is done as it stands there, from top to
// bottom: curl answers 200, or what the mark before the block says.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/integrate/api.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := documented.FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "<!-- api"); n == 0 || len(blocks) != n {
		t.Fatalf("%d of %d marks are followed by a block of sh", len(blocks), n)
	}
	d := servertest.StartDemo(t, "sqlite")
	machine, person := d.MachineID(t, "acme", "people:read", "people:write"), d.Administrator(t, olga)
	env := append(os.Environ(), "ISSUER="+d.URL, "DIR="+t.TempDir())
	for k, v := range person.Redeemable("people:read", "people:write") {
		env = append(env, k+"="+v)
	}
	script := `set -euo pipefail
curl() {
	local got
	got=$(command curl -sS -o "$DIR/answer" -w '%{http_code}' "$@")
	cat "$DIR/answer"
	if [ "$got" != "$WANT" ]; then echo "answered $got, not $WANT: $(cat "$DIR/answer")" >&2; return 1; fi
}
`
	for _, b := range blocks {
		want, client := "200", machine
		switch b[1] {
		case "":
		case "person":
			client = servertest.Tool
		default:
			want = b[1]
		}
		block := "WANT=" + want + " CLIENT_ID=" + client + " CLIENT_SECRET='" + servertest.APISecret + "'\n" + b[2]
		if b[1] == "person" {
			block = "(\n" + block + ")\n" // with a token of its own
		}
		script += block
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, part := range []string{"ana@acme.example\n", "acme\n", `"created":2`, `"name":"Cleo Chief"`, `"field":"kind"`} {
		if !strings.Contains(string(out), part) {
			t.Errorf("no %s in\n%s", part, out)
		}
	}
}
