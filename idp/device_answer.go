package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// paramsForDevice are those of the authorization request that answers a device,
// with what decides about running sessions. It ends on a page of ours.
type paramsForDevice struct {
	kept       json.RawMessage
	signInAnew bool
}

func (p *Provider) paramsOfDevice(client *storage.Client, d *storage.DeviceCode, requestID string, in *storage.SignedIn) (paramsForDevice, error) {
	var params session.Params
	if err := json.Unmarshal(d.Params, &params); err != nil {
		return paramsForDevice{}, err
	}
	params.Device = d.Hash
	params.RedirectURI = p.Sessions.DeviceDone(requestID)
	if err := p.maxAge(maxAgeOf(client, url.Values{}), in, &params); err != nil {
		return paramsForDevice{}, err
	}
	kept, err := json.Marshal(params)
	return paramsForDevice{kept: kept, signInAnew: params.SignInAnew}, err
}

// A network may enter a few wrong codes an hour at no cost, and then ever fewer.
// With 20^8 codes and a thousand devices waiting, an hour of guessing finds one
// in about 300,000 hours.
var deviceBackoff = storage.Backoff{Free: 10, First: 2 * time.Second, Max: time.Minute}

var errRightCode = errors.New("the code was right: don't count it")

// tryUserCode finds the device that shows a code. Each try is counted as wrong
// before it is made, and a right one uncounted again, so that neither tries at
// once nor right ones in between win any (RFC 8628 section 5.1). The mistake is
// nil where there is such a device.
func (p *Provider) tryUserCode(ctx context.Context, code string) (*storage.DeviceCode, *deviceMistake, error) {
	now, network := p.Now(), session.Network(session.OriginOf(ctx).Addr)
	counter := "device code " + network + " " + now.Format("2006-01-02T15")
	var d *storage.DeviceCode
	var mistake *deviceMistake
	err := p.DB.Write(ctx, func(tx *storage.Tx) error {
		d, mistake = nil, nil
		count, err := tx.CountAttempt(ctx, counter, deviceBackoff, now)
		if err != nil {
			return err
		}
		if count.Refused {
			mistake = &deviceMistake{text: page.Say("problem.device_code_wait", "Until", count.NotBefore), status: http.StatusTooManyRequests, until: count.NotBefore}
			return nil
		}
		switch d, err = tx.WaitingDevice(ctx, p.userCodeHash(code), now); {
		case err == nil:
			return errRightCode
		case !errors.Is(err, storage.ErrNotFound):
			return err
		}
		mistake = &deviceMistake{text: page.Say("problem.device_code_wrong")}
		return tx.Audit(ctx, p.event(ctx, "device.code_wrong", storage.Refused, nil, nil))
	})
	if errors.Is(err, errRightCode) {
		return d, nil, nil
	}
	return nil, mistake, err
}

// allowDevice ends an authorization request that passed: the device may have
// what an authorization code would have been redeemed for.
func (p *Provider) allowDevice(w http.ResponseWriter, r *http.Request, asked session.Asked, facts policy.Facts, in *storage.SignedIn, a *storage.AuthRequest) {
	ctx, now := r.Context(), p.Now()
	assurance := facts.Assurance()
	err := p.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.FinishAuthRequest(ctx, a.ID, now); err != nil {
			return err
		}
		if err := p.keepConsent(ctx, tx, a, in.User.ID); err != nil {
			return err
		}
		d, err := tx.DeviceCode(ctx, asked.Params.Device)
		if errors.Is(err, storage.ErrNotFound) {
			return nil // long expired: the page will say so
		}
		if err != nil {
			return err
		}
		g, err := p.newGrant(asked, assurance, in, "", now)
		if err != nil {
			return err
		}
		g.CodeHash, g.CodeExpiresAt = "", now
		if err := tx.AllowDevice(ctx, d.Hash, g.ID, now); storage.IsSpent(err) {
			return nil // answered or expired meanwhile: the page will say so
		} else if err != nil {
			return err
		}
		if err := tx.InsertGrant(ctx, g); err != nil {
			return err
		}
		if err := p.Sessions.Touch(ctx, tx, in); err != nil {
			return err
		}
		e := p.event(ctx, "device.allowed", storage.OK, asked.Client, &in.User)
		e.Reason = assurance.ACR + "; asked from " + d.IP
		return tx.Audit(ctx, e)
	})
	switch {
	case storage.IsSpent(err):
		http.Redirect(w, r, "/login?"+url.Values{"r": {a.ID}}.Encode(), http.StatusSeeOther)
	case err != nil:
		p.developerError(w, r, p.asOAuth(ctx, err), "", "")
	default:
		http.Redirect(w, r, asked.Params.RedirectURI, http.StatusSeeOther)
	}
}

// denyDevice refuses the device whose authorization request ended without a
// sign-in. Requests of no device, and devices answered before, are left alone.
func denyDevice(ctx context.Context, tx *storage.Tx, a *storage.AuthRequest, now time.Time) error {
	params, err := session.ParamsOf(a)
	if err != nil || params.Device == "" {
		return err
	}
	if err := tx.DenyDevice(ctx, params.Device, now); !storage.IsSpent(err) {
		return err
	}
	return nil
}
