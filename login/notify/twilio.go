package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// TwilioOptions is an account at Twilio.
type TwilioOptions struct {
	// Account is the account's SID, AC….
	Account string
	// Token is the account's auth token.
	Token string
	// From is the number, short code or name that messages come from, or the SID (MG…) of a messaging service that
	// chooses one.
	From string
	// Base is the origin of the API. Empty: https://api.twilio.com.
	Base string
}

// Twilio sends text messages through Twilio's REST API.
type Twilio struct {
	o      TwilioOptions
	client *http.Client
}

// NewTwilio sends with the client; redirects are not followed whatever it says, and no call takes longer than 5 s.
func NewTwilio(o TwilioOptions, client *http.Client) *Twilio {
	if o.Base == "" {
		o.Base = "https://api.twilio.com"
	}
	return &Twilio{o: o, client: straight(client)}
}

// String hides the token from whatever formats the value.
func (t *Twilio) String() string { return "Twilio" }

// SendText implements [TextSender]. Its errors are [*Failure]. Twilio doesn't tell a second try from a second message.
func (t *Twilio) SendText(ctx context.Context, m Text) error {
	form := url.Values{"To": {m.To}, "Body": {m.Body}}
	if strings.HasPrefix(t.o.From, "MG") && len(t.o.From) == 34 {
		form.Set("MessagingServiceSid", t.o.From)
	} else {
		form.Set("From", t.o.From)
	}
	target := t.o.Base + "/2010-04-01/Accounts/" + url.PathEscape(t.o.Account) + "/Messages.json"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return unreached(ctx, t.String(), err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(t.o.Account, t.o.Token)
	answer, err := exchange(t.client, r, t.String())
	if err != nil || answer.accepted() {
		return err
	}
	// The number of the error names its page: https://www.twilio.com/docs/api/errors/21211
	var explained struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	detail := ""
	if json.Unmarshal(answer.body, &explained) == nil && explained.Code != 0 {
		detail = fmt.Sprintf(", Twilio's error %d", explained.Code)
		answer.body = []byte(explained.Message)
	}
	return answer.failure(t.String(), detail, t.o.Token)
}
