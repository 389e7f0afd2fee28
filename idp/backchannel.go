package idp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// logoutGiveUp is how long a back-channel logout is tried; after that the
// product's session will have to end by itself.
const logoutGiveUp = 15 * time.Minute

// DeliverLogouts tells products of ended sessions (OpenID Connect Back-Channel
// Logout 1.0 section 2.5) and says how many messages it took up. Several
// replicas may call it at once. A product that hangs holds up no other.
func (p *Provider) DeliverLogouts(ctx context.Context) (int, error) {
	return p.DB.DeliverAtOnce(ctx, storage.OutgoingLogout, logoutGiveUp, p.Now, p.sendLogout)
}

func (p *Provider) sendLogout(ctx context.Context, m *storage.Outgoing) error {
	client, err := p.DB.Client(ctx, m.Target)
	if err != nil {
		return err
	}
	n := storage.LogoutNotice{ClientID: client.ID}
	if err := json.Unmarshal(m.Body, &n); err != nil {
		return err
	}
	token, err := p.logoutToken(ctx, client, n, fmt.Sprintf("%s-%d", m.ID, m.Tries))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, client.BackchannelLogoutURI, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.Outbound.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s answered %s", client.BackchannelLogoutURI, resp.Status)
	}
	return nil
}
