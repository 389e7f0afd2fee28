package idp

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// logoutRequest is a request of OpenID Connect RP-Initiated Logout 1.0
// section 2, checked.
type logoutRequest struct {
	// client is whom the request is from, by its hint or its client_id.
	client *storage.Client
	// subject and sid are of the id_token_hint; empty without a valid one.
	subject, sid string
	// back is a registered post_logout_redirect_uri, with state.
	back   string
	hidden map[string]string
}

// product is the name of whom the request is from.
func (lr *logoutRequest) product() string {
	if lr.client == nil {
		return ""
	}
	return lr.client.Name
}

// endSession signs out of everything this browser's session reached. With a
// hint that names the session it does so at once; without, or with a wrong
// one, the person is asked first. Products that want to be told through the
// browser are (OpenID Connect Front-Channel Logout 1.0), and then it goes on.
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
	named, err := p.names(r.Context(), &lr, in)
	if err != nil {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	f := page.Frame{Lang: p.lang(r, scopes(r.Form.Get("ui_locales"))), Product: lr.product()}
	if in != nil && !named && !confirmed {
		f.FormToken, f.Person = p.Sessions.FormToken(w, r), in.User.Email
		if lr.back != "" {
			f.FormActions = []string{origin(lr.back)}
		}
		p.Pages.Write(w, f, page.LogoutConfirm{Action: "/logout", Hidden: lr.hidden})
		return
	}
	out := page.SignedOut{Next: lr.back, Back: true}
	if in != nil {
		if out.Products, err = p.signOut(r, in); err != nil {
			p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
			return
		}
	}
	// Another site can send people here without their cookies; it must not change
	// what the products of theirs are told of the session that they have.
	if p.Sessions.Sent(r) {
		p.Sessions.Forget(w)
	}
	if lr.back != "" && len(out.Products) == 0 {
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, lr.back, http.StatusSeeOther)
		return
	}
	p.Pages.Write(w, f, out)
}

// names says whether the hint names the session of this browser: by its sid,
// and its person as the client knows them.
func (p *Provider) names(ctx context.Context, lr *logoutRequest, in *storage.SignedIn) (bool, error) {
	if in == nil || lr.client == nil || lr.sid == "" || lr.sid != in.Session.ID {
		return false, nil
	}
	subject, err := p.subject(ctx, lr.client, in.User.ID)
	return subject == lr.subject, err
}

// signOut ends a session and says what the browser must tell.
func (p *Provider) signOut(r *http.Request, in *storage.SignedIn) (told []page.Told, err error) {
	ctx := r.Context()
	var leaving []session.Leaving
	err = p.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if leaving, err = p.Sessions.SignOut(ctx, tx, in, false); err != nil {
			return err
		}
		return tx.Audit(ctx, p.event(ctx, "session.ended", storage.OK, nil, &in.User))
	})
	for _, product := range leaving {
		told = append(told, page.Told(product))
	}
	return told, err
}

// logoutRequest checks the parameters. A redirect back is honoured for a valid
// hint's client, or a named client, whose registered URI it is, character by
// character. A wrong hint spoils the redirect.
func (p *Provider) logoutRequest(r *http.Request) (lr logoutRequest, err error) {
	lr.hidden = make(map[string]string)
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "logout_hint"} {
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
	if lr.client, err = p.DB.Client(r.Context(), clientID); errors.Is(err, storage.ErrNotFound) || err == nil && lr.client.Internal {
		return lr, oauth(invalidRequest, "no product is registered under this client_id")
	} else if err != nil {
		return lr, err
	}
	uri := r.Form.Get("post_logout_redirect_uri")
	if uri == "" {
		return lr, nil
	}
	if !slices.Contains(lr.client.PostLogoutRedirectURIs, uri) {
		return lr, oauth(invalidRequest, "post_logout_redirect_uri is not registered for %s; it is compared character by character", lr.client.ID)
	}
	lr.back = uri
	if state := r.Form.Get("state"); state != "" {
		lr.back = session.WithQuery(uri, "state", state)
	}
	return lr, nil
}
