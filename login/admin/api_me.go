package admin

import (
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
)

// me says who the token speaks for.
func (a *API) me(c *call) (answer, error) {
	b := c.bearer
	out := me{ClientID: b.ClientID, ClientName: b.ClientName, Company: b.OrgID, Scopes: []string{}, ExpiresAt: b.ExpiresAt, ProvedAt: b.MFATime}
	for _, scope := range b.Scope {
		if slices.Contains(session.AdminScopes(), scope) {
			out.Scopes = append(out.Scopes, scope)
		}
	}
	if u := b.User; u != nil {
		out.Person = &meAs{ID: u.ID, Email: u.Email, Name: u.Profile.Name, Kind: u.Kind, Role: u.Role, Operator: u.Operator}
	}
	return shown(out)
}

type me struct {
	ClientID   string `json:"client_id"`
	ClientName string `json:"client_name"`
	// Company is empty for the operator's machines.
	Company string   `json:"company,omitempty"`
	Person  *meAs    `json:"person,omitempty"`
	Scopes  []string `json:"scopes"`
	// ProvedAt is when the person last proved a second factor.
	ProvedAt  time.Time `json:"two_factor_proved_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at"`
}

type meAs struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Name     string `json:"name,omitempty"`
	Kind     string `json:"kind"`
	Role     string `json:"role"`
	Operator bool   `json:"operator,omitempty"`
}
