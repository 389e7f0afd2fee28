package login

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// What can be wrong with a flow as a whole. Each has a page that says so in
// words and offers a way on.
var (
	errGone      = errors.New("no such authorization request")
	errForeign   = errors.New("begun by another browser")
	errFinished  = errors.New("already answered")
	errExpired   = errors.New("expired")
	errStaleForm = errors.New("form token missing or stale")
)

// fail is where every error of a page ends.
func (l *Login) fail(w http.ResponseWriter, r *http.Request, err error) {
	again := "/login/again?" + url.Values{"r": {r.URL.Query().Get("r")}}.Encode()
	switch {
	case errors.Is(err, errGone):
		l.message(w, r, http.StatusGone, "expired", "/", "")
	case errors.Is(err, errForeign):
		l.message(w, r, http.StatusForbidden, "foreign", "/", "")
	case errors.Is(err, errFinished):
		l.finished(w, r)
	case errors.Is(err, errExpired):
		l.message(w, r, http.StatusGone, "expired", again, "")
	case errors.Is(err, errStaleForm):
		f := l.plainFrame(r)
		f.Status = http.StatusForbidden
		l.Pages.Write(w, f, page.Message{Heading: page.Say("expired.heading"), Body: page.Say("problem.form_stale"), Link: "/login?" + r.URL.RawQuery, LinkText: page.Say("expired.link")})
	case errors.Is(err, context.Canceled):
		// The person went away.
	default:
		from := session.OriginOf(r.Context())
		l.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err, "request_id", from.RequestID)
		l.message(w, r, http.StatusInternalServerError, "failure", again, from.RequestID)
	}
}

// finished says that a sign-in was answered already, and leads to the product
// where that has a door of its own (OpenID Connect Core section 4), else to the
// account.
func (l *Login) finished(w http.ResponseWriter, r *http.Request) {
	was, err := l.DB.AuthRequest(r.Context(), r.URL.Query().Get("r"))
	var client *storage.Client
	if err == nil {
		client, err = l.DB.Client(r.Context(), was.ClientID)
	}
	if err != nil || client.InitiateLoginURI == "" {
		l.message(w, r, http.StatusGone, "finished", "/account", "")
		return
	}
	f := l.plainFrame(r)
	f.Status = http.StatusGone
	l.Pages.Write(w, f, page.Message{
		Heading: page.Say("finished.heading"), Body: page.Say("finished.body"),
		Link: session.WithQuery(client.InitiateLoginURI, "iss", l.Issuer), LinkText: page.Say("finished.product", "Product", client.Name),
	})
}

// message shows a page of plain words: id.heading, id.body and, with a link,
// id.link.
func (l *Login) message(w http.ResponseWriter, r *http.Request, status int, id, link, reference string) {
	f := l.plainFrame(r)
	f.Status = status
	m := page.Message{Heading: page.Say(id + ".heading"), Body: page.Say(id + ".body"), Link: link, Reference: reference}
	if link != "" {
		m.LinkText = page.Say(id + ".link")
	}
	l.Pages.Write(w, f, m)
}

func (l *Login) plainFrame(r *http.Request) page.Frame {
	return page.Frame{Lang: l.Pages.Language(nil, "", r.Header.Get("Accept-Language"))}
}

// refused shows why it doesn't go on, and the way back to the product.
func (l *Login) refused(v *visit, d policy.Decision) error {
	id, ok := map[policy.ReasonCode]string{
		policy.PersonDisabled: "refuse.disabled", policy.OutsideNetworks: "refuse.network", policy.ProductClosed: "refuse.product_access",
	}[d.Reason.Code]
	switch {
	case ok:
	case offers(d, policy.Prove, policy.RecoveryCode):
		id = "refuse.recovery_only"
	default:
		id = "refuse.no_method"
	}
	if d.Do == policy.Refuse && d.Reason.Code == policy.Unmet && v.request.Stamps.NotNow {
		return v.redirect("/authorize/continue") // the person chose this: no page in between
	}
	var who *storage.User
	if v.person != nil {
		who = &v.person.User
	}
	err := l.DB.Write(v.ctx(), func(tx *storage.Tx) error {
		e := l.event(v.ctx(), "sign_in.refused", storage.Refused, v.client.ID, who)
		e.Reason, e.Decision = d.Reason.String(), string(d.Reason.Code)
		return tx.Audit(v.ctx(), e)
	})
	if err != nil {
		return err
	}
	return l.refuse(v, id)
}

// refuse shows the words of a refusal: id.heading and id.body.
func (l *Login) refuse(v *visit, id string) error {
	f := l.frame(v)
	f.Status = http.StatusForbidden
	with := []any{"Product", v.client.Name, "Company", v.decision.Reason.Who, "Person", f.Person}
	l.Pages.Write(v.w, f, page.Message{
		Heading: page.Say(id+".heading", with...), Body: page.Say(id+".body", with...), Reference: session.OriginOf(v.ctx()).RequestID,
	})
	return nil
}

// ended says that too many wrong codes ended this sign-in, and when another
// can be begun.
func (l *Login) ended(v *visit) error {
	f := l.frame(v)
	f.Status = http.StatusForbidden
	body := page.Say("too_many.body", "Until", page.FullMinute(v.request.Stamps.RetryAt))
	if !v.request.Stamps.RetryAt.After(l.Now()) {
		body = page.Say("too_many.body_now") // wrong codes of several kinds: none has to wait
	}
	l.Pages.Write(v.w, f, page.Message{
		Heading: page.Say("too_many.heading"), Body: body,
		Link: v.path("/login/again"), LinkText: page.Say("too_many.link"),
	})
	return nil
}

// again begins the same authorization request anew, so that a flow that
// expired or ended is never a dead end.
func (l *Login) again(w http.ResponseWriter, r *http.Request) {
	was, err := l.DB.AuthRequest(r.Context(), r.URL.Query().Get("r"))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		l.fail(w, r, errGone)
		return
	case err != nil:
		l.fail(w, r, err)
		return
	case !l.Sessions.Bound(r, was):
		l.fail(w, r, errForeign)
		return
	}
	now := l.Now()
	a := storage.AuthRequest{
		ID: storage.NewID(), BrowserHash: was.BrowserHash, ClientID: was.ClientID, Params: was.Params,
		CreatedAt: now, ExpiresAt: now.Add(was.ExpiresAt.Sub(was.CreatedAt)),
	}
	params, err := session.ParamsOf(was)
	if err == nil && params.Device != "" {
		params.RedirectURI = l.Sessions.DeviceDone(a.ID)
		a.Params, err = json.Marshal(params)
	}
	if err != nil {
		l.fail(w, r, err)
		return
	}
	if params.SignInAnew {
		a.Stamps.SignInSince = now
	}
	if err := l.DB.Write(r.Context(), func(tx *storage.Tx) error { return tx.InsertAuthRequest(r.Context(), a) }); err != nil {
		l.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/login?"+url.Values{"r": {a.ID}}.Encode(), http.StatusSeeOther)
}
