//go:build interop

package interop

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// oauth2-proxy in front of a product, set up as docs/integrate/step-up.md says:
// it asks for two factors, and lets nobody in whose ID token doesn't show them.
func TestOAuth2Proxy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change *strings.Replacer
		answer map[string]string // of the person, to the page that asks for the code
		status int
		shown  string
	}{
		"two factors": {nil, nil, 200, "You are ana@acme.example, by urn:sallyport:acr:2fa."},
		"not now":     {nil, map[string]string{"later": "1"}, 403, ""},
		// What makes the difference: the wish alone keeps nobody out.
		"not now, and nothing is checked": {
			strings.NewReplacer("allowed_groups = ", "skip_auth_routes = "), map[string]string{"later": "1"}, 200, "You are ana@acme.example, by urn:sallyport:acr:1fa.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := servertest.Listen(t)
			address := strings.Replace("http://"+l.Addr().String(), "127.0.0.1", "localhost", 1)
			i, code := proxied(t, address+"/oauth2/callback")
			conf := configured(t, "oauth2-proxy.cfg", test.change, map[string]string{
				"https://login.example.com": i.URL, "https://app.example.com": address, "http://127.0.0.1:8080": upstream(t), "/etc/oauth2-proxy/secret": written(t, proxySecret),
			})
			// The socket is handed over as systemd does it, so that nobody has to wait for it.
			cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`, installed(t, "INTEROP_OAUTH2_PROXY"),
				"--config="+conf, "--http-address=fd:3", "--cookie-secure=false", "--cookie-secret=sixteen bytes !!")
			socket, err := l.(*net.TCPListener).File()
			if err != nil {
				t.Fatal(err)
			}
			cmd.ExtraFiles = []*os.File{socket}
			startProgram(t, cmd, "")
			socket.Close()
			l.Close()

			p := servertest.NewPerson(t)
			signIn(p.Go(address + "/")).MustBeAt("/login/totp")
			if test.answer == nil {
				test.answer = map[string]string{"code": code}
			}
			p.Submit(test.answer)
			if got := strings.TrimSpace(p.Text()); p.Status != test.status || test.shown != "" && got != test.shown || strings.Contains(got, "You are") != (test.shown != "") {
				t.Errorf("%d at %s: %s", p.Status, p.URL, got)
			}
		})
	}
}
