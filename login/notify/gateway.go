package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	// callTimeout is how long a call to a gateway may take.
	callTimeout = 5 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 1 << 20
)

// straight is the client without redirects, and with a timeout if it had none or a longer one.
func straight(client *http.Client) *http.Client {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.Timeout == 0 || c.Timeout > callTimeout {
		c.Timeout = callTimeout
	}
	return &c
}

// gatewayAnswer is what came back, whatever it was.
type gatewayAnswer struct {
	status int
	body   []byte // empty if the message was accepted
}

func (a gatewayAnswer) accepted() bool { return a.status >= 200 && a.status <= 299 }

// exchange makes the call. The status alone says whether a message was accepted, so the rest of such an answer is left
// unread: nothing that happens to it may have the message sent again.
func exchange(client *http.Client, r *http.Request, carrier string) (gatewayAnswer, error) {
	response, err := client.Do(r)
	if err != nil {
		return gatewayAnswer{}, unreached(r.Context(), carrier, err)
	}
	defer response.Body.Close()
	a := gatewayAnswer{status: response.StatusCode}
	if !a.accepted() {
		a.body, _ = io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // what could be read is enough for a hint
	}
	return a, nil
}

// unreached is the Failure of a call without an answer. The URL, which may hold a secret, stays out of it.
func unreached(ctx context.Context, carrier string, err error) error {
	cause := err
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		cause = withURL.Err
		if withURL.Op == "parse" {
			cause = errors.New("its address is no URL")
		}
		if withURL.Timeout() && ctx.Err() == nil {
			cause = errors.New("no answer in time")
		}
	}
	return &Failure{Carrier: carrier, Step: StepConnect, cause: cause}
}

// failure is the answer as a Failure. Of a status of 4xx, a request in the same words will get the same again; 408 and
// 429 alone ask for another try.
func (a gatewayAnswer) failure(carrier, detail string, secrets ...string) error {
	f := &Failure{
		Carrier: carrier, Step: StepHandOver, Code: fmt.Sprintf("HTTP %d%s", a.status, detail),
		said:     oneLine(string(a.body), secrets...),
		rejected: a.status >= 400 && a.status <= 499 && a.status != http.StatusRequestTimeout && a.status != http.StatusTooManyRequests,
	}
	switch {
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		f.Step = StepSignIn
	case a.status >= 300 && a.status <= 399:
		f.cause = errors.New("redirects are not followed")
	}
	return f
}
