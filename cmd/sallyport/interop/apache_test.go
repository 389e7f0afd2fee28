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
		"/etc/apache2/oidc-secret": written(t, proxySecret), "/etc/apache2/oidc-passphrase": written(t, "a passphrase for cookies, forty long....."),
	})
	as := ""
	if os.Getuid() == 0 { // Apache's children don't run as root
		as = "User www-data\nGroup www-data"
	}
	around := written(t, fmt.Sprintf(apacheAround, t.TempDir(), port, as, conf))
	startProgram(t, exec.CommandContext(t.Context(), "/usr/sbin/apache2", "-f", around, "-DFOREGROUND"), "resuming normal operations")

	shows := func(p *servertest.Person, want string) {
		t.Helper()
		if got := strings.TrimSpace(p.Text()); p.Status != 200 || got != want {
			t.Fatalf("%d at %s: %s", p.Status, p.URL, got)
		}
	}
	p := servertest.NewPerson(t)
	shows(signIn(p.Go(address+"/")), "You are ana@acme.example, by urn:sallyport:acr:1fa.")
	p.Go(address + "/remote/front-desk").MustBeAt("/login/totp").Submit(map[string]string{"code": code})
	shows(p, "You are ana@acme.example, by urn:sallyport:acr:2fa.")
	if p.URL.Path != "/remote/front-desk" {
		t.Errorf("led to %s", p.URL)
	}
	shows(p.Go(address+"/remote/front-desk"), "You are ana@acme.example, by urn:sallyport:acr:2fa.") // no question

	// Essential, and refused by the person: an error, and neither the page nor a circle.
	p = servertest.NewPerson(t)
	signIn(p.Go(address + "/"))
	p.Go(address + "/remote/front-desk").MustBeAt("/login/totp").Submit(map[string]string{"later": "1"})
	if got := p.Text(); strings.Contains(got, "You are") || !strings.HasPrefix(p.URL.String(), address+"/oidc/callback?") || !strings.Contains(got, "unmet_authentication_requirements") {
		t.Errorf("%d at %s: %s", p.Status, p.URL, got)
	}
	if p.Go(address + "/remote/front-desk").MustBeAt("/login/totp"); p.Status != 200 {
		t.Errorf("%d", p.Status)
	}
}
