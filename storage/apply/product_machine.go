package apply

import (
	"fmt"
	"slices"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

func (e *Product) grants(grant string) bool { return slices.Contains(e.GrantTypes, grant) }

func (e *Product) machine() bool { return e.grants(session.ClientCredentials) }

// signsIn says whether people sign in to a product, in a browser or on a device.
func (e *Product) signsIn() bool { return session.SignsIn(e.GrantTypes) }

// machineOnly says whether a product acts for itself, or by the tokens of others, and nothing else: nobody signs in to it.
func (e *Product) machineOnly() bool {
	return (e.machine() || e.grants(tokenExchange)) && !e.signsIn() && !e.grants(refreshToken)
}

func (e *Product) checkMachineOnly(c checker) {
	for i, s := range e.Scopes {
		if slices.Contains(session.SignInScopes(), s) && !e.grants(tokenExchange) {
			c.refuseAs(CodeConflict, fmt.Sprintf("scopes[%d]", i), fmt.Sprintf("is %q, which is for people", s), "leave it out, or add authorization_code to grant_types")
		}
	}
	if len(e.RedirectURIs) > 0 {
		c.refuseAs(CodeConflict, "redirect_uris", "is set though nobody signs in", "leave it out, or add authorization_code to grant_types")
	}
}

// checkMachine checks what a product may do for itself; companies are those there will be.
func (e *Product) checkMachine(c checker, companies map[string]*storage.Org) {
	if e.machine() && e.AuthMethod == authNone {
		c.refuseAs(CodeConflict, "grant_types", "has client_credentials though auth_method is none", "give it a secret: whoever knows its id could act for it")
	}
	if e.Company == "" {
		return
	}
	c.company("company", e.Company, companies)
	if !e.machine() {
		c.refuseAs(CodeConflict, "company", "is set though the product never acts for itself", "add client_credentials to grant_types; companies says whose people may use it")
	}
	for i, s := range e.Scopes {
		if session.OperatorScope(s) {
			c.refuseAs(CodeConflict, fmt.Sprintf("scopes[%d]", i), fmt.Sprintf("is %q, which is the operator's", s), "leave it out of what acts for a company")
		}
	}
}
