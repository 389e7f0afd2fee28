package demo_test

import (
	"net/http/httptest"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/browsertest"
	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
)

// A message that arrives doesn't take away the one that is being written.
func TestInboxInBrowser(t *testing.T) {
	provider := startTextProvider(t)
	in := demo.NewInbox()
	in.Carry(demo.Gateway{Secret: gatewaySecret, Number: ours, Inbound: provider.URL})
	srv := httptest.NewServer(in)
	t.Cleanup(srv.Close)
	p := browsertest.New(t).NewPage(t)
	p.Width(320)
	p.Go(srv.URL)
	p.Fill("[name=body]", "7r0k-kwcp")
	in.Add(demo.Message{Kind: "sms", To: theirs, Body: "482913 is your code"})
	if got := p.Text(".message .code b"); got != "482913" {
		t.Errorf("code %q", got)
	}
	if got := p.Value("[name=body]"); got != "7r0k-kwcp" {
		t.Fatalf("the text being written has become %q", got)
	}
	p.Click("#send-text button")
	if got := p.Text("#sent"); got != "Accepted: the provider has the message." {
		t.Errorf("says %q", got)
	}
	if len(provider.taken) != 1 || provider.taken[0].Body != "7r0k-kwcp" || provider.taken[0].From != theirs {
		t.Errorf("taken %+v", provider.taken)
	}
	if got := p.Complaints(); len(got) > 0 {
		t.Errorf("the console says %q", got)
	}
}
