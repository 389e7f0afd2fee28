package apply

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

func (api API) checkForm(c checker) {
	if uri := api.Resource; uri != "" {
		u, err := url.Parse(uri)
		switch {
		case err != nil || !u.IsAbs() || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > 0x7e }):
			c.refuse("api.resource", fmt.Sprintf("is %q, which is no absolute URI", uri), "write the address of the API, such as https://api.example.com/")
		case strings.Contains(uri, "#"):
			c.refuse("api.resource", fmt.Sprintf("is %q, with a fragment", uri), "leave out # and what follows it")
		case len(uri) > maxText:
			c.refuseAs(CodeTooLong, "api.resource", "is longer than 500 bytes", "shorten it")
		}
	}
	for i, s := range api.Scopes {
		at := fmt.Sprintf("api.scopes[%d]", i)
		switch {
		case s.ID == "":
			c.refuseAs(CodeMissing, at+".id", "is missing", "write what tokens call it")
		case !isScope(s.ID) || len(s.ID) > maxID:
			c.refuse(at+".id", fmt.Sprintf("is %q", s.ID), `write up to 64 characters without spaces, " and \`)
		case slices.Contains(scopes, s.ID):
			c.refuseAs(CodeTaken, at+".id", fmt.Sprintf("is %q, which is a scope of this provider", s.ID), "choose another")
		case slices.ContainsFunc(api.Scopes[:i], func(other storage.APIScope) bool { return other.ID == s.ID }):
			c.refuseAs(CodeTwice, at+".id", fmt.Sprintf("is %q again", s.ID), "write it once")
		}
		if s.Name == "" {
			c.refuseAs(CodeMissing, at+".name", "is missing", "write what it allows, in words for those who are asked to allow it")
		}
		c.text(at+".name", s.Name)
	}
}

// isScope says whether text is a scope-token (RFC 6749 section 3.3).
func isScope(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > 0x7e || r == '"' || r == '\\' })
}

// checkAmong checks what an entry says of other products, given those there will be.
func (e *Product) checkAmong(c checker, o offers, s source) {
	for _, id := range slices.Sorted(maps.Keys(o)) {
		if id != e.ID && e.API.Resource != "" && o[id].Resource == e.API.Resource {
			c.refuseAs(CodeTaken, "api.resource", fmt.Sprintf("is %q, as of product %s", e.API.Resource, id), "choose another: a token is for one API")
		}
	}
	if s.mentions("resources") {
		for i, resource := range e.Resources {
			if o.serving(resource) == "" {
				c.refuseAs(CodeUnknown, fmt.Sprintf("resources[%d]", i), fmt.Sprintf("is %q, and no product has such an api", resource), "write the resource of a product's api, character by character")
			}
		}
	}
	if s.mentions("scopes") {
		allowed := o.scopes(e.Resources)
		for i, scope := range e.Scopes {
			if !slices.Contains(allowed, scope) {
				c.refuseAs(CodeNotAllowed, fmt.Sprintf("scopes[%d]", i), fmt.Sprintf("is %q", scope), "write "+either(allowed)+", or one of an API that resources names")
			}
		}
	}
	if !s.mentions("token_exchange") {
		return
	}
	for field, list := range map[string][]string{"impersonate": e.Exchange.Impersonate, "delegate": e.Exchange.Delegate} {
		for i, id := range list {
			if _, there := o[id]; !there {
				c.refuseAs(CodeUnknown, fmt.Sprintf("token_exchange.%s[%d]", field, i), fmt.Sprintf("is %q, and there is no such product", id), "add it to products, or write the id of one that is there")
			}
		}
	}
}
