package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// checkSector fetches what sector_identifier_uri names: a JSON list, in which
// all redirect URIs must be (OpenID Connect Core section 8.1, Registration
// section 5).
func (p *Provider) checkSector(ctx context.Context, m *registrationMetadata) error {
	if m.SectorIdentifierURI == "" {
		return nil
	}
	switch {
	case len(m.RedirectURIs) == 0:
		return oauth(invalidClientMetadata, "sector_identifier_uri is of no use without redirect_uris: leave it out")
	case !strings.HasPrefix(m.SectorIdentifierURI, "https://") && !p.OutboundPrivate:
		return oauth(invalidClientMetadata, "sector_identifier_uri must begin with https://")
	}
	listed, err := p.fetchList(ctx, m.SectorIdentifierURI)
	if err != nil {
		return &oauthError{code: invalidClientMetadata, description: "sector_identifier_uri could not be read: it must answer 200 with a JSON list of redirect URIs, without a redirect", cause: err}
	}
	for _, uri := range m.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return oauth(invalidClientMetadata, "sector_identifier_uri doesn't list the redirect URI %s", uri)
		}
	}
	return nil
}

func (p *Provider) fetchList(ctx context.Context, uri string) (list []string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := p.Outbound.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errors.New("larger than 1 MiB")
	}
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(body, &list)
}
