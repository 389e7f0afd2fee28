//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// What Apache needs beside docs/integrate/step-up.md to run by itself.
const apacheAround = `
ServerName localhost
ServerRoot %[1]q
PidFile %[1]s/pid
Mutex file:%[1]s default
Listen 127.0.0.1:%[2]d
ErrorLog /dev/stderr
KeepAlive Off
%[3]s
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule auth_openidc_module /usr/lib/apache2/modules/mod_auth_openidc.so
Include %[4]s
`

// Apache's mod_auth_openidc in front of a product, set up as
// docs/integrate/step-up.md says: one part of it for everybody, one for those
// whose ID token shows two factors.
func TestModAuthOpenIDC(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	address := fmt.Sprintf("http://localhost:%d", port)
	i, code := proxied(t, address+"/oidc/callback")
	conf := configured(t, "apache.conf", nil, map[string]string{
		"https://login.example.com": i.URL, "https://app.example.com": address, "http://127.0.0.1:8080": upstream(t),
	})
	as := ""
	if os.Getuid() == 0 { // Apache's children don't run as root
		as = "User www-data\nGroup www-data"
	}
	around := written(t, fmt.Sprintf(apacheAround, t.TempDir(), port, as, conf))
	cmd := exec.Command("/usr/sbin/apache2", "-f", around, "-DFOREGROUND")
	cmd.Env = append(os.Environ(), "CLIENT_SECRET="+proxySecret, "COOKIE_PASSPHRASE=a passphrase for cookies, forty long.....")
	startProgram(t, cmd, "resuming normal operations")

	shows := func(p *servertest.Person, want string) {
		t.Helper()
		if got := strings.TrimSpace(p.Text()); p.Status != 200 || got != want {
			t.Fatalf("%d at %s: %s", p.Status, p.URL, got)
		}
	}
	remote := func(p *servertest.Person) *servertest.Person { // Apache leads on by a page that loads the next
		t.Helper()
		if p.Go(address + "/remote/front-desk"); strings.Contains(p.Source(), `http-equiv="refresh"`) {
			p.Go(p.URL.String())
		}
		return p
	}
	p := servertest.NewPerson(t)
	shows(signIn(p.Go(address+"/")), "You are ana@acme.example, by urn:sallyport:acr:1fa.")
	remote(p).MustBeAt("/login/totp").Submit(map[string]string{"code": code})
	shows(p, "You are ana@acme.example, by urn:sallyport:acr:2fa.")
	if p.URL.Path != "/remote/front-desk" {
		t.Errorf("led to %s", p.URL)
	}
	shows(remote(p), "You are ana@acme.example, by urn:sallyport:acr:2fa.") // no question

	// Essential, and refused by the person: back at the first page, and neither
	// the page nor a circle.
	p = servertest.NewPerson(t)
	signIn(p.Go(address + "/"))
	remote(p).MustBeAt("/login/totp").Submit(map[string]string{"later": "1"})
	if shows(p, "You are ana@acme.example, by urn:sallyport:acr:1fa."); p.URL.Path != "/" {
		t.Errorf("led to %s", p.URL)
	}
	remote(p).MustBeAt("/login/totp")
}
