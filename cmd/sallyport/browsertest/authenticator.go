package browsertest

import (
	"bytes"
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
)

// AuthenticatorOptions say what a virtual authenticator is. The zero value is
// one that is built in, keeps discoverable keys, verifies the person and
// can't back keys up: a passkey of this device.
type AuthenticatorOptions struct {
	// SecurityKey: it is plugged in by USB, rather than built in.
	SecurityKey bool
	// NoUserVerification: it has neither PIN nor fingerprint. Chromium keeps no
	// discoverable keys on such a one; it can be given a copy.
	NoUserVerification bool
	// NoResidentKeys: it keeps no discoverable keys.
	NoResidentKeys bool
	// Synced: its keys are backed up.
	Synced bool
	// NoTouch: nobody touches it, so that requests stay open until the page
	// gives them up. See [Authenticator.Touch].
	NoTouch bool
}

// Authenticator is a virtual authenticator of a tab. It answers at once, as if
// the person touched it, and goes with the tab.
//
// RP IDs are names, so pages must be visited by one: http://localhost:PORT
// counts as a secure context.
type Authenticator struct {
	page *Page
	id   webauthn.AuthenticatorID
}

// NewAuthenticator plugs a virtual authenticator into a tab, in place of the
// dialogs of the browser.
func NewAuthenticator(p *Page, o AuthenticatorOptions) *Authenticator {
	p.t.Helper()
	do(p, webauthn.Enable, webauthn.EnableParams{})
	transport := webauthn.AuthenticatorTransportInternal
	if o.SecurityKey {
		transport = webauthn.AuthenticatorTransportUsb
	}
	added := do(p, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol:                    webauthn.AuthenticatorProtocolCtap2,
		Ctap2version:                webauthn.Ctap2versionCtap21,
		Transport:                   transport,
		HasResidentKey:              !o.NoResidentKeys,
		HasUserVerification:         !o.NoUserVerification,
		IsUserVerified:              !o.NoUserVerification,
		AutomaticPresenceSimulation: !o.NoTouch,
		DefaultBackupEligibility:    o.Synced,
		DefaultBackupState:          o.Synced,
	}})
	return &Authenticator{page: p, id: added.AuthenticatorID}
}

// Touch sets whether somebody touches it at requests from now on. One that is
// open stays open.
func (a *Authenticator) Touch(yes bool) {
	a.page.t.Helper()
	do(a.page, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: yes})
}

// VerifyUser sets whether the person passes its check from now on. Where they
// don't, requests that ask for it are refused like a dialog that is closed.
func (a *Authenticator) VerifyUser(yes bool) {
	a.page.t.Helper()
	do(a.page, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: yes})
}

// Keys lists the keys it holds.
func (a *Authenticator) Keys() []*webauthn.Credential {
	a.page.t.Helper()
	return do(a.page, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id}).Credentials
}

// WaitKeys waits until it holds n keys: a page may have it forget some.
func (a *Authenticator) WaitKeys(n int) {
	a.page.t.Helper()
	a.page.poll(fmt.Sprintf("wait for %d keys", n), func(context.Context) error {
		if held := len(a.Keys()); held != n {
			return fmt.Errorf("the authenticator holds %d", held)
		}
		return nil
	})
}

// heldKey is the part of webauthn.Credential that every authenticator takes.
type heldKey struct {
	CredentialID         []byte  `json:"credentialId"`
	IsResidentCredential bool    `json:"isResidentCredential"`
	RPID                 string  `json:"rpId"`
	PrivateKey           []byte  `json:"privateKey"`
	UserHandle           []byte  `json:"userHandle,omitempty"`
	SignCount            float64 `json:"signCount"`
	BackupEligibility    bool    `json:"backupEligibility"`
	BackupState          bool    `json:"backupState"`
}

type addKey struct {
	AuthenticatorID webauthn.AuthenticatorID `json:"authenticatorId"`
	Credential      heldKey                  `json:"credential"`
}

// CopyTo gives another authenticator a copy of a key, as a thief would.
func (a *Authenticator) CopyTo(other *Authenticator, credentialID []byte) {
	a.page.t.Helper()
	for _, key := range a.Keys() {
		if bytes.Equal(key.CredentialID, credentialID) {
			do(other.page, cdp.Command[addKey, cdp.Empty]{Method: webauthn.CommandAddCredential}, addKey{other.id, heldKey{
				CredentialID: key.CredentialID, IsResidentCredential: key.IsResidentCredential, RPID: key.RpID,
				PrivateKey: key.PrivateKey, UserHandle: key.UserHandle, SignCount: key.SignCount,
				BackupEligibility: key.BackupEligibility, BackupState: key.BackupState,
			}})
			return
		}
	}
	a.page.fail("the authenticator has no key %x", credentialID)
}

// SetCounter sets the signature counter of a key.
func (a *Authenticator) SetCounter(credentialID []byte, counter int) {
	a.page.t.Helper()
	count := float64(counter)
	do(a.page, webauthn.SetCredentialProperties, webauthn.SetCredentialPropertiesParams{AuthenticatorID: a.id, CredentialID: credentialID, SignCount: &count})
}

// Remove unplugs it.
func (a *Authenticator) Remove() {
	a.page.t.Helper()
	do(a.page, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: a.id})
}
