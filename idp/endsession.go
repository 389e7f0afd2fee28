package idp

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// logoutRequest is a request of OpenID Connect RP-Initiated Logout 1.0
// section 2, checked.
type logoutRequest struct {
	// subject and sid are of the id_token_hint; empty without a valid one.
	subject, sid string
	// back is a registered post_logout_redirect_uri, with state.
	back    string
	product string
	hidden  map[string]string
}

// endSession signs out of everything this browser's session reached. With a
// hint that names the session it does so at once; without, or with a wrong
// one, the person is asked first.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.developerError(w, r, oauth(invalidRequest, "the form could not be read"), "", "")
		return
	}
	// A form of ours is the person's own word. A product's comes without our Lax
	// cookies; the GET that follows brings them.
	confirmed := r.Method == http.MethodPost && p.Sessions.FormTokenOK(r)
	if r.Method == http.MethodPost && !confirmed {
		r.Form.Del("form_token")
		http.Redirect(w, r, "/logout?"+r.Form.Encode(), http.StatusSeeOther)
		return
	}
	lr, err := p.logoutRequest(r)
	if err != nil {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	in, err := p.Sessions.Current(r, "")
	if err != nil {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	f := page.Frame{Lang: p.lang(r, scopes(r.Form.Get("ui_locales"))), Product: lr.product}
	named := in != nil && in.Session.ID == lr.sid && in.User.ID == lr.subject
	if in != nil && !named && !confirmed {
		f.FormToken, f.Person = p.Sessions.FormToken(w, r), in.User.Email
		if lr.back != "" {
			f.FormActions = []string{origin(lr.back)}
		}
		p.Pages.Write(w, f, page.LogoutConfirm{Action: "/logout", Hidden: lr.hidden})
		return
	}
	if in != nil {
		if err := p.signOut(r, in); err != nil {
			p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
			return
		}
	}
	p.Sessions.Forget(w)
	if lr.back != "" {
		http.Redirect(w, r, lr.back, http.StatusSeeOther)
		return
	}
	p.Pages.Write(w, f, page.Message{Heading: page.Say("signed_out.heading"), Body: page.Say("signed_out.body")})
}

func (p *Provider) signOut(r *http.Request, in *storage.SignedIn) error {
	ctx := r.Context()
	return p.DB.Write(ctx, func(tx *storage.Tx) error {
		if _, err := tx.EndSessions(ctx, storage.Ending{UserID: in.User.ID, Session: in.Session.ID}, p.Now()); err != nil {
			return err
		}
		return tx.Audit(ctx, p.event(ctx, "session.ended", storage.OK, nil, &in.User))
	})
}

// logoutRequest checks the parameters. A redirect back is honoured for a valid
// hint's client, or a named client, whose registered URI it is, character by
// character. A wrong hint spoils the redirect.
func (p *Provider) logoutRequest(r *http.Request) (lr logoutRequest, err error) {
	lr.hidden = make(map[string]string)
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"} {
		if len(r.Form[name]) > 1 {
			return lr, oauth(invalidRequest, "%s is sent more than once", name)
		}
		if v := r.Form.Get(name); v != "" {
			lr.hidden[name] = v
		}
	}
	clientID := r.Form.Get("client_id")
	if token := r.Form.Get("id_token_hint"); token != "" {
		claims, err := p.verifyOwnIDToken(r.Context(), token)
		if err != nil || clientID != "" && !slices.Contains(claims.Audience, clientID) || len(claims.Audience) != 1 {
			p.Log.InfoContext(r.Context(), "logout with a wrong id_token_hint", "error", err, "request_id", session.OriginOf(r.Context()).RequestID)
			lr.hidden = nil
			return lr, nil
		}
		lr.subject, lr.sid, clientID = claims.Subject, claims.Session, claims.Audience[0]
	}
	if clientID == "" {
		return lr, nil
	}
	client, err := p.DB.Client(r.Context(), clientID)
	if err != nil {
		return lr, oauth(invalidRequest, "no product is registered under this client_id")
	}
	lr.product = client.Name
	uri := r.Form.Get("post_logout_redirect_uri")
	if uri == "" {
		return lr, nil
	}
	if !slices.Contains(client.PostLogoutRedirectURIs, uri) {
		return lr, oauth(invalidRequest, "post_logout_redirect_uri is not registered for %s; it is compared character by character", client.ID)
	}
	lr.back = withState(uri, r.Form.Get("state"))
	return lr, nil
}

func withState(uri, state string) string {
	u, err := url.Parse(uri)
	if err != nil || state == "" {
		return uri
	}
	q := u.Query()
	q.Set("state", state)
	u.RawQuery = q.Encode()
	return u.String()
}
