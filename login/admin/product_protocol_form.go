package admin

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// protocolFormOf are the settings that only some protocols need, as the form
// shows them.
func protocolFormOf(p apply.Product) page.ProductProtocol {
	form := page.ProductProtocol{
		ResponseTypes: p.ResponseTypes, JWKS: p.JWKS.Indented(), JWKSURI: p.JWKSURI, AuthSigningAlg: p.AuthSigningAlg,
		CertificateBound: p.CertificateBound, DPoPBound: p.DPoPBound, RequirePAR: p.RequirePAR, RequireSignedRequest: p.RequireSignedRequest,
		RequestObjectAlg: p.RequestObjectAlg, RequestURIs: p.RequestURIs, AuthorizationAlg: p.AuthorizationAlg, UserinfoAlg: p.UserinfoAlg,
		IntrospectionAlg: p.IntrospectionAlg, SubjectType: p.SubjectType, SectorIdentifierURI: p.SectorIdentifierURI,
		Resource: p.API.Resource, Resources: p.Resources, Impersonate: p.Exchange.Impersonate, Delegate: p.Exchange.Delegate,
		AMR: renamedLines(p.ClaimProfile.AMR), ACR: renamedLines(p.ClaimProfile.ACR), FrontchannelLogoutURI: p.FrontchannelLogoutURI, FrontchannelSession: p.FrontchannelSession,
		DefaultACRValues: p.DefaultACRValues, InitiateLoginURI: p.InitiateLoginURI, ClientURI: p.ClientURI, LogoURI: p.LogoURI, Contacts: p.Contacts,
	}
	if p.DefaultMaxAge != nil {
		form.DefaultMaxAge = strconv.FormatInt(*p.DefaultMaxAge, 10)
	}
	for _, s := range p.API.Scopes {
		form.Serves = append(form.Serves, s.ID+" "+s.Name)
	}
	for subject, name := range subjectsOf(&p.TLSClient) {
		if *name != "" {
			form.TLSSubject, form.TLSName = subject, *name
		}
	}
	return form
}

// subjectsOf are the fields of a certificate's subject by their names.
func subjectsOf(t *apply.TLSClient) map[string]*string {
	return map[string]*string{"subject_dn": &t.SubjectDN, "san_dns": &t.SANDNS, "san_uri": &t.SANURI, "san_ip": &t.SANIP, "san_email": &t.SANEmail}
}

// protocolIn fills in the settings that a form describes. What the form alone
// can say is wrong comes back by field.
func protocolIn(form page.ConsoleProductForm, entry *apply.Product) map[string]page.Text {
	wrong := make(map[string]page.Text)
	refuse := func(field, id string) { wrong[field] = page.Say("problem.product." + id) }
	entry.Protocol = apply.Protocol{
		ResponseTypes: form.ResponseTypes, JWKSURI: form.JWKSURI,
		CertificateBound: form.CertificateBound, DPoPBound: form.DPoPBound, RequirePAR: form.RequirePAR, RequireSignedRequest: form.RequireSignedRequest,
		RequestObjectAlg: form.RequestObjectAlg, RequestURIs: form.RequestURIs, AuthorizationAlg: form.AuthorizationAlg, UserinfoAlg: form.UserinfoAlg,
		IntrospectionAlg: form.IntrospectionAlg, SubjectType: form.SubjectType, SectorIdentifierURI: form.SectorIdentifierURI,
		API: apply.API{Resource: form.Resource}, Resources: form.Resources, Exchange: apply.Exchange{Impersonate: form.Impersonate, Delegate: form.Delegate},
		FrontchannelLogoutURI: form.FrontchannelLogoutURI, FrontchannelSession: form.FrontchannelSession, DefaultACRValues: form.DefaultACRValues,
		InitiateLoginURI: form.InitiateLoginURI, ClientURI: form.ClientURI, LogoURI: form.LogoURI, Contacts: form.Contacts,
	}
	if entry.SubjectType == "" {
		entry.SubjectType = apply.NewProduct().SubjectType
	}
	// What belongs to another way of proving who it is goes with that way.
	switch entry.AuthMethod {
	case storage.PrivateKeyJWT, storage.ClientSecretJWT:
		entry.AuthSigningAlg = form.AuthSigningAlg
	case storage.TLSClientAuth:
		if name := subjectsOf(&entry.TLSClient)[form.TLSSubject]; name != nil {
			*name = form.TLSName
		}
	}
	var err error
	if entry.JWKS, err = apply.ParseKeySet(form.JWKS); errors.Is(err, apply.ErrPrivateKey) {
		refuse("jwks", "jwks_private")
	} else if err != nil {
		refuse("jwks", "jwks")
	}
	if form.DefaultMaxAge != "" {
		seconds, err := strconv.ParseInt(form.DefaultMaxAge, 10, 64)
		if err != nil {
			refuse("default_max_age", "default_max_age")
		}
		entry.DefaultMaxAge = &seconds
	}
	for _, line := range form.Serves {
		id, name, _ := strings.Cut(line, " ")
		entry.API.Scopes = append(entry.API.Scopes, storage.APIScope{ID: id, Name: strings.TrimSpace(name)})
	}
	var ok bool
	if entry.ClaimProfile.AMR, ok = renamed(form.AMR); !ok {
		refuse("claim_profile.amr", "claim_profile.amr")
	}
	if entry.ClaimProfile.ACR, ok = renamed(form.ACR); !ok {
		refuse("claim_profile.acr", "claim_profile.acr")
	}
	return wrong
}

// renamed reads lines such as "otp = mfa"; nil: there are none.
func renamed(lines []string) (all map[string]string, ok bool) {
	for _, line := range lines {
		from, to, found := strings.Cut(line, "=")
		from = strings.TrimSpace(from)
		if _, twice := all[from]; !found || twice {
			return nil, false
		}
		if all == nil {
			all = make(map[string]string)
		}
		all[from] = strings.TrimSpace(to)
	}
	return all, true
}

func renamedLines(all map[string]string) (lines []string) {
	for _, from := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, strings.TrimSpace(from+" = "+all[from]))
	}
	return lines
}
