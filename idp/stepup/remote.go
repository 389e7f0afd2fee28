package stepup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// How the provider is asked. What can't be had is asked for again after
// retryAfter, so that neither a provider that is down nor callers with invented
// key ids make an API ask at each call.
const (
	remoteTimeout = 10 * time.Second
	keysLife      = 5 * time.Minute // the Cache-Control of the provider's key set
	keysGraceLife = time.Hour       // while it can't be reached
	retryAfter    = 10 * time.Second
	maxAnswer     = 1 << 20
)

// remote is what the provider said.
type remote struct {
	known   atomic.Pointer[known]
	asking  sync.Mutex // held by who asks
	askedAt time.Time  // guarded by asking
	failed  error      // of the last time
}

// known is never changed, only replaced.
type known struct {
	introspection string
	keys          jose.JSONWebKeySet
	at            time.Time
}

// key finds the provider's key with an id for an algorithm.
func (v *Verifier) key(ctx context.Context, id, alg string) (*jose.JSONWebKey, error) {
	find := func(k *known) *jose.JSONWebKey {
		if k == nil {
			return nil
		}
		for _, key := range k.keys.Key(id) {
			if key.IsPublic() && key.Algorithm == alg && (key.Use == "sig" || key.Use == "") {
				return &key
			}
		}
		return nil
	}
	k := v.remote.known.Load()
	key := find(k)
	if key != nil && v.now().Sub(k.at) < keysLife {
		return key, nil
	}
	k, err := v.ask(ctx, k)
	if key = find(k); key != nil && v.now().Sub(k.at) < keysGraceLife {
		return key, nil
	}
	if err != nil {
		return nil, errUnavailable{err}
	}
	return nil, refuse("its key %q isn't the provider's", id)
}

// ask reads discovery and keys anew, unless somebody did since had was read or
// tried a moment ago. It returns the newest there is, with the error of the last
// try.
func (v *Verifier) ask(ctx context.Context, had *known) (*known, error) {
	v.remote.asking.Lock()
	defer v.remote.asking.Unlock()
	k := v.remote.known.Load()
	if now := v.now(); k == had && !now.Before(v.remote.askedAt.Add(retryAfter)) {
		v.remote.askedAt = now
		// The call that asks may be broken off; those that wait for it aren't.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), remoteTimeout)
		defer cancel()
		fetched, err := v.fetch(ctx, now)
		if v.remote.failed = err; err != nil {
			v.log(ctx, "provider not read", err)
		} else {
			v.remote.known.Store(fetched)
			k = fetched
		}
	}
	return k, v.remote.failed
}

// fetch reads the discovery document (RFC 8414 section 3) and the key set.
func (v *Verifier) fetch(ctx context.Context, now time.Time) (*known, error) {
	var document struct {
		Issuer        string `json:"issuer"`
		JWKS          string `json:"jwks_uri"`
		Introspection string `json:"introspection_endpoint"`
	}
	if err := v.get(ctx, strings.TrimSuffix(v.Issuer, "/")+"/.well-known/openid-configuration", &document); err != nil {
		return nil, err
	}
	if document.Issuer != v.Issuer {
		return nil, fmt.Errorf("discovery: issuer is %q, not %q", document.Issuer, v.Issuer)
	}
	k := &known{introspection: document.Introspection, at: now}
	return k, v.get(ctx, document.JWKS, &k.keys)
}

func (v *Verifier) get(ctx context.Context, address string, into any) error {
	req, err := newRequest(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	_, err = v.do(req, into)
	return err
}

// newRequest refuses to send anything in the clear to another machine.
func newRequest(ctx context.Context, method, address string, body io.Reader) (*http.Request, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, fmt.Errorf("%q is not an https address", address)
	}
	return http.NewRequestWithContext(ctx, method, address, body)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// do sends a request and reads a JSON object.
func (v *Verifier) do(req *http.Request, into any) ([]byte, error) {
	req.Header.Set("Accept", "application/json")
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s %s answered %d", req.Method, req.URL.Redacted(), resp.StatusCode)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, fmt.Errorf("%s %s: %w", req.Method, req.URL.Redacted(), err)
	}
	return body, nil
}

// introspect asks the provider about a token (RFC 7662) and returns its answer.
// No answer is kept: what was revoked is refused at the next call.
func (v *Verifier) introspect(ctx context.Context, raw string) ([]byte, error) {
	if v.ClientID == "" {
		return nil, refuse("it is opaque, and this API has no client id to ask about it")
	}
	k := v.remote.known.Load()
	if k == nil {
		var err error
		if k, err = v.ask(ctx, nil); k == nil {
			return nil, errUnavailable{err}
		}
	}
	if k.introspection == "" {
		return nil, errUnavailable{errors.New("the provider has no introspection endpoint")}
	}
	form := url.Values{"token": {raw}, "token_type_hint": {"access_token"}}
	req, err := newRequest(ctx, http.MethodPost, k.introspection, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errUnavailable{err}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(v.ClientID), url.QueryEscape(v.ClientSecret)) // RFC 6749 section 2.3.1
	var answer struct {
		Active bool `json:"active"`
	}
	body, err := v.do(req, &answer)
	switch {
	case err != nil:
		return nil, errUnavailable{err}
	case !answer.Active:
		return nil, refuse("the provider says that it isn't active")
	}
	return body, nil
}
