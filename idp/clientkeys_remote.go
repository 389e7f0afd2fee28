package idp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys from a jwks_uri are asked for again after keysFresh, or earlier where
// none of them is the right one, but never twice within keysPause: bad
// signatures must not make us hammer a product. While it doesn't answer, those
// from its last answer hold until keysStale.
const (
	keysFresh = 5 * time.Minute
	keysPause = 10 * time.Second
	keysStale = 15 * time.Minute
)

// remoteKeys are the keys of one jwks_uri.
type remoteKeys struct {
	mu      sync.Mutex
	set     keySet
	fetched time.Time
	// tried is the time of the latest fetch, and err what came of it.
	tried time.Time
	err   error
	// under is closed when the fetch under way has ended; nil: there is none.
	under chan struct{}
}

func (c *clientKeys) remote(uri string) *remoteKeys {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.byURI[uri]
	if !ok {
		if c.byURI == nil || len(c.byURI) >= maxKept {
			c.byURI = map[string]*remoteKeys{}
		}
		r = new(remoteKeys)
		c.byURI[uri] = r
	}
	return r
}

// fetchedKeys looks for the right key among those of a jwks_uri. Of many
// callers who need it fetched, one does and the others wait.
func (p *Provider) fetchedKeys(ctx context.Context, uri string, right func(jose.JSONWebKey) bool) error {
	r := p.clientKeys.remote(uri)
	for {
		now := p.Now()
		r.mu.Lock()
		set, age, tried, err, under := r.set, now.Sub(r.fetched), r.tried, r.err, r.under
		r.mu.Unlock()
		found := age < keysStale && set.has(right)
		switch {
		case found && age < keysFresh:
			return nil
		case under != nil:
			select {
			case <-under:
			case <-ctx.Done():
				return ctx.Err()
			}
		case now.Sub(tried) >= keysPause:
			p.refetch(ctx, uri, r, tried)
		case found:
			return nil
		case err != nil:
			return err
		default:
			return fmt.Errorf("%s: %w", uri, errNoKey)
		}
	}
}

// refetch asks for the keys, unless somebody else has begun to since seen.
func (p *Provider) refetch(ctx context.Context, uri string, r *remoteKeys, seen time.Time) {
	r.mu.Lock()
	if r.under != nil || r.tried != seen {
		r.mu.Unlock()
		return
	}
	r.under, r.tried = make(chan struct{}), p.Now()
	r.mu.Unlock()

	// For all who wait: the one that began may go away.
	set, err := p.fetchKeys(context.WithoutCancel(ctx), uri)

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err == nil {
		r.set, r.fetched = set, r.tried
	}
	close(r.under)
	r.under = nil
}

func (p *Provider) fetchKeys(ctx context.Context, uri string) (keySet, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri: %w", err)
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && p.OutboundPrivate) {
		return nil, fmt.Errorf("jwks_uri %s: https only", uri)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri: %w", err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := p.Outbound.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch keys: %s answered %s, not 200 (redirects are not followed)", uri, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errors.New("more than 1 MiB")
	}
	var set keySet
	if err == nil {
		set, err = parseKeySet(body)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch keys from %s: %w", uri, err)
	}
	return set, nil
}
