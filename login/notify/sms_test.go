package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
)

var (
	client = &http.Client{}
	code   = notify.Text{To: "+41791234567", Body: "482913 is your code"}
	// signedAt is a moment for signatures: 1767225600.
	signedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

const smsSecret = "s3cret-hidden"

// gateway answers with the handler and remembers what it was asked.
type gateway struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

// MustGateway runs until the test ends. What it was asked is read only after its answers.
func MustGateway(t *testing.T, answer http.HandlerFunc) *gateway {
	t.Helper()
	g := &gateway{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		g.mu.Lock()
		g.requests, g.bodies = append(g.requests, r), append(g.bodies, string(body))
		g.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// The signatures were made with openssl dgst -sha256 -hmac; the second is the example in docs/operate.
func TestWebhookSigns(t *testing.T) {
	for _, test := range []struct{ secret, text, body, signature string }{
		{smsSecret, "Grüße & 482913", `{"id":"m1","to":"+41791234567","body":"Grüße \u0026 482913"}`, "c5d6d174eb0a275314f37f588db640e298adb0d0e125980bfffcce7883c39a35"},
		{"0123456789abcdef0123456789abcdef", "482913 is your code", `{"id":"m1","to":"+41791234567","body":"482913 is your code"}`, "942fad5af5380f4138ae8c5aaed7bf28067a6cb27af9ebb4f69228ca0e589264"},
	} {
		g := MustGateway(t, status(202, ""))
		w := notify.NewWebhook(g.URL+"/send", test.secret, client)
		w.Now = func() time.Time { return signedAt }
		if err := w.SendText(t.Context(), notify.Text{ID: "m1", To: code.To, Body: test.text}); err != nil {
			t.Fatal(err)
		}
		r := g.requests[0]
		if g.bodies[0] != test.body {
			t.Errorf("body %s, want %s", g.bodies[0], test.body)
		}
		if got, want := r.Header.Get("Sallyport-Signature"), "t=1767225600,v1="+test.signature; got != want {
			t.Errorf("signature\n%s, want\n%s", got, want)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/send" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s, %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
	}
}

// A gateway that signs back what it got uses the same scheme.
func TestWebhookSignatureIsTheInboundOne(t *testing.T) {
	g := MustGateway(t, status(200, ""))
	if err := notify.NewWebhook(g.URL, smsSecret, client).SendText(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	// It lacks a sender, so it is no message of a person's, but the signature was right.
	_, err := notify.NewWebhookInbound(smsSecret).ReadInbound(g.requests[0], []byte(g.bodies[0]), time.Now())
	if !errors.Is(err, notify.ErrBadInbound) {
		t.Errorf("got %v", err)
	}
}

func TestWebhookNamesEachMessage(t *testing.T) {
	g := MustGateway(t, status(200, ""))
	w := notify.NewWebhook(g.URL, smsSecret, client)
	named := notify.Text{ID: "m1", To: code.To, Body: code.Body}
	for _, text := range []notify.Text{code, code, named, named} {
		if err := w.SendText(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	ids := make([]string, len(g.bodies))
	for i, body := range g.bodies {
		var text notify.Text
		if err := json.Unmarshal([]byte(body), &text); err != nil {
			t.Fatal(err)
		}
		ids[i] = text.ID
	}
	if ids[0] == "" || ids[0] == ids[1] || ids[2] != "m1" || ids[3] != "m1" {
		t.Errorf("ids %q", ids)
	}
}

func MustTwilio(base string, c *http.Client) *notify.Twilio {
	return notify.NewTwilio(notify.TwilioOptions{Account: "AC123", Token: smsSecret, From: "+15005550006", Base: base}, c)
}

func TestTwilioSends(t *testing.T) {
	g := MustGateway(t, status(201, `{"sid":"SM1","status":"queued"}`))
	service := "MG" + strings.Repeat("0a", 16)
	byService := notify.NewTwilio(notify.TwilioOptions{Account: "AC123", Token: smsSecret, From: service, Base: g.URL}, client)
	for _, sender := range []notify.TextSender{MustTwilio(g.URL, client), byService} {
		if err := sender.SendText(t.Context(), code); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []url.Values{
		{"To": {code.To}, "Body": {code.Body}, "From": {"+15005550006"}},
		{"To": {code.To}, "Body": {code.Body}, "MessagingServiceSid": {service}},
	} {
		r := g.requests[i]
		user, password, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/AC123/Messages.json" || user != "AC123" || password != smsSecret {
			t.Errorf("%s %s by %s", r.Method, r.URL, user)
		}
		if g.bodies[i] != want.Encode() {
			t.Errorf("form %s, want %s", g.bodies[i], want.Encode())
		}
	}
}

// Both senders treat an answer alike.
func TestGatewayAnswers(t *testing.T) {
	echo := `{"code":21211,"message":"` + smsSecret + ` +41791234567 482913 is your code"}`
	for name, test := range map[string]struct {
		status   int
		body     string
		step     notify.Step // empty: accepted
		rejected bool
	}{
		"accepted":          {status: 200},
		"accepted for now":  {status: 202, body: "{not json"},
		"redirect":          {status: 302, step: notify.StepHandOver},
		"bad request":       {status: 400, body: echo, step: notify.StepHandOver, rejected: true},
		"wrong secret":      {status: 401, body: echo, step: notify.StepSignIn, rejected: true},
		"not allowed":       {status: 403, body: echo, step: notify.StepSignIn, rejected: true},
		"gone":              {status: 404, body: echo, step: notify.StepHandOver, rejected: true},
		"took too long":     {status: 408, body: echo, step: notify.StepHandOver},
		"too many":          {status: 429, body: echo, step: notify.StepHandOver},
		"broken":            {status: 500, body: echo, step: notify.StepHandOver},
		"down":              {status: 503, body: echo, step: notify.StepHandOver},
		"a long story":      {status: 500, body: strings.Repeat("482913 ", 1<<18), step: notify.StepHandOver},
		"accepted, at last": {status: 200, body: strings.Repeat("x", 2<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			followed := MustGateway(t, status(200, ""))
			g := MustGateway(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", followed.URL)
				status(test.status, test.body)(w, r)
			})
			for _, sender := range []notify.TextSender{notify.NewWebhook(g.URL+"/"+smsSecret, smsSecret, client), MustTwilio(g.URL, client)} {
				err := sender.SendText(t.Context(), code)
				if len(followed.requests) > 0 {
					t.Fatal("the redirect was followed")
				}
				if test.step == "" {
					if err != nil {
						t.Errorf("%v: %v", sender, err)
					}
					continue
				}
				f, ok := errors.AsType[*notify.Failure](err)
				if !ok || f.Step != test.step || errors.Is(err, notify.ErrRejected) != test.rejected {
					t.Errorf("%v: %v, rejected %v", sender, err, errors.Is(err, notify.ErrRejected))
					continue
				}
				if len(f.Said()) > 1000 || strings.Contains(f.Said(), smsSecret) || (f.Said() == "") != (test.body == "") {
					t.Errorf("%v said %q", sender, f.Said())
				}
				mustHideText(t, err)
			}
			if len(g.requests) != 2 {
				t.Errorf("asked %d times", len(g.requests))
			}
		})
	}
}

func TestTwilioNamesItsError(t *testing.T) {
	g := MustGateway(t, status(400, `{"code":21211,"message":"The 'To' number is invalid","status":400}`))
	err := MustTwilio(g.URL, client).SendText(t.Context(), code)
	f, ok := errors.AsType[*notify.Failure](err)
	if !ok || f.Code != "HTTP 400, Twilio's error 21211" || f.Said() != "The 'To' number is invalid" {
		t.Errorf("got %v", err)
	}
}

// mustHideText fails if the secret, the number or the message is in the error or in what it wraps.
func mustHideText(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	if f, ok := errors.AsType[*notify.Failure](err); ok {
		for _, cause := range f.Unwrap() {
			text += "\n" + cause.Error()
		}
	}
	for _, secret := range []string{smsSecret, "482913", "4179", "AC123"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the error: %s", secret, text)
		}
	}
}

func TestGatewayFallsSilent(t *testing.T) {
	asked, done := make(chan struct{}), make(chan struct{})
	g := MustGateway(t, func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-done
	})
	t.Cleanup(func() { close(done) }) // before the server waits for its handlers
	for _, sender := range []notify.TextSender{notify.NewWebhook(g.URL+"/"+smsSecret, smsSecret, client), MustTwilio(g.URL, client)} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-asked
			cancel()
		}()
		err := sender.SendText(ctx, code)
		if !errors.Is(err, context.Canceled) || errors.Is(err, notify.ErrRejected) {
			t.Errorf("%v: %v", sender, err)
		}
		mustHideText(t, err)
	}
}

func TestGatewayTimeout(t *testing.T) {
	done := make(chan struct{})
	g := MustGateway(t, func(http.ResponseWriter, *http.Request) { <-done })
	t.Cleanup(func() { close(done) })
	hasty := &http.Client{Timeout: 20 * time.Millisecond}
	for _, sender := range []notify.TextSender{notify.NewWebhook(g.URL+"/"+smsSecret, smsSecret, hasty), MustTwilio(g.URL, hasty)} {
		err := sender.SendText(t.Context(), code)
		if f, ok := errors.AsType[*notify.Failure](err); !ok || f.Step != notify.StepConnect || errors.Is(err, notify.ErrRejected) {
			t.Errorf("%v: %v", sender, err)
		}
		mustHideText(t, err)
	}
}

// The client's own refusal of an address is what the caller sees, without the URL.
func TestGatewayRefusedByTheClient(t *testing.T) {
	refusal := errors.New("private addresses are refused")
	guarded := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, refusal })}
	for _, sender := range []notify.TextSender{
		notify.NewWebhook("http://127.0.0.1:1/"+smsSecret, smsSecret, guarded), MustTwilio("http://127.0.0.1:1", guarded),
	} {
		err := sender.SendText(t.Context(), code)
		if !errors.Is(err, refusal) || errors.Is(err, notify.ErrRejected) {
			t.Errorf("%v: %v", sender, err)
		}
		mustHideText(t, err)
	}
	mustHideText(t, notify.NewWebhook("http://\x7f"+smsSecret, smsSecret, client).SendText(t.Context(), code))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
