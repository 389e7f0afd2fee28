package policy

import "slices"

// Carries says whether a sign-in to one product is enough for another, where
// the person isn't there to be asked for more, as when a token is exchanged: it
// must still stand, as h says, and be worth what that product, and the person's
// company for it, demand of everybody. h names the product and its MinLevel.
// What is demanded by networks was asked when the person signed in.
func Carries(h Held, product Product, company Company) Decision {
	if d := Stands(h); d.Do != Pass {
		return d
	}
	if product.RequireTwoFactors && h.Level < TwoFactors {
		return Decision{Do: Refuse, Reason: Reason{Code: ByProduct, Who: product.Name}}
	}
	enough := TwoFactors
	if company.Rules.EmailCodeFulfils {
		enough = TwoSteps
	}
	if slices.Contains(company.Rules.TwoFactorProducts, product.ID) && h.Level < enough {
		return Decision{Do: Refuse, Reason: Reason{Code: ByCompanyProduct, Who: company.Name}}
	}
	return Decision{Do: Pass}
}
