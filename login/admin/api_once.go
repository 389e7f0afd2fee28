package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
)

// keyKept is how long a creation is known by its Idempotency-Key.
const keyKept = 24 * time.Hour

// kept is the answer to a creation, as it was given.
type kept struct {
	Status   int             `json:"status"`
	Location string          `json:"location,omitempty"`
	Body     json.RawMessage `json:"body,omitempty"`
	// Scopes of the token it was given to: by one with less, it is given to
	// nobody.
	Scopes []string `json:"scopes"`
	// Standing is govern's: who has another by now is given nothing.
	Standing string `json:"standing"`
}

// errKeyTaken says that another request has the key.
var errKeyTaken = errors.New("the key is taken")

// once lets an operation create something once, however often it is asked for
// with the same Idempotency-Key (draft-ietf-httpapi-idempotency-key-header):
// who gets no answer asks again. The key is kept, with the answer, in the
// transaction of the creation: there is neither one without the other. An
// operation that is refused leaves no trace.
func (a *API) once(c *call, serve func(*call) (answer, error)) (answer, error) {
	keys := c.r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return serve(c)
	}
	if len(keys) > 1 || !keyOK(keys[0]) {
		return answer{}, problem{Code: codeBadKey}
	}
	claim := storage.Repeatable{
		ID:          storage.Hash(parts(c.by.ClientID, c.by.UserID, keys[0])),
		Fingerprint: storage.Hash(parts(c.r.Method, c.r.URL.Path, c.r.URL.RawQuery, string(c.body))),
		ExpiresAt:   a.now().Add(keyKept),
	}
	if out, err := a.again(c, claim); err == nil || !errors.Is(err, storage.ErrNotFound) {
		return out, err
	}
	var out answer
	err := a.Govern.Within(c.ctx(), func(ctx context.Context, tx *storage.Tx) (err error) {
		c.within = ctx
		defer func() { c.within = nil }()
		switch err := tx.ClaimRepeatable(ctx, claim, a.now()); {
		case errors.Is(err, storage.ErrTaken):
			return errKeyTaken
		case err != nil:
			return err
		}
		if out, err = serve(c); err != nil {
			return err
		}
		text, err := a.keep(c, out)
		if err != nil {
			return err
		}
		return tx.AnswerRepeatable(ctx, claim.ID, text)
	})
	if !errors.Is(err, errKeyTaken) {
		return out, err
	}
	out, err = a.again(c, claim)
	if errors.Is(err, storage.ErrNotFound) {
		err = problem{Code: codeKeyBusy}
	}
	return out, err
}

// again is the answer that was given before. storage.ErrNotFound where there
// was none.
func (a *API) again(c *call, claim storage.Repeatable) (answer, error) {
	was, err := a.Govern.DB.Repeatable(c.ctx(), claim.ID, a.now())
	if err != nil {
		return answer{}, err
	}
	if was.Fingerprint != claim.Fingerprint {
		return answer{}, problem{Code: codeKeyReused}
	}
	var k kept
	if err := json.Unmarshal(was.Answer, &k); err != nil {
		return answer{}, fmt.Errorf("read kept answer: %w", err)
	}
	for _, scope := range k.Scopes {
		if !slices.Contains(c.by.Scopes, scope) {
			return answer{}, problem{Code: "scope", challenge: []string{quoted("error", "insufficient_scope"), quoted("scope", scope)}}
		}
	}
	if standing, err := a.Govern.Standing(c.ctx(), c.by); err != nil || standing != k.Standing {
		return answer{}, cmp.Or(err, error(&govern.Refused{Code: "role"}))
	}
	c.w.Header().Set("Idempotent-Replay", "true")
	out := answer{status: k.Status, location: k.Location}
	if len(k.Body) > 0 {
		out.body = k.Body
	}
	return out, nil
}

func (a *API) keep(c *call, out answer) ([]byte, error) {
	k := kept{Status: out.status, Location: out.location, Scopes: c.by.Scopes}
	var err error
	if k.Standing, err = a.Govern.Standing(c.ctx(), c.by); err != nil {
		return nil, err
	}
	if out.body != nil {
		if k.Body, err = json.Marshal(out.body); err != nil {
			return nil, err
		}
	}
	return json.Marshal(k)
}

// parts is a text that different parts can't share.
func parts(all ...string) string {
	var b strings.Builder
	for _, part := range all {
		fmt.Fprintf(&b, "%d:%s", len(part), part)
	}
	return b.String()
}

func keyOK(key string) bool {
	return key != "" && len(key) <= 255 && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}
