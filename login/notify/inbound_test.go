package notify_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/login/notify"
)

// signature is the operator's side of the scheme, written from its description.
func signature(secret, t, body string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "." + body))
	return hex.EncodeToString(h.Sum(nil))
}

func request(header, value string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://ignored.example/texts/inbound", nil)
	r.Header.Set(header, value)
	return r
}

func TestWebhookInbound(t *testing.T) {
	const message = `{"id":"in-1","from":"+41 79 123 45 67","to":"+41445551212","body":"482913","more":true}`
	const t0 = "1767225600"
	right := signature(smsSecret, t0, message)
	for name, test := range map[string]struct {
		header, body string
		now          time.Time
		want         error
	}{
		"right":                   {header: "t=" + t0 + ",v1=" + right, body: message},
		"with spaces":             {header: "t=" + t0 + ", v1=" + right, body: message},
		"capitals":                {header: "t=" + t0 + ",v1=" + strings.ToUpper(right), body: message},
		"one of two secrets":      {header: "t=" + t0 + ",v1=" + signature("old", t0, message) + ",v1=" + right, body: message},
		"of a later scheme":       {header: "t=" + t0 + ",v2=00,v1=" + right, body: message},
		"five minutes old":        {header: "t=" + t0 + ",v1=" + right, body: message, now: signedAt.Add(5 * time.Minute)},
		"older":                   {header: "t=" + t0 + ",v1=" + right, body: message, now: signedAt.Add(5*time.Minute + time.Second), want: notify.ErrStale},
		"five minutes ahead":      {header: "t=" + t0 + ",v1=" + right, body: message, now: signedAt.Add(-5 * time.Minute)},
		"of the future":           {header: "t=" + t0 + ",v1=" + right, body: message, now: signedAt.Add(-5*time.Minute - time.Second), want: notify.ErrStale},
		"none":                    {body: message, want: notify.ErrBadSignature},
		"no time":                 {header: "v1=" + right, body: message, want: notify.ErrBadSignature},
		"two times":               {header: "t=" + t0 + ",t=" + t0 + ",v1=" + right, body: message, want: notify.ErrBadSignature},
		"another time":            {header: "t=1767225601,v1=" + right, body: message, want: notify.ErrBadSignature},
		"no number for a time":    {header: "t=x,v1=" + signature(smsSecret, "x", message), body: message, want: notify.ErrBadSignature},
		"another secret":          {header: "t=" + t0 + ",v1=" + signature("other", t0, message), body: message, want: notify.ErrBadSignature},
		"another body":            {header: "t=" + t0 + ",v1=" + right, body: strings.Replace(message, "482913", "482914", 1), want: notify.ErrBadSignature},
		"stale and wrong":         {header: "t=1,v1=" + right, body: message, want: notify.ErrBadSignature},
		"half a signature":        {header: "t=" + t0 + ",v1=" + right[:32], body: message, want: notify.ErrBadSignature},
		"empty signature":         {header: "t=" + t0 + ",v1=", body: message, want: notify.ErrBadSignature},
		"no JSON":                 signedMessage(`482913`),
		"no id":                   signedMessage(`{"from":"+41791234567","body":"482913"}`),
		"an endless id":           signedMessage(`{"id":"` + strings.Repeat("x", 129) + `","from":"+41791234567","body":"482913"}`),
		"no sender":               signedMessage(`{"id":"in-1","body":"482913"}`),
		"a sender without a code": signedMessage(`{"id":"in-1","from":"20100","body":"482913"}`),
	} {
		t.Run(name, func(t *testing.T) {
			now := test.now
			if now.IsZero() {
				now = signedAt
			}
			got, err := notify.NewWebhookInbound(smsSecret).ReadInbound(request("Sallyport-Signature", test.header), []byte(test.body), now)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err != nil {
				if strings.Contains(err.Error(), "482913") || strings.Contains(err.Error(), smsSecret) || got != (notify.Inbound{}) {
					t.Errorf("a refused message is shown: %v, %+v", err, got)
				}
				return
			}
			want := notify.Inbound{ID: "in-1", From: "+41791234567", To: "+41445551212", Body: "482913", At: signedAt}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// signedMessage is one that comes from the gateway but is no person's.
func signedMessage(body string) struct {
	header, body string
	now          time.Time
	want         error
} {
	return struct {
		header, body string
		now          time.Time
		want         error
	}{header: "t=1767225600,v1=" + signature(smsSecret, "1767225600", body), body: body, want: notify.ErrBadInbound}
}

func TestInboundWithoutASecretBelievesNobody(t *testing.T) {
	const message = `{"id":"in-1","from":"+41791234567","body":"x"}`
	_, err := notify.NewWebhookInbound("").ReadInbound(request("Sallyport-Signature", "t=1767225600,v1="+signature("", "1767225600", message)), []byte(message), signedAt)
	if !errors.Is(err, notify.ErrBadSignature) {
		t.Errorf("webhook: %v", err)
	}
	_, err = notify.NewTwilioInbound("", "https://id.example.com").ReadInbound(request("X-Twilio-Signature", twilioSignature("", "https://id.example.com/texts/inbound")), nil, signedAt)
	if !errors.Is(err, notify.ErrBadSignature) {
		t.Errorf("Twilio: %v", err)
	}
}

// The first signature is the example of Twilio's documentation, the second that of its libraries' tests for parameters
// that come twice. Both are of requests other than messages, so what is wrong with them is not the signature.
func TestTwilioDocumentedSignatures(t *testing.T) {
	reader := notify.NewTwilioInbound("12345", "https://mycompany.com")
	documented := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"}}
	twice := url.Values{"Sid": {"CA123"}, "SidAccount": {"AC123"}, "Digits": {"5678", "1234", "1234"}}
	for _, test := range []struct {
		form      url.Values
		signature string
		path      string
		want      error
	}{
		{documented, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "/myapp.php?foo=1&bar=2", notify.ErrBadInbound},
		{twice, "IK+Dwps556ElfBT0I3Rgjkr1wJU=", "/myapp.php?foo=1&bar=2", notify.ErrBadInbound},
		{documented, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "/myapp.php?foo=1&bar=3", notify.ErrBadSignature},
		{documented, "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "/myapp.php?foo=1&bar=2", notify.ErrBadSignature},
		{documented, "", "/myapp.php?foo=1&bar=2", notify.ErrBadSignature},
		{twice, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "/myapp.php?foo=1&bar=2", notify.ErrBadSignature},
	} {
		// What the request says about its host is of no account.
		r := httptest.NewRequest(http.MethodPost, "http://evil.example"+test.path, nil)
		r.Header.Set("X-Twilio-Signature", test.signature)
		if _, err := reader.ReadInbound(r, []byte(test.form.Encode()), signedAt); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.signature, err, test.want)
		}
	}
}

// twilioSignature is Twilio's side of the scheme; parameters come sorted, name and value by turns.
func twilioSignature(token, url string, parameters ...string) string {
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(url + strings.Join(parameters, "")))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func TestTwilioInbound(t *testing.T) {
	form := url.Values{"MessageSid": {"SM1"}, "From": {"+41791234567"}, "To": {"+41445551212"}, "Body": {"482913"}}
	parameters := []string{"Body", "482913", "From", "+41791234567", "MessageSid", "SM1", "To", "+41445551212"}
	want := notify.Inbound{ID: "SM1", From: "+41791234567", To: "+41445551212", Body: "482913", At: signedAt}
	for _, test := range []struct{ origin, signed string }{
		{"https://id.example.com", "https://id.example.com/texts/inbound"},
		{"https://id.example.com/", "https://id.example.com/texts/inbound"},
		{"https://id.example.com", "https://id.example.com:443/texts/inbound"},
		{"https://id.example.com:8443", "https://id.example.com:8443/texts/inbound"},
		{"https://id.example.com:8443", "https://id.example.com/texts/inbound"},
		{"http://localhost:8080", "http://localhost:8080/texts/inbound"},
	} {
		r := request("X-Twilio-Signature", twilioSignature(smsSecret, test.signed, parameters...))
		got, err := notify.NewTwilioInbound(smsSecret, test.origin).ReadInbound(r, []byte(form.Encode()), signedAt)
		if err != nil {
			t.Errorf("%s signed for %s: %v", test.signed, test.origin, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, signed := range []string{"https://ignored.example/texts/inbound", "https://id.example.com/", "https://id.example.com:8443/texts/inbound"} {
		r := request("X-Twilio-Signature", twilioSignature(smsSecret, signed, parameters...))
		if _, err := notify.NewTwilioInbound(smsSecret, "https://id.example.com").ReadInbound(r, []byte(form.Encode()), signedAt); !errors.Is(err, notify.ErrBadSignature) {
			t.Errorf("%s: %v", signed, err)
		}
	}
	r := request("X-Twilio-Signature", twilioSignature(smsSecret, "https://id.example.com/texts/inbound", parameters...))
	if _, err := notify.NewTwilioInbound(smsSecret, "https://id.example.com").ReadInbound(r, []byte("%zz482913"), signedAt); !errors.Is(err, notify.ErrBadSignature) {
		t.Errorf("no form: %v", err)
	}
}
