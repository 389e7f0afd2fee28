package idp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// How long a device may wait, and how long between two polls at first. Ten
// minutes are enough to find a phone and to sign in on it, with a second
// factor that is set up on the way.
const (
	deviceLifetime = 10 * time.Minute
	deviceInterval = 5 * time.Second
)

// deviceAnswer is RFC 8628 section 3.2.
type deviceAnswer struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
}

// authorizeDevice is the device authorization endpoint (RFC 8628 section 3.1).
// Beside scope it takes acr_values, which ask for a second factor as they do in
// an authorization request, and resource.
func (p *Provider) authorizeDevice(ctx context.Context, c *call) (any, error) {
	if !slices.Contains(c.client.GrantTypes, grantDevice) {
		return nil, oauth(unauthorizedClient, "%s is not registered for the grant %s", c.client.ID, grantDevice)
	}
	params, err := p.deviceParams(ctx, c)
	if err != nil {
		return nil, err
	}
	kept, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	now, from, code := p.Now(), session.OriginOf(ctx), storage.NewSecret()
	d := storage.DeviceCode{
		Hash: storage.Hash(code), ClientID: c.client.ID, Params: kept, IP: from.Addr.String(), UserAgent: shortened(from.UserAgent),
		CreatedAt: now, ExpiresAt: now.Add(deviceLifetime), Every: deviceInterval,
	}
	typed, err := p.insertDevice(ctx, d)
	if err != nil {
		return nil, err
	}
	page := p.Issuer + "/device"
	return deviceAnswer{
		DeviceCode: code, UserCode: typed, VerificationURI: page, VerificationURIComplete: page + "?" + url.Values{"user_code": {typed}}.Encode(),
		ExpiresIn: int64(deviceLifetime / time.Second), Interval: int64(deviceInterval / time.Second),
	}, nil
}

// deviceParams are the parameters of the authorization request that a person
// will go through for the device. Without a scope it asks who they are.
func (p *Provider) deviceParams(ctx context.Context, c *call) (session.Params, error) {
	asked := c.form.Get("scope")
	if asked == "" {
		asked = "openid"
	}
	params := session.Params{ResponseType: typeCode, ACRValues: strings.Fields(c.form.Get("acr_values"))}
	if len(params.ACRValues) == 0 {
		params.ACRValues = c.client.DefaultACRValues
	}
	params.ACRValues = profileOf(c.client).Asked(params.ACRValues)
	var err error
	if params.Resources, err = p.resources(ctx, c.client, c.form["resource"]); err == nil {
		params.Scope, err = p.grantedScope(ctx, c.client, asked, params)
	}
	return params, err
}

// insertDevice keeps a device code with a user code that no other device shows.
func (p *Provider) insertDevice(ctx context.Context, d storage.DeviceCode) (typed string, err error) {
	const tries = 5 // of 25,600 million codes: the second one is never needed
	for range tries {
		typed = newUserCode()
		d.UserCodeHash = p.userCodeHash(typed)
		err = p.DB.Write(ctx, func(tx *storage.Tx) error { return tx.InsertDeviceCode(ctx, d) })
		if !errors.Is(err, storage.ErrTaken) {
			return typed, err
		}
	}
	return "", fmt.Errorf("make a user code: %w", err)
}

// userCodeLetters are without vowels, so that no code is a word (RFC 8628
// section 6.1).
const userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"

const userCodeLength = 8

// newUserCode returns a code to type, such as WDJB-MJHT.
func newUserCode() string {
	code := make([]byte, 0, userCodeLength+1)
	for len(code) < userCodeLength+1 {
		if len(code) == userCodeLength/2 {
			code = append(code, '-')
		}
		var b [1]byte
		rand.Read(b[:]) // never fails: crypto/rand
		// Only whole rounds of the alphabet: each letter is as likely.
		if n := len(userCodeLetters); int(b[0]) < 256/n*n {
			code = append(code, userCodeLetters[int(b[0])%n])
		}
	}
	return string(code)
}

// asUserCode reads a code as people type it, in either case, with spaces and
// hyphens anywhere. false: it can't be one.
func asUserCode(typed string) (code string, ok bool) {
	var letters []rune
	for _, c := range strings.ToUpper(typed) {
		switch {
		case strings.ContainsRune(userCodeLetters, c):
			letters = append(letters, c)
		case strings.ContainsRune(" \t\u00a0-\u2010\u2011\u2012\u2013\u2014\u2212_.", c):
		default:
			return "", false
		}
	}
	if len(letters) != userCodeLength {
		return "", false
	}
	return string(letters[:userCodeLength/2]) + "-" + string(letters[userCodeLength/2:]), true
}

// userCodeHash is how a code, as newUserCode writes it, is stored.
func (p *Provider) userCodeHash(code string) string {
	return p.DB.KeyedHash("device user code", code)
}

// shortened bounds what a device says of itself.
func shortened(userAgent string) string {
	const most = 512
	if len(userAgent) > most {
		userAgent = userAgent[:most]
	}
	return strings.ToValidUTF8(userAgent, "")
}
