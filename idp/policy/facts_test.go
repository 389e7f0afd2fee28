package policy

import (
	"net/netip"
	"strings"
	"time"
)

// The tests' world: Ana works at Acme and enters Take Control on a Tuesday at
// noon from 203.0.113.7. She typed her password; the instance offers four
// methods. A fact changes something about that.

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const (
	acr1FA    = "urn:sallyport:acr:1fa"
	acr2SV    = "urn:sallyport:acr:2sv"
	acr2FA    = "urn:sallyport:acr:2fa"
	refedsSFA = "https://refeds.org/profile/sfa"
	refedsMFA = "https://refeds.org/profile/mfa"
	papeMFA   = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
)

type fact func(*Facts)

func facts(changes ...fact) Facts {
	f := Facts{
		Now:     noon,
		Began:   noon,
		Known:   true,
		Person:  Person{Kind: Staff, Role: Member},
		Company: Company{Name: "Acme"},
		Product: Product{ID: "take-control", Name: "Take Control"},
		Network: Network{Addr: netip.MustParseAddr("203.0.113.7")},
		Proofs:  Proofs{{Method: Password, At: noon}},
		Offered: []Method{TOTP, SMS, Email, WebAuthn},
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

// What Ana did.

func nobody(f *Facts) { f.Known, f.Person, f.Company, f.Proofs = false, Person{}, Company{}, nil }

func noProofs(f *Facts) { f.Proofs = nil }

func proved(m Method) fact { return provedAgo(m, 0) }

func provedAgo(m Method, ago time.Duration) fact {
	return did(Proof{Method: m, At: noon.Add(-ago)})
}

func did(p Proof) fact {
	return func(f *Facts) {
		if p.At.IsZero() {
			p.At = noon
		}
		f.Proofs = append(f.Proofs, p)
	}
}

var (
	touchedKey    = did(Proof{Method: WebAuthn})
	usedPasskey   = did(Proof{Method: WebAuthn, UserVerified: true})
	usedHardware  = did(Proof{Method: WebAuthn, UserVerified: true, Key: KeyHardware})
	resetByBackup = did(Proof{Method: BackupCode, Resets: true})
)

// began: the request began a while ago.
func began(ago time.Duration) fact { return func(f *Facts) { f.Began = noon.Add(-ago) } }

func notNow(f *Facts) { f.NotNow = true }

func setUpLater(f *Facts) { f.SetUpLater = true }

// What Ana has.

func has(methods ...Method) fact { return func(f *Facts) { f.Person.Methods = methods } }

func backupCodes(left int) fact { return func(f *Facts) { f.Person.BackupCodesLeft = left } }

// ownTwoStep: Ana turned on two-step verification for her own sign-ins.
func ownTwoStep(f *Facts) { f.Person.TwoStep = true }

func client(f *Facts)        { f.Person.Kind = Client }
func administrator(f *Facts) { f.Person.Role = Administrator }
func owner(f *Facts)         { f.Person.Role = Owner }
func disabled(f *Facts)      { f.Person.Disabled = true }

// What her company says.

func administratorRequires(f *Facts) { f.Person.TwoStepRequired = true }

func staff(m Mode) fact   { return func(f *Facts) { f.Company.Rules.Staff.Mode = m } }
func clients(m Mode) fact { return func(f *Facts) { f.Company.Rules.Clients.Mode = m } }
func admins(m Mode) fact  { return func(f *Facts) { f.Company.Rules.Administrators.Mode = m } }

// staffFrom: required of staff since a moment, with grace after it.
func staffFrom(from time.Time, grace time.Duration) fact {
	return func(f *Facts) { f.Company.Rules.Staff = Requirement{Mode: Required, From: from, Grace: grace} }
}

func allows(methods ...Method) fact { return func(f *Facts) { f.Company.Rules.Methods = methods } }
func emailFulfils(f *Facts)         { f.Company.Rules.EmailCodeFulfils = true }
func recoveryOnly(f *Facts)         { f.Company.Rules.RecoveryOnly = true }
func recoveryMustSetUp(f *Facts)    { f.Company.Rules.RecoveryMustSetUp = true }
func backupCodeResets(f *Facts) {
	f.Company.Rules.BackupCodes, f.Company.Rules.BackupCodeResets = 1, true
}

func everywhereExcept(ranges ...string) fact {
	return func(f *Facts) { f.Company.Rules.Network = NetworkRule{EverywhereExcept, prefixes(ranges)} }
}

func onlyFrom(ranges ...string) fact {
	return func(f *Facts) { f.Company.Rules.Network = NetworkRule{OnlyFrom, prefixes(ranges)} }
}

func signInFrom(ranges ...string) fact {
	return func(f *Facts) { f.Company.Rules.SignInFrom = prefixes(ranges) }
}

func prefixes(ranges []string) (out []netip.Prefix) {
	for _, r := range ranges {
		out = append(out, netip.MustParsePrefix(r))
	}
	return out
}

func from(addr string) fact { return func(f *Facts) { f.Network.Addr = netip.MustParseAddr(addr) } }

func inPlan(methods ...Method) fact {
	return func(f *Facts) { f.Company.Plan = append(Plan{}, methods...) }
}

// companyWantsFor: Acme demands two factors in some products.
func companyWantsFor(products ...string) fact {
	return func(f *Facts) { f.Company.Rules.TwoFactorProducts = products }
}

// newNetwork: Ana was never here before, and Acme wants to know.
func newNetwork(f *Facts) { f.Company.Rules.NewNetworkCheck, f.Network.New = true, true }

func spared(f *Facts) { f.Person.SkipNewNetworkCheck = true }

// What the product and its request say.

func productClosed(f *Facts)      { f.Product.Closed = true }
func productRequires(f *Facts)    { f.Product.RequireTwoFactors = true }
func productMin(level Level) fact { return func(f *Facts) { f.Product.MinLevel = level } }

// prefers is acr_values, essential the acr claim with essential.
func prefers(values ...string) fact { return func(f *Facts) { f.Request.ACRValues = values } }

func essential(values ...string) fact {
	return func(f *Facts) { f.Request.ACRValues, f.Request.ACREssential = values, true }
}

// prefersFresh and essentialFresh are the mfa_time claim with max_age.
func prefersFresh(maxAge time.Duration) fact {
	return func(f *Facts) { f.Request.MFASince = noon.Add(-maxAge) }
}

func essentialFresh(maxAge time.Duration) fact {
	return func(f *Facts) { f.Request.MFASince, f.Request.MFAEssential = noon.Add(-maxAge), true }
}

func signInAnew(f *Facts)    { f.Request.SignInAnew = true }
func selectAccount(f *Facts) { f.ChooseAccount = true }
func asksConsent(f *Facts)   { f.AskConsent = true }
func silent(f *Facts)        { f.Silent = true }

func attests(f *Facts) { f.Attests = true }

func hardwareKey(f *Facts) { f.Person.HardwareKey = true }

func offers(methods ...Method) fact { return func(f *Facts) { f.Offered = methods } }

// inWords is a decision as one would say it. Whatever is set is said, so a
// comparison of words compares everything but the demands.
func inWords(d Decision) string {
	say := map[Action]string{
		Pass: "gets in", Prove: "is asked for", Enrol: "sets up", Confirm: "confirms by",
		Consent: "is asked for consent", ChooseAccount: "chooses an account", Refuse: "is refused",
	}[d.Do]
	for i, m := range d.Methods {
		switch {
		case i == 0:
			say += " "
		case i == len(d.Methods)-1:
			say += " or "
		default:
			say += ", "
		}
		say += map[Method]string{
			Password: "password", TOTP: "authenticator", SMS: "text message", Email: "e-mail", WebAuthn: "passkey",
			BackupCode: "backup code", RecoveryCode: "recovery code",
		}[m]
	}
	if why := d.Reason.String(); why != "" {
		say += ", because " + why
	}
	if d.Recovery {
		say += "; a recovery code would do"
	}
	if d.Later {
		say += "; may say Not now"
	}
	if !d.Until.IsZero() {
		say += " until " + d.Until.Format("2 January")
	}
	return strings.TrimSpace(say)
}
