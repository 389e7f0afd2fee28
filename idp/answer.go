package idp

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// answerTo is where the answer to an authorization request goes, and how.
type answerTo struct {
	client                   *storage.Client
	redirectURI, mode, state string
}

func answerOf(client *storage.Client, params session.Params) answerTo {
	return answerTo{client: client, redirectURI: params.RedirectURI, mode: params.ResponseMode, state: params.State}
}

// respond sends the answer, with state and iss (RFC 9207), on success and on
// error alike.
func (p *Provider) respond(w http.ResponseWriter, r *http.Request, to answerTo, values url.Values) {
	if to.state != "" {
		values.Set("state", to.state)
	}
	values.Set("iss", p.Issuer)
	mode, signed := strings.CutSuffix(to.mode, inJWT)
	if signed {
		var err error
		if values, err = p.jarm(r.Context(), to.client, values); err != nil {
			p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
			return
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	if mode == modeFormPost {
		p.Pages.Write(w, page.Frame{Lang: p.lang(r, nil), FormActions: []string{origin(to.redirectURI)}}, page.FormPost{Action: to.redirectURI, Fields: values})
		return
	}
	separator := "?"
	switch {
	case mode == modeFragment:
		separator = "#" // no redirect URI has one of its own
	case strings.Contains(to.redirectURI, "?"):
		separator = "&"
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to.redirectURI+separator+values.Encode(), http.StatusSeeOther)
}

// refuse answers with an error.
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, to answerTo, err error) {
	e := p.asOAuth(r.Context(), err)
	p.respond(w, r, to, url.Values{"error": {e.code}, "error_description": {descriptionText(e.description)}})
}

// descriptionText drops what error_description may not contain (RFC 6749
// section 4.1.2.1).
func descriptionText(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return '\''
		}
		return c
	}, s)
}

// developerError shows an error that can't be answered to the product, because
// it isn't known which product that is or where it wants the answer.
func (p *Provider) developerError(w http.ResponseWriter, r *http.Request, e *oauthError, expected, got string) {
	status := e.status
	if status == 0 || status == http.StatusUnauthorized {
		status = http.StatusBadRequest
	}
	p.Pages.Write(w, page.Frame{Lang: p.lang(r, nil), Status: status}, page.RequestError{
		Code: e.code, Description: e.description, Expected: expected, Got: got, Reference: session.OriginOf(r.Context()).RequestID,
	})
}

func (p *Provider) lang(r *http.Request, uiLocales []string) string {
	return p.Pages.Language(uiLocales, "", r.Header.Get("Accept-Language"))
}

// origin is scheme and host of a URI, as a Content-Security-Policy wants them;
// of a custom scheme it is the scheme alone.
func origin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if u.Host == "" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}
