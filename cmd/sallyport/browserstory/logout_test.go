package browserstory

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// leaver is a product that is signed out of through the browser, and that looks
// every now and then whether somebody still is signed in.
type leaver struct {
	*servertest.RP
	address, issuer string

	mu  sync.Mutex
	out []*http.Request // requests for its sign-out
}

const leaverSecret = "a secret of a product that is left"

// leaves registers a product with a site of its own.
func (s *stage) leaves(t *testing.T, id, name string) *leaver {
	t.Helper()
	l := &leaver{issuer: s.URL}
	mux := http.NewServeMux()
	mux.HandleFunc("/callback", l.callback)
	mux.HandleFunc("/out", l.signOut)
	mux.HandleFunc("/bye", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<!DOCTYPE html><title>Bye</title><h1>Goodbye</h1><p id="state">%s</p>`, html.EscapeString(r.URL.Query().Get("state")))
	})
	mux.HandleFunc("/check", l.check)
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	l.address = servertest.Serve(t, mux)
	s.Apply(`products: [{id: ` + id + `, name: ` + name + `, first_party: true, secret_hash: "` + storage.Hash(leaverSecret) + `",
		redirect_uris: ["` + l.address + `/callback"], post_logout_redirect_uris: ["` + l.address + `/bye"],
		frontchannel_logout_uri: "` + l.address + `/out?from=registered", frontchannel_logout_session_required: true}]`)
	l.RP = servertest.NewRP(t, s.Instance, id, leaverSecret, l.address+"/callback")
	return l
}

// callback redeems the code and shows the session state.
func (l *leaver) callback(w http.ResponseWriter, r *http.Request) {
	_, tokens := l.Exchange(r.URL.Query().Get("code"), nil)
	http.SetCookie(w, &http.Cookie{Name: "own-" + l.ClientID, Value: "here", Path: "/", SameSite: http.SameSiteLaxMode})
	fmt.Fprintf(w, `<!DOCTYPE html><title>Product</title><h1>Inside</h1><p id="state">%s</p><p id="token">%s</p>`,
		html.EscapeString(r.URL.Query().Get("session_state")), tokens.String("id_token"))
}

// signOut is what the frame opens.
func (l *leaver) signOut(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = append(l.out, r)
	http.SetCookie(w, &http.Cookie{Name: "own-" + l.ClientID, MaxAge: -1, Path: "/"})
	fmt.Fprint(w, `<!DOCTYPE html><title>Out</title>`)
}

// left are the requests for its sign-out so far.
func (l *leaver) left() []*http.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*http.Request(nil), l.out...)
}

// check keeps the provider's frame and asks it about what is in the query, and
// about nonsense (Session Management 1.0 section 3.1).
func (l *leaver) check(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `<!DOCTYPE html><title>Check</title><h1>Checking</h1><p id="answer"></p><p id="nonsense"></p>
		<iframe id="op" src="%s/session/check" hidden></iframe>
		<script>
		const op = document.getElementById("op"), at = %q, asked = [%q, "nonsense"], shown = ["answer", "nonsense"];
		let n = 0;
		const ask = () => { if (n < asked.length) op.contentWindow.postMessage(asked[n], at); };
		addEventListener("message", (e) => {
			if (e.source !== op.contentWindow || e.origin !== at) return;
			document.getElementById(shown[n++]).textContent = e.data;
			ask();
		});
		op.addEventListener("load", ask);
		</script>`, l.issuer, l.issuer, l.ClientID+" "+r.URL.Query().Get("session_state"))
}

// A sign-out reaches, in a real browser, the products that were signed in to,
// and then leads back.
func TestFrontChannelLogout(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		board, mail := s.leaves(t, "left-board", "Board"), s.leaves(t, "left-mail", "Mail")
		enter := func(v *visitor) (hint string) {
			t.Helper()
			v.Go(board.AuthorizeURL(nil))
			v.at("/login/password").password()
			v.says("h1", "Inside")
			hint = v.Text("#token")
			v.Go(mail.AuthorizeURL(nil))
			v.says("h1", "Inside")
			return hint
		}
		leave := func(v *visitor, hint string) {
			t.Helper()
			v.Go(s.URL + "/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {board.address + "/bye"}, "state": {`a "state"`}}.Encode())
		}
		told := func(times int) {
			t.Helper()
			for _, l := range []*leaver{board, mail} {
				out := l.left()
				if len(out) != times {
					t.Fatalf("%s was told %d times, not %d", l.ClientID, len(out), times)
				}
				last := out[times-1]
				q := last.URL.Query()
				if q.Get("from") != "registered" || q.Get("iss") != s.URL || q.Get("sid") == "" {
					t.Errorf("%s: %s", l.ClientID, last.URL)
				}
				if c, err := last.Cookie("own-" + l.ClientID); err != nil || c.Value != "here" {
					t.Errorf("%s doesn't see who leaves: %v", l.ClientID, last.Header)
				}
			}
		}

		ana := s.visitor(t, "ana@acme.example")
		leave(ana, enter(ana))
		ana.WaitURL(board.address + "/bye")
		ana.says("#state", `a "state"`)
		told(1)
		ana.Go(s.URL + "/account")
		ana.at("/login/password")

		// Without scripts as well, after a few seconds.
		ben := s.visitor(t, "ben@acme.example").withoutScripts()
		leave(ben, enter(ben))
		ben.WaitURL(board.address + "/bye")
		told(2)

		// From the account there is nowhere to go on to.
		eva := s.visitor(t, s.join("Eva"))
		enter(eva)
		eva.Go(s.URL + "/account")
		eva.at("/account").Click("header form button")
		eva.says("h1", "You are signed out").says("main", "Board").says("main", "Mail")
		eva.Width(320)
		if wide := eva.tooWide(); len(wide) > 0 {
			t.Errorf("wider than 320 px: %q", wide)
		}
		told(3)
		if heard := eva.Complaints(); len(heard) > 0 {
			t.Errorf("complaints: %q", heard)
		}
	})
}

// A product learns from the frame, without a word to the server, that somebody
// signed out, or that somebody else signed in.
func TestSessionManagement(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		board, mail := s.leaves(t, "left-board", "Board"), s.leaves(t, "left-mail", "Mail")
		ana := s.visitor(t, "ana@acme.example")
		asks := func(l *leaver, state, want string) {
			t.Helper()
			ana.Go(l.address + "/check?" + url.Values{"session_state": {state}}.Encode())
			ana.WaitText("error") // the last answer
			if got := ana.Text("#answer"); got != want {
				t.Errorf("%s at %s: %s, not %s", state, l.ClientID, got, want)
			}
			if got := ana.Text("#nonsense"); got != "error" {
				t.Errorf("nonsense is answered %s", got)
			}
		}
		enter := func(l *leaver) string {
			t.Helper()
			ana.Go(l.AuthorizeURL(nil))
			if ana.Has("#password") {
				ana.password()
			}
			return ana.says("h1", "Inside").Text("#state")
		}
		state, other := enter(board), enter(mail)
		asks(board, state, "unchanged")
		asks(mail, other, "unchanged")
		asks(board, other, "changed") // of another client and origin
		asks(board, "", "error")
		asks(board, "nonsense.too", "error")

		ana.Go(s.URL + "/logout")
		ana.at("/logout").Click("main form button")
		ana.says("h1", "You are signed out")
		asks(board, state, "changed")
		again := enter(board)
		asks(board, again, "unchanged")
		asks(board, state, "changed")
	})
}
