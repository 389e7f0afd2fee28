//go:build interop

package interop

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const behindProxy = `
companies:
  - {id: acme, name: Acme}
people:
  - {email: ana@acme.example, company: acme, name: Ana Operator, email_verified: true, password_hash: "%s"}
products:
  - id: product
    name: Product
    secret_hash: %s
    redirect_uris: ["%s"]
    id_token_signed_response_alg: RS256
    first_party: true
`

const proxySecret = "a secret of forty characters, for proxies"

// proxied starts a provider with a product behind a proxy.
func proxied(t *testing.T, redirectURI string) (i *servertest.Instance, code string) {
	t.Helper()
	return withAna(t, fmt.Sprintf(behindProxy, passwordHash, storage.Hash(proxySecret), redirectURI))
}

// upstream is a product that says what its proxy told it.
func upstream(t *testing.T) string {
	t.Helper()
	return servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, how := r.Header.Get("X-Forwarded-Email"), r.Header.Get("X-Forwarded-Groups") // oauth2-proxy
		if claims := r.Header["Oidc_claim_acr"]; len(claims) == 1 {                       // mod_auth_openidc
			who, how = strings.Join(r.Header["Oidc_claim_email"], " "), claims[0]
		}
		fmt.Fprintf(w, "<p>You are %s, by %s.", who, how)
	}))
}

// configured writes a file of this folder anew with the addresses of the test,
// and returns its path. change may be nil.
func configured(t *testing.T, file string, change *strings.Replacer, addresses map[string]string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for from, to := range addresses {
		if !strings.Contains(text, from) {
			t.Fatalf("%s doesn't say %s", file, from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	if change != nil {
		text = change.Replace(text)
	}
	return written(t, text)
}

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// signIn fills in the password page.
func signIn(p *servertest.Person) *servertest.Person {
	return p.MustBeAt("/login/password").Submit(map[string]string{"username": "ana@acme.example", "password": demo.Password})
}

// freePort is one where nobody listens.
func freePort(t *testing.T) int {
	t.Helper()
	l := servertest.Listen(t)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// patience is how long a program may take to end.
const patience = 10 * time.Second

// startProgram runs a program until the end of the test. Where ready isn't
// empty, it waits until the program has written it.
func startProgram(t *testing.T, cmd *exec.Cmd, ready string) {
	t.Helper()
	from, to := io.Pipe()
	cmd.Stdout, cmd.Stderr = to, to
	// It may start others; what is left of them must not keep its output open.
	cmd.SysProcAttr, cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	seen, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		waits := ready != ""
		for lines := bufio.NewScanner(from); lines.Scan(); {
			fmt.Fprintln(&said, lines.Text())
			if waits && strings.Contains(lines.Text(), ready) {
				close(seen)
				waits = false
			}
		}
	}()
	exited := make(chan struct{})
	go func() {
		cmd.Wait()
		to.Close()
		close(exited)
	}()
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		<-exited
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, &said)
		}
	})
	if ready == "" {
		return
	}
	select {
	case <-seen:
	case <-exited:
		t.Fatalf("%s ended", cmd.Path)
	}
}
