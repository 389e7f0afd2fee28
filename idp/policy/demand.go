package policy

import (
	"slices"
	"time"
)

// Demand is one wish for more than a password, by whoever has it.
type Demand struct {
	Reason Reason
	Level  Level
	// Since is the oldest second-factor proof that still counts; zero: any.
	Since time.Time
	// Company demands are fulfilled by a recovery code, and only by methods
	// the company allows.
	Company bool
	// Voluntary: unmet is no error, and can be put off.
	Voluntary bool
	// Until is when it can no longer be put off (grace).
	Until time.Time
	// Met says whether the proofs of the decision meet it.
	Met bool
}

// demands lists who wants how much of this sign-in, in the order of
// "who must use two factors": person, administrator, company, network,
// product, request.
func demands(f Facts) []Demand {
	var all []Demand
	company := func(reason ReasonCode, until time.Time) {
		level := TwoFactors
		if f.Company.Rules.EmailCodeFulfils {
			level = TwoSteps
		}
		all = append(all, Demand{Reason: Reason{Code: reason, Who: f.Company.Name}, Level: level, Company: true, Voluntary: !until.IsZero(), Until: until})
	}
	if f.Person.TwoStep {
		all = append(all, Demand{Reason: Reason{Code: ByPerson}, Level: TwoSteps, Company: true})
	}
	if f.Person.TwoStepRequired {
		company(ByAdministrator, time.Time{})
	}
	networkHolds := false
	for _, r := range f.Company.Rules.requirements(f.Person) {
		networkHolds = networkHolds || r.Mode != Off
		if r.Mode != Required || f.Now.Before(r.From) {
			continue
		}
		until := r.From.Add(r.Grace)
		if !f.Now.Before(until) {
			until = time.Time{}
		}
		company(ByCompany, until)
	}
	if networkHolds && f.Company.Rules.Network.demands(f.Network.Addr) {
		company(ByNetwork, time.Time{})
	}
	if slices.Contains(f.Company.Rules.TwoFactorProducts, f.Product.ID) {
		company(ByCompanyProduct, time.Time{})
	}
	if f.Product.RequireTwoFactors || f.Product.MinLevel > OneFactor {
		level := f.Product.MinLevel
		if f.Product.RequireTwoFactors {
			level = max(level, TwoFactors)
		}
		all = append(all, Demand{Reason: Reason{Code: ByProduct, Who: f.Product.Name}, Level: level})
	}
	// acr and mfa_time are two wishes: one being essential doesn't make the
	// other so.
	request := Reason{Code: ByRequest, Who: f.Product.Name}
	if level, known := f.Request.level(); known || f.Request.ACREssential {
		if !known {
			level = beyond
		}
		all = append(all, Demand{Reason: request, Level: level, Voluntary: !f.Request.ACREssential})
	}
	if !f.Request.MFASince.IsZero() {
		all = append(all, Demand{Reason: request, Level: TwoFactors, Since: f.Request.MFASince, Voluntary: !f.Request.MFAEssential})
	}
	for i := range all {
		all[i].Met = f.meets(f.Proofs, all[i])
	}
	return all
}

// level is the least that satisfies any of the acr values asked for; unknown
// ones are ignored.
func (r Request) level() (least Level, known bool) {
	for _, name := range r.ACRValues {
		if l, ok := ParseACR(name); ok && (!known || l < least) {
			least, known = l, true
		}
	}
	return least, known
}

func (f Facts) meets(ps Proofs, d Demand) bool {
	if d.Company {
		// A recovery code fulfils what person and company want for this one
		// session, never what a product or a request wants.
		if ps.Has(RecoveryCode) {
			return true
		}
		// Where nothing counts any more, as in a plan without second factors,
		// what a person chose for themselves still protects them.
		if d.Reason.Code == ByPerson && f.nothingCounts() {
			ps = slices.Clone(ps)
		} else {
			ps = f.Company.counting(ps)
		}
		// An e-mail code that only confirmed a network is not the second step
		// this person chose.
		if d.Reason.Code == ByPerson && !slices.Contains(f.Person.Methods, Email) {
			ps = slices.DeleteFunc(ps, func(p Proof) bool { return p.Method == Email })
		}
	}
	return ps.Level() >= d.Level && (d.Since.IsZero() || !ps.Assure(nil).MFATime.Before(d.Since))
}

// nothingCounts says that the person has no second factor that counts for the
// company, and can set up none.
func (f Facts) nothingCounts() bool {
	return len(f.settable()) == 0 && !slices.ContainsFunc(f.Person.Methods, f.Company.Allows)
}

// AlwaysTwoFactors says whether a second factor follows at every sign-in of a
// person, wherever from and whatever to: where it does, a password may be
// shorter.
func AlwaysTwoFactors(p Person, c Company) bool {
	if p.TwoStep || p.TwoStepRequired {
		return true
	}
	for _, r := range c.Rules.requirements(p) {
		if r.Mode == Required && r.From.IsZero() && r.Grace == 0 {
			return true
		}
	}
	return false
}
