package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/stepup"
)

// session is a person signed in to a product, as the verified ID token (and,
// for what people are called, the UserInfo endpoint) told it. It is immutable:
// another sign-in makes another session.
type session struct {
	Subject string
	SID     string // the provider's session, for back-channel logout
	Name    string
	Email   string
	Roles   []string

	// What the sign-in was worth, from the ID token alone.
	ACR      string
	AMR      []string
	AuthTime time.Time
	MFATime  time.Time // zero: no second factor was proved

	Since    time.Time
	rawToken string // the hint of the sign-out

	// Shown on the claims page, indented JSON.
	TokenClaims    string
	UserInfoClaims string // "" if there were none
}

// claimSet holds the claims a product looks at. Everything else is only shown.
type claimSet struct {
	SID               string    `json:"sid"`
	Name              string    `json:"name"`
	PreferredUsername string    `json:"preferred_username"`
	Email             string    `json:"email"`
	Roles             oneOrMany `json:"roles"`
	ACR               string    `json:"acr"`
	AMR               []string  `json:"amr"`
	AuthTime          int64     `json:"auth_time"`
	MFATime           int64     `json:"mfa_time"`
	AuthorizedParty   string    `json:"azp"`
}

// newSession reads verified claims. userInfo may be nil; it says what people are
// called and which roles they have where the token leaves that out (OpenID
// Connect Core 5.4), but never what the sign-in was worth.
func newSession(subject, rawToken string, token, userInfo json.RawMessage, now time.Time) (*session, error) {
	var fromToken, fromUserInfo claimSet
	if err := json.Unmarshal(token, &fromToken); err != nil {
		return nil, fmt.Errorf("claims of the ID token: %w", err)
	}
	if userInfo != nil {
		if err := json.Unmarshal(userInfo, &fromUserInfo); err != nil {
			return nil, fmt.Errorf("claims of UserInfo: %w", err)
		}
	}
	s := &session{
		Subject:        subject,
		SID:            fromToken.SID,
		Email:          first(fromToken.Email, fromUserInfo.Email),
		Roles:          fromToken.Roles,
		ACR:            fromToken.ACR,
		AMR:            fromToken.AMR,
		AuthTime:       unixTime(fromToken.AuthTime),
		MFATime:        unixTime(fromToken.MFATime),
		Since:          now,
		rawToken:       rawToken,
		TokenClaims:    indent(token),
		UserInfoClaims: indent(userInfo),
	}
	s.Name = first(fromToken.Name, fromUserInfo.Name, s.Email,
		fromToken.PreferredUsername, fromUserInfo.PreferredUsername, subject)
	if s.Roles == nil {
		s.Roles = fromUserInfo.Roles
	}
	return s, nil
}

// hasRole says whether the person has a role in this product.
func (s *session) hasRole(role string) bool { return slices.Contains(s.Roles, role) }

// signIn is what the ID token says of the sign-in, for stepup to judge.
func (s *session) signIn() stepup.Claims {
	return stepup.Claims{ACR: s.ACR, AMR: s.AMR, AuthTime: unixSeconds(s.AuthTime), MFATime: unixSeconds(s.MFATime)}
}

// oneOrMany is a claim that is a string at one provider and a list at another.
type oneOrMany []string

// UnmarshalJSON accepts a string or an array of strings.
func (o *oneOrMany) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*o = nil
		if one != "" {
			*o = oneOrMany{one}
		}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(o))
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func unixTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// unixSeconds is unixTime the other way.
func unixSeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func indent(claims json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, claims, "", "  ") != nil {
		return ""
	}
	return b.String()
}
