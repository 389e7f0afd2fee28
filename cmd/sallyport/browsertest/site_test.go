package browsertest

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// site is a provider and a product on two sites, as far as a browser sees.
type site struct {
	provider, product string
}

func newSite(t *testing.T) site {
	t.Helper()
	var s site
	s.provider = serve(t, "provider.test", providerPages(&s))
	s.product = serve(t, "product.test", productPages())
	return s
}

// serve starts a server and returns its URL with another host name.
func serve(t *testing.T, host string, pages http.Handler) string {
	t.Helper()
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + host + ":" + u.Port()
}

func write(w http.ResponseWriter, title, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><html lang=en><title>%s</title><link rel=icon href=data:,><body>%s", title, body)
}

// fixed pages of the provider, by path.
var fixed = map[string]string{
	"/signin": `<h1>Sign in</h1>
		<form id=signin method=post action=/signin>
		<input id=email name=email type=email value=old@example.com required>
		<input id=code name=code inputmode=numeric maxlength=6>
		<select id=language name=language><option value=en>English<option value=de>Deutsch</select>
		<input id=day name=day type=date>
		<label><input id=remember type=checkbox name=remember hidden style="display:none" value=yes><span>Remember me</span></label>
		<button type=button id=show aria-label="Show the code">👁</button>
		<button id=go>Sign <b>in</b></button></form>
		<noscript>Scripts are off</noscript>
		<script>document.body.append('Scripts are on')</script>`,
	"/formpost": `<form method=post action=/signin><input name=email value=auto@example.com></form>
		<script>addEventListener('load', () => document.forms[0].submit())</script>`,
	"/refresh":  `<meta http-equiv=refresh content="0;url=/last">`,
	"/scripted": `<script>location.href = '/refresh'</script>`,
	"/last":     `<h1>The last page</h1>`,
	"/links": `<h1>Links</h1><a id=file href=/file>Get the file</a> <a id=nothing href=/nothing>Nothing</a>
		<a id=place href=#place>A place</a> <a href=/last>Last</a> <a href=/last>Last but one</a>
		<button>Remove</button><button>Remove</button>
		<button id=ask onclick="document.querySelector('h1').textContent = confirm('Sure?') ? 'Confirmed' : 'Refused'">Ask</button>
		<p style="height:3000px"></p><a id=below href=/last>Far below</a><div id=place></div>`,
	"/obstacles": `<style>@keyframes slide { from { translate: 600px 0 } }</style>
		<button id=moving style="animation: slide .3s linear" onclick="this.textContent='hit'">Moving</button>
		<button id=late disabled onclick="this.textContent='hit'">Late</button>
		<button id=covered>Covered</button><p id=curtain style="position:fixed;inset:200px 0 0 0;z-index:1;background:gray">Curtain</p>
		<button id=under style="position:absolute;top:300px">Under</button>
		<script>setTimeout(() => late.disabled = false, 50); setTimeout(() => { let p = document.createElement('p'); p.id = 'added'; p.textContent = 'Added later'; document.body.append(p) }, 50)</script>`,
	"/wrong":  `<script>console.error('console says', 7)</script><script>throw new Error('script is broken')</script>`,
	"/colors": `<style>@media (prefers-color-scheme: dark) { body { background: black } #dark::after { content: 'dark' } }</style><p id=dark>colors </p><p id=tall style="height:2000px">`,
}

func providerPages(s *site) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		body, ok := fixed[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		write(w, strings.TrimPrefix(r.URL.Path, "/"), body)
	})
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		http.SetCookie(w, &http.Cookie{Name: "session", Value: r.PostForm.Get("email"), HttpOnly: true, Path: "/"})
		http.Redirect(w, r, s.product+"/callback?"+r.PostForm.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if c, err := r.Cookie("session"); err == nil {
			who = c.Value
		}
		write(w, "Account", "<h1>"+html.EscapeString(who)+"</h1>")
	})
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", "attachment; filename=codes.txt")
		fmt.Fprintln(w, "codes")
	})
	mux.HandleFunc("GET /nothing", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /strict", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		write(w, "Strict", "<script>document.title = 'ran'</script><h1>Strict</h1>")
	})
	mux.HandleFunc("GET /dead", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://product.test:1/callback?code=7", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /count", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		http.Redirect(w, r, fmt.Sprintf("/count?n=%d", n+1), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		write(w, "Count", fmt.Sprintf("<h1>%d</h1><form method=post><input name=n type=hidden value=%d><button>Next</button></form>", n, n))
	})
	return mux
}

func productPages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/home?"+r.URL.RawQuery, http.StatusFound)
	})
	mux.HandleFunc("GET /home", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		write(w, "Home", fmt.Sprintf("<h1>Hello %s</h1><p id=got>%s</p>", html.EscapeString(q.Get("email")), html.EscapeString(q.Encode())))
	})
	return mux
}
