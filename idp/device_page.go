package idp

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// DeviceRoutes adds the pages of a person who signs in a device (RFC 8628
// section 3.3) to r, which protects against cross-site requests.
func (p *Provider) DeviceRoutes(r chi.Router) {
	r.Get("/device", p.devicePage)
	r.Post("/device", p.devicePost)
	r.Get("/device/done", p.deviceDone)
}

// devicePage asks for the code, and then whether to go on: also where the code
// came with the link (RFC 8628 section 3.3.1).
func (p *Provider) devicePage(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("user_code")
	if typed == "" {
		p.showDeviceCode(w, r, "", nil)
		return
	}
	d, code, ok := p.waitingDevice(w, r, typed)
	if !ok {
		return
	}
	client, err := p.DB.Client(r.Context(), d.ClientID)
	if err != nil {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	in, err := p.Sessions.Current(r, client.ID)
	if err != nil {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	person, name := "", page.Device(d.UserAgent)
	if in != nil {
		person = in.User.Email
	}
	if name == page.Device("") {
		name = ""
	}
	// What a device says of itself is never shown as it is: it could say
	// anything, in our name.
	p.Pages.Write(w, page.Frame{Lang: p.lang(r, nil), FormToken: p.Sessions.FormToken(w, r), Product: client.Name}, page.DeviceConfirm{
		Code: code, IP: d.IP, SameNetwork: sameNetwork(d.IP, session.OriginOf(r.Context()).Addr), Device: name, Asked: d.CreatedAt, Person: person,
		SelfRegistered: client.RegistrationHash != "",
	})
}

func sameNetwork(ip string, addr netip.Addr) bool {
	there, err := netip.ParseAddr(ip)
	return err == nil && session.Network(there) != "" && session.Network(there) == session.Network(addr)
}

// devicePost takes the code, and the answer to whether to go on.
func (p *Provider) devicePost(w http.ResponseWriter, r *http.Request) {
	typed := r.PostFormValue("user_code")
	if !p.Sessions.FormTokenOK(r) {
		p.showDeviceCode(w, r, typed, &deviceMistake{text: page.Say("problem.form_stale"), status: http.StatusForbidden})
		return
	}
	goOn, cancel := r.PostFormValue("go_on") == "1", r.PostFormValue("cancel") == "1"
	if !goOn && !cancel {
		if typed == "" {
			typed = " " // nothing entered is a mistake to tell, not the first look at the page
		}
		http.Redirect(w, r, "/device?"+url.Values{"user_code": {typed}}.Encode(), http.StatusSeeOther)
		return
	}
	d, _, ok := p.waitingDevice(w, r, typed)
	if !ok {
		return
	}
	answer := p.beginForDevice
	if cancel {
		answer = p.cancelDevice
	}
	if err := answer(w, r, d); err != nil {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
	}
}

// beginForDevice begins an ordinary authorization request of the device's
// product in this browser. It ends in allowDevice instead of a redirect to the
// product, and only there is anything given to the device.
func (p *Provider) beginForDevice(w http.ResponseWriter, r *http.Request, d *storage.DeviceCode) error {
	client, err := p.DB.Client(r.Context(), d.ClientID)
	if err != nil {
		return err
	}
	in, err := p.Sessions.Current(r, client.ID)
	if err != nil {
		return err
	}
	now := p.Now()
	a := storage.AuthRequest{
		ID: storage.NewID(), BrowserHash: storage.Hash(p.Sessions.Browser(w, r)), ClientID: client.ID, CreatedAt: now, ExpiresAt: now.Add(requestLifetime),
	}
	params, err := p.paramsOfDevice(client, d, a.ID, in)
	if err != nil {
		return err
	}
	a.Params = params.kept
	if in != nil {
		a.UserID = in.User.ID
	}
	if params.signInAnew {
		a.Stamps.SignInSince = now
	}
	if err := p.DB.Write(r.Context(), func(tx *storage.Tx) error { return tx.InsertAuthRequest(r.Context(), a) }); err != nil {
		return err
	}
	http.Redirect(w, r, "/login?"+url.Values{"r": {a.ID}}.Encode(), http.StatusSeeOther)
	return nil
}

// cancelDevice refuses a device for whoever holds its code: nobody has to sign
// in for that.
func (p *Provider) cancelDevice(w http.ResponseWriter, r *http.Request, d *storage.DeviceCode) error {
	client, err := p.DB.Client(r.Context(), d.ClientID)
	if err != nil {
		return err
	}
	in, err := p.Sessions.Current(r, client.ID)
	if err != nil {
		return err
	}
	ctx := r.Context()
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.DenyDevice(ctx, d.Hash, p.Now()); err != nil {
			return err
		}
		e := p.event(ctx, "device.denied", storage.Refused, client, nil)
		if in != nil {
			e.UserID, e.OrgID = in.User.ID, in.User.OrgID
		}
		e.Reason = "asked from " + d.IP
		return tx.Audit(ctx, e)
	})
	switch {
	case storage.IsSpent(err):
		p.deviceMessage(w, r, client, nil) // it has expired this moment, or was answered in another tab
	case err != nil:
		return err
	default:
		p.deviceMessage(w, r, client, &storage.DeviceCode{DeniedAt: p.Now()})
	}
	return nil
}

// deviceMistake is what was wrong with a code that was entered.
type deviceMistake struct {
	text   page.Text
	status int
	// until is when the next one may be tried; zero: now.
	until time.Time
}

// waitingDevice is the device whose code somebody entered. Where it isn't ok,
// the page that says why has been written.
func (p *Provider) waitingDevice(w http.ResponseWriter, r *http.Request, typed string) (d *storage.DeviceCode, code string, ok bool) {
	code, ok = asUserCode(typed)
	if !ok {
		p.showDeviceCode(w, r, typed, &deviceMistake{text: page.Say("problem.device_code_format")})
		return nil, "", false
	}
	d, mistake, err := p.tryUserCode(r.Context(), code)
	switch {
	case err != nil:
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
	case mistake != nil:
		p.showDeviceCode(w, r, typed, mistake)
	}
	return d, code, d != nil
}

func (p *Provider) showDeviceCode(w http.ResponseWriter, r *http.Request, typed string, mistake *deviceMistake) {
	f := page.Frame{Lang: p.lang(r, nil), FormToken: p.Sessions.FormToken(w, r)}
	if mistake != nil {
		f.Problem, f.Status = &page.Problem{Text: mistake.text, Field: "user_code"}, mistake.status
		if !mistake.until.IsZero() {
			w.Header().Set("Retry-After", strconv.Itoa(int(mistake.until.Sub(p.Now())/time.Second)+1))
		}
	}
	p.Pages.Write(w, f, page.DeviceCode{Code: typed})
}

// deviceDone says what came of a device, to the browser that answered it.
func (p *Provider) deviceDone(w http.ResponseWriter, r *http.Request) {
	a, err := p.DB.AuthRequest(r.Context(), r.URL.Query().Get("r"))
	if errors.Is(err, storage.ErrNotFound) || err == nil && !p.Sessions.Bound(r, a) {
		http.Redirect(w, r, "/device", http.StatusSeeOther)
		return
	}
	var params session.Params
	if err == nil {
		params, err = session.ParamsOf(a)
	}
	var client *storage.Client
	if err == nil {
		client, err = p.DB.Client(r.Context(), a.ClientID)
	}
	if err != nil {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	d, err := p.DB.DeviceCode(r.Context(), params.Device)
	switch {
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
	case a.FinishedAt.IsZero() && r.URL.Query().Has("error"):
		// The request could not even be refused: its own page says so.
		p.developerError(w, r, oauth(serverError, "the sign-in of a device failed"), "", "")
	case a.FinishedAt.IsZero():
		http.Redirect(w, r, "/login?"+url.Values{"r": {a.ID}}.Encode(), http.StatusSeeOther)
	default:
		p.deviceMessage(w, r, client, d)
	}
}

// deviceMessage is the last page. d is nil where the code is gone.
func (p *Provider) deviceMessage(w http.ResponseWriter, r *http.Request, client *storage.Client, d *storage.DeviceCode) {
	f := page.Frame{Lang: p.lang(r, nil)}
	m := page.Message{Heading: page.Say("device_gone.heading"), Body: page.Say("device_gone.body"), Link: "/device", LinkText: page.Say("device_gone.link")}
	switch {
	case d == nil || d.GrantID == "" && d.DeniedAt.IsZero():
		f.Status = http.StatusGone
	case d.GrantID != "":
		m = page.Message{Heading: page.Say("device_allowed.heading"), Body: page.Say("device_allowed.body", "Product", client.Name)}
	default:
		m = page.Message{Heading: page.Say("device_denied.heading"), Body: page.Say("device_denied.body", "Product", client.Name)}
	}
	p.Pages.Write(w, f, m)
}
