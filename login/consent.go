package login

import (
	"net/url"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// consentPage says what a product asks for, in words: an API's own, where the
// scope is an API's.
func (l *Login) consentPage(v *visit) error {
	if v.decision.Do != policy.Consent {
		return v.toNext()
	}
	wants, err := l.Sessions.Wants(v.ctx(), v.client, v.params)
	if err != nil {
		return err
	}
	named, err := l.Sessions.WordNames(v.ctx(), wants)
	if err != nil {
		return err
	}
	c, f := v.client, l.frame(v)
	f.Cancel = false // the page has one of its own, beside Allow
	back := hostOf(v.params.RedirectURI)
	if v.params.Device != "" {
		back = "" // a device gets the answer, which no browser goes to
	}
	l.Pages.Write(v.w, f, page.Consent{
		Scopes: wants, Named: named, LogoURI: c.LogoURI, ClientURI: c.ClientURI, Contacts: c.Contacts,
		PolicyURI: c.PolicyURI, TermURI: c.TermsURI, BackTo: back,
		SelfRegistered: c.RegistrationHash != "",
	})
	return nil
}

// hostOf is the host of a URI, empty where that is an app of this machine.
func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Host
}

// consentPost notes the answer on the request; idp remembers a yes for the
// next time when it issues the code.
func (l *Login) consentPost(v *visit) error {
	if v.decision.Do != policy.Consent {
		return v.toNext()
	}
	switch {
	case v.r.PostFormValue("allow") == "1":
		wants, err := l.Sessions.Wants(v.ctx(), v.client, v.params)
		if err != nil {
			return err
		}
		v.request.Stamps.Consented = strings.Join(wants, " ")
		return l.save(v, l.event(v.ctx(), "consent.given", storage.OK, v.client.ID, &v.person.User))
	case v.r.PostFormValue("deny") == "1":
		return l.cancel(v)
	}
	return v.toNext()
}
