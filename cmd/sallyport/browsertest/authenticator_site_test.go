package browsertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// passkeySite is a site with one person, who may add keys and use them.
type passkeySite struct {
	t    *testing.T
	ctx  context.Context // not cancelled while the last requests come in
	url  string
	db   *storage.DB
	keys *factor.WebAuthn
	ana  *storage.User

	mu         sync.Mutex
	challenges int
	asked      *sync.Cond // a challenge was made
}

func newPasskeySite(t *testing.T) *passkeySite {
	t.Helper()
	s := &passkeySite{t: t, ctx: context.WithoutCancel(t.Context()), db: storagetest.Open(t, storagetest.URL(t, "sqlite"), storage.Options{})}
	s.asked = sync.NewCond(&s.mu)
	s.ana = &storage.User{ID: storage.NewID(), OrgID: "acme", Email: "ana@acme.example", Kind: policy.Staff, Role: policy.Member}
	s.write(func(tx *storage.Tx) error {
		if err := tx.PutOrg(t.Context(), storage.Org{ID: "acme", Name: "Acme", Rules: []byte("{}")}, time.Now()); err != nil {
			return err
		}
		return tx.InsertUser(t.Context(), *s.ana, time.Now())
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/webauthn.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "../../../login/page/static/webauthn.js")
	})
	mux.HandleFunc("GET /{page}", s.page)
	mux.HandleFunc("POST /{page}/options", s.options)
	mux.HandleFunc("POST /{page}", s.answer)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://localhost:" + u.Port()
	if s.keys, err = factor.NewWebAuthn(s.url, "Example", ""); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *passkeySite) write(fn func(*storage.Tx) error) {
	s.t.Helper()
	if err := s.db.Write(s.ctx, fn); err != nil {
		s.t.Error(err)
	}
}

func (s *passkeySite) factors() []*storage.Factor {
	all, err := s.db.Factors(s.ctx, s.ana.ID)
	if err != nil {
		s.t.Error(err)
	}
	return all
}

// waitForChallenges returns once n challenges were made.
func (s *passkeySite) waitForChallenges(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.challenges < n {
		s.asked.Wait()
	}
}

// made is how many challenges were made.
func (s *passkeySite) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.challenges
}

// forms are what the pages have for this, by page.
var forms = map[string]string{
	"add":         `data-webauthn=create`,
	"signin":      `data-webauthn=get`,
	"confirm":     `data-webauthn=get`,
	"conditional": `data-webauthn=get data-conditional`,
	"broken":      `data-webauthn=get`,
}

func (s *passkeySite) page(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("page")
	var body string
	switch {
	case name == "signal":
		ids, err := factor.CredentialIDs(s.factors())
		if err != nil {
			s.t.Error(err)
		}
		list, _ := json.Marshal(ids)
		body = fmt.Sprintf(`<div data-signal=all data-rp-id="%s" data-user-id="%s" data-credentials="%s"></div>`, s.keys.RPID(), factor.UserHandle(s.ana.ID), html.EscapeString(string(list)))
	case name == "unknown":
		body = fmt.Sprintf(`<div data-signal=unknown data-rp-id="%s" data-credential-id="%s"></div>`, s.keys.RPID(), html.EscapeString(r.FormValue("id")))
	case forms[name] != "":
		body = fmt.Sprintf(`<input autocomplete="username webauthn" aria-label=E-mail>
			<div data-passkey hidden><form %s data-options="/%s/options?r=7" method=post action="/%[2]s?r=7">
			<input type=hidden name=form_token value=right><input type=hidden name=credential>
			<p data-webauthn-error role=alert hidden>That didn’t work.</p><p data-webauthn-registered role=alert hidden>It is there already.</p>
			<button>Use it</button></form></div>`, forms[name], name)
	default:
		http.NotFound(w, r)
		return
	}
	s.show(w, "Passkeys", body+`<script type=module src="/static/webauthn.js"></script>`)
}

func (s *passkeySite) show(w http.ResponseWriter, heading, body string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	fmt.Fprintf(w, "<!doctype html><html lang=en><title>%s</title><link rel=icon href=data:,><body><h1>%[1]s</h1>%s", html.EscapeString(heading), body)
}

// who is the person a page is about; nil where the key has to say.
func (s *passkeySite) who(page string) *storage.User {
	if page == "signin" || page == "conditional" {
		return nil
	}
	return s.ana
}

func (s *passkeySite) options(w http.ResponseWriter, r *http.Request) {
	page := r.PathValue("page")
	if r.Method != "POST" || r.FormValue("form_token") != "right" || r.URL.RawQuery != "r=7" || page == "broken" {
		http.Error(w, "refused", http.StatusForbidden)
		return
	}
	var options json.RawMessage
	s.write(func(tx *storage.Tx) (err error) {
		if page == "add" {
			options, err = s.keys.BeginEnrolment(s.ctx, tx, "here", s.ana, time.Now())
		} else {
			options, err = s.keys.BeginProof(s.ctx, tx, "here", s.who(page), time.Now())
		}
		return err
	})
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"publicKey": options})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.challenges++
	s.asked.Broadcast()
}

func (s *passkeySite) answer(w http.ResponseWriter, r *http.Request) {
	page, credential := r.PathValue("page"), []byte(r.FormValue("credential"))
	if r.FormValue("form_token") != "right" || r.URL.RawQuery != "r=7" {
		http.Error(w, "refused", http.StatusForbidden)
		return
	}
	var p factor.KeyProof
	err := s.db.Write(s.ctx, func(tx *storage.Tx) (err error) {
		if page == "add" {
			p, err = s.keys.Enrol(s.ctx, tx, "here", s.ana, "", credential, time.Now())
		} else {
			p, err = s.keys.Verify(s.ctx, tx, "here", s.who(page), credential, time.Now())
		}
		return err
	})
	switch {
	case errors.Is(err, storage.ErrTaken):
		s.show(w, "Taken", "")
	case err != nil:
		s.t.Error(err)
	case p.Outcome == factor.Cloned:
		s.show(w, "Cloned", "")
	case p.Outcome != factor.Accepted:
		s.show(w, "Wrong", "<p id=unknown>"+html.EscapeString(p.Unknown))
	case p.UserID != s.ana.ID:
		s.t.Errorf("somebody else: %+v", p)
	default:
		words := []string{p.Factor.Name, "of " + s.ana.Email}
		if p.Proof.UserVerified {
			words = append(words, "verified")
		}
		if p.Proof.Key != "" {
			words = append(words, string(p.Proof.Key))
		}
		s.show(w, "Accepted", "<p id=proof>"+html.EscapeString(strings.Join(words, ", ")))
	}
}
