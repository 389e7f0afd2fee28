package demo_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/login/notify"
)

const (
	gatewaySecret = "0123456789abcdef0123456789abcdef"
	ours          = "+41780000042"
	theirs        = "+41791234567"
)

// textProvider is the provider's end: it takes what is signed as
// POST /texts/inbound does, with the provider's own reader.
type textProvider struct {
	*httptest.Server
	taken []notify.Inbound
}

func startTextProvider(t *testing.T) *textProvider {
	t.Helper()
	p := &textProvider{}
	reader := notify.NewWebhookInbound(gatewaySecret)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		m, err := reader.ReadInbound(r, body, time.Now())
		switch {
		case err == nil:
			p.taken = append(p.taken, m)
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, notify.ErrBadInbound):
			http.Error(w, err.Error(), http.StatusBadRequest)
		default:
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// startPhone serves an inbox that carries text messages, with a secret.
func startPhone(t *testing.T, secret, inbound string) *httptest.Server {
	t.Helper()
	in := demo.NewInbox()
	in.Carry(demo.Gateway{Secret: secret, Number: ours, Inbound: inbound})
	srv := httptest.NewServer(in)
	t.Cleanup(srv.Close)
	return srv
}

// kept are the inbox's messages as a script sees them.
func kept(t *testing.T, srv *httptest.Server) (all []demo.Message) {
	t.Helper()
	if err := json.Unmarshal([]byte(newPerson(t, srv).get("/messages.json").body), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInboxTakesTextMessages(t *testing.T) {
	srv := startPhone(t, gatewaySecret, "")
	provider := notify.NewWebhook(srv.URL+"/gateway", gatewaySecret, http.DefaultClient)
	text := notify.Text{ID: "m1", To: theirs, Body: "482913 is your code for localhost: give it to nobody.\n\n@localhost #482913"}
	for range 2 { // as a provider that didn't hear the first answer does
		if err := provider.SendText(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if got := kept(t, srv); len(got) != 1 || got[0].ID != "m1" || got[0].Kind != "sms" || got[0].To != theirs || got[0].From != ours || got[0].Body != text.Body {
		t.Fatalf("kept %+v", got)
	}
	newPerson(t, srv).get("/").mustShow(t, 200, `<p class="code">Code <b>482913</b></p>`, "482913 is your code", "Text message")

	text.ID = "m2"
	if err := provider.SendText(t.Context(), text); err != nil || len(kept(t, srv)) != 2 {
		t.Errorf("a second message: %v, %d kept", err, len(kept(t, srv)))
	}
}

func TestInboxRefusesOtherPeoplesMessages(t *testing.T) {
	srv := startPhone(t, gatewaySecret, "")
	const body = `{"id":"m1","to":"` + theirs + `","body":"x"}`
	for name, test := range map[string]struct {
		secret, signed, sent string
		age                  time.Duration
		status               int
	}{
		"not signed":     {signed: body, sent: body, status: 403},
		"another secret": {secret: strings.Repeat("x", 32), signed: body, sent: body, status: 403},
		"another body":   {secret: gatewaySecret, signed: body, sent: strings.Replace(body, "x", "y", 1), status: 403},
		"old":            {secret: gatewaySecret, signed: body, sent: body, age: time.Hour, status: 403},
		"no id":          {secret: gatewaySecret, signed: `{"to":"+4179"}`, sent: `{"to":"+4179"}`, status: 400},
		"no JSON":        {secret: gatewaySecret, signed: "?", sent: "?", status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/gateway", strings.NewReader(test.sent))
			r.RequestURI = ""
			if test.secret != "" {
				notify.SignRequest(r, test.secret, time.Now().Add(-test.age), []byte(test.signed))
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
		})
	}
	if got := kept(t, srv); len(got) != 0 {
		t.Errorf("kept %+v", got)
	}
}

func TestInboxSendsTextMessages(t *testing.T) {
	provider := startTextProvider(t)
	srv := startPhone(t, gatewaySecret, provider.URL)
	ana := newPerson(t, srv)
	ana.get("/").mustShow(t, 200, "Send a text message to &#43;41780000042", `action="/texts"`, `value="`+"&#43;41791234567")
	for range 2 { // saying it twice is two messages
		resp, err := ana.PostForm(srv.URL+"/texts", url.Values{"from": {"+41 79 999 88 77"}, "body": {"ABCD-EFGH"}})
		page := ana.read(resp, err)
		page.mustShow(t, 200, "Accepted: the provider has the message.", `value="&#43;41 79 999 88 77"`)
		page.mustNotShow(t, "Not accepted", `http-equiv="refresh"`)
	}
	if len(provider.taken) != 2 || provider.taken[0].ID == provider.taken[1].ID {
		t.Fatalf("taken %+v", provider.taken)
	}
	if m := provider.taken[0]; m.From != "+41799998877" || m.To != ours || m.Body != "ABCD-EFGH" {
		t.Errorf("taken %+v", m)
	}

	for body, want := range map[string]int{
		`{"from":"` + theirs + `","body":"WXYZ"}`: 204,
		`{"from":"0791234567","body":"WXYZ"}`:     502,
		`from=`:                                   400,
	} {
		resp, err := http.Post(srv.URL+"/texts", "application/json", strings.NewReader(body))
		if answer := ana.read(resp, err); answer.status != want {
			t.Errorf("%s: %d %s", body, answer.status, answer.body)
		}
	}
	if len(provider.taken) != 3 || provider.taken[2].From != theirs || provider.taken[2].Body != "WXYZ" {
		t.Errorf("taken %+v", provider.taken)
	}
}

func TestInboxSaysWhatWasNotAccepted(t *testing.T) {
	provider := startTextProvider(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, test := range map[string]struct{ secret, inbound, from, says string }{
		"no number":      {gatewaySecret, provider.URL, "Ana", "write the number with its country"},
		"another secret": {strings.Repeat("x", 32), provider.URL, theirs, "the provider answered 403"},
		"nobody there":   {gatewaySecret, gone.URL, theirs, "the provider didn&#39;t answer"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startPhone(t, test.secret, test.inbound)
			ana := newPerson(t, srv)
			resp, err := ana.PostForm(srv.URL+"/texts", url.Values{"from": {test.from}, "body": {"x"}})
			page := ana.read(resp, err)
			page.mustShow(t, 200, "Not accepted", test.says)
			page.mustNotShow(t, "Accepted: ")
		})
	}
	if len(provider.taken) != 0 {
		t.Errorf("taken %+v", provider.taken)
	}
}

// Another site must not text for whoever tries the demo.
func TestInboxRefusesCrossSite(t *testing.T) {
	provider := startTextProvider(t)
	srv := startPhone(t, gatewaySecret, provider.URL)
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/texts", strings.NewReader("from=%2B41791234567&body=x"))
		r.RequestURI = ""
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(name, value)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
	}
	if len(provider.taken) != 0 {
		t.Errorf("taken %+v", provider.taken)
	}
}

// Without a gateway it is a mailbox.
func TestInboxWithoutGateway(t *testing.T) {
	srv := httptest.NewServer(demo.NewInbox())
	defer srv.Close()
	ana := newPerson(t, srv)
	ana.get("/").mustNotShow(t, "Send a text message")
	for _, path := range []string{"/texts", "/gateway"} {
		resp, err := http.Post(srv.URL+path, "application/json", strings.NewReader("{}"))
		if page := ana.read(resp, err); page.status/100 != 4 {
			t.Errorf("%s: %d", path, page.status)
		}
	}
}
