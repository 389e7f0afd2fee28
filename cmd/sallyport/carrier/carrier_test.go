package carrier_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/carrier"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/login/notify"
)

func MustLoad(t *testing.T, environ ...string) config.Config {
	t.Helper()
	c, err := config.Load(config.Sources{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNothingConfigured(t *testing.T) {
	c := MustLoad(t)
	if sender, err := carrier.Mail(c); sender != nil || err != nil {
		t.Errorf("mail: %v, %v", sender, err)
	}
	if sender := carrier.Text(c); sender != nil {
		t.Errorf("text: %v", sender)
	}
	if reader := carrier.Inbound(c); reader != nil {
		t.Errorf("inbound: %v", reader)
	}
}

const (
	secret = "0123456789abcdef0123456789abcdef"
	twilio = "SALLYPORT_TEXT_TWILIO_ACCOUNT=AC" + secret
)

func TestEachIsMade(t *testing.T) {
	c := MustLoad(t, "SALLYPORT_MAIL_SERVER=smtp.example.com:587", "SALLYPORT_MAIL_FROM=no-reply@example.com",
		twilio, "SALLYPORT_TEXT_TWILIO_TOKEN=t", "SALLYPORT_TEXT_FROM=Acme", "SALLYPORT_TEXT_NUMBER=+41445551212")
	sender, err := carrier.Mail(c)
	if _, ok := sender.(*notify.SMTP); !ok || err != nil {
		t.Errorf("mail: %T, %v", sender, err)
	}
	if sender, ok := carrier.Text(c).(*notify.Twilio); !ok {
		t.Errorf("text: %T", sender)
	}
	if reader, ok := carrier.Inbound(c).(*notify.TwilioInbound); !ok {
		t.Errorf("inbound: %T", reader)
	}
	c = MustLoad(t, "SALLYPORT_TEXT_WEBHOOK_URL=https://sms.example.com", "SALLYPORT_TEXT_WEBHOOK_SECRET="+secret)
	if sender, ok := carrier.Text(c).(*notify.Webhook); !ok {
		t.Errorf("text: %T", sender)
	}
	if reader := carrier.Inbound(c); reader != nil {
		t.Errorf("inbound without a number: %T", reader)
	}
}

// The gateway may be inside only where the operator said so, and signs with the secret it was given.
func TestGatewayInside(t *testing.T) {
	gateway := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(gateway.Close)
	env := []string{"SALLYPORT_TEXT_WEBHOOK_URL=" + gateway.URL, "SALLYPORT_TEXT_WEBHOOK_SECRET=" + secret, "SALLYPORT_TEXT_NUMBER=+41445551212"}
	err := carrier.Text(MustLoad(t, env...)).SendText(t.Context(), notify.Text{To: "+41791234567", Body: "x"})
	if !errors.Is(err, idp.ErrPrivateAddress) || errors.Is(err, notify.ErrRejected) {
		t.Errorf("got %v, want a refusal of the address", err)
	}
	c := MustLoad(t, append(env, "SALLYPORT_OUTBOUND_ALLOW_PRIVATE=true")...)
	// The certificate is unknown, but the connection was made.
	if err := carrier.Text(c).SendText(t.Context(), notify.Text{To: "+41791234567", Body: "x"}); err == nil || errors.Is(err, idp.ErrPrivateAddress) {
		t.Errorf("got %v, want a stranger's certificate", err)
	}
	const message = `{"id":"1","from":"+41791234567","to":"+41445551212","body":"482913"}`
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte("1767225600." + message))
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Sallyport-Signature", "t=1767225600,v1="+hex.EncodeToString(h.Sum(nil)))
	if in, err := carrier.Inbound(c).ReadInbound(r, []byte(message), time.Unix(1767225600, 0)); err != nil || in.Body != "482913" {
		t.Errorf("inbound: %+v, %v", in, err)
	}
}
