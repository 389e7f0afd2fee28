//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// Java, with Spring Security, set up as docs/integrate/step-up.md says.
func TestJava(t *testing.T) {
	t.Parallel()
	libraries := filepath.Join(installed(t, "INTEROP_JAVA_LIBRARIES"), "*")
	classes, port := t.TempDir(), freePort(t)
	if out, err := exec.CommandContext(t.Context(), "javac", "-d", classes, "-cp", libraries, "-Xlint:all,-processing,-classfile", "java/TakeControl.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	address := fmt.Sprintf("http://localhost:%d", port)
	i, code := proxied(t, address+"/login/oauth2/code/sallyport")
	conf := configured(t, "java/application.yaml", nil, map[string]string{"https://login.example.com": i.URL})
	text, err := os.ReadFile(conf)
	if err == nil {
		err = os.WriteFile(filepath.Join(classes, "application.yaml"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("java", "-XX:TieredStopAtLevel=1", "-cp", classes+string(os.PathListSeparator)+libraries, "example.TakeControl",
		fmt.Sprintf("--server.port=%d", port), "--server.address=127.0.0.1")
	cmd.Env = append(os.Environ(), "CLIENT_SECRET="+proxySecret)
	startProgram(t, cmd, "Started TakeControl")

	shows := func(p *servertest.Person, path, want string) {
		t.Helper()
		if got := strings.TrimSpace(p.Text()); p.Status != 200 || got != want || p.URL.Path != path {
			t.Fatalf("%d at %s: %s", p.Status, p.URL, got)
		}
	}
	p := servertest.NewPerson(t)
	shows(signIn(p.Go(address+"/")), "/", "You are ana@acme.example, by urn:sallyport:acr:1fa.")
	p.Go(address + "/remote/front-desk").MustBeAt("/login/totp").Submit(map[string]string{"code": code})
	shows(p, "/remote/front-desk", "You are ana@acme.example, by urn:sallyport:acr:2fa.")
	shows(p.Go(address+"/remote/warehouse"), "/remote/warehouse", "You are ana@acme.example, by urn:sallyport:acr:2fa.") // no question

	// Who says no is told so, and is as much signed in as before.
	p = servertest.NewPerson(t)
	signIn(p.Go(address + "/"))
	p.Go(address + "/remote/front-desk").MustBeAt("/login/totp").Submit(map[string]string{"later": "1"})
	if p.URL.Path != "/login" || strings.Contains(p.Text(), "You are") {
		t.Errorf("%d at %s: %s", p.Status, p.URL, p.Text())
	}
	shows(p.Go(address+"/"), "/", "You are ana@acme.example, by urn:sallyport:acr:1fa.")
}
