package login

import (
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

func (l *Login) consentPage(v *visit) error {
	if v.decision.Do != policy.Consent {
		return v.toNext()
	}
	return l.show(v, page.Consent{Scopes: strings.Fields(v.params.Scope), PolicyURI: v.client.PolicyURI, TermURI: v.client.TermsURI}, nil)
}

// consentPost notes the answer on the request; idp remembers a yes for the
// next time when it issues the code.
func (l *Login) consentPost(v *visit) error {
	if v.decision.Do != policy.Consent {
		return v.toNext()
	}
	switch {
	case v.r.PostFormValue("allow") == "1":
		v.request.Stamps.Consented = v.params.Scope
		return l.save(v, l.event(v.ctx(), "consent.given", storage.OK, v.client.ID, &v.person.User))
	case v.r.PostFormValue("deny") == "1":
		return l.cancel(v)
	}
	return v.toNext()
}
