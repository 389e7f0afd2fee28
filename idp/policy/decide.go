package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Facts are all that a decision about a sign-in depends on.
type Facts struct {
	Now time.Time
	// Began is when this request began; zero: now.
	Began time.Time
	// Known says who the person is, if anybody said so yet.
	Known   bool
	Person  Person
	Company Company
	Product Product
	Network Network
	Request Request
	// Proofs that count: those of the sign-in, and those of the session unless
	// the request wants a sign-in anew.
	Proofs Proofs
	// Offered are the methods that can be set up on this instance.
	Offered []Method
	// ChooseAccount: prompt=select_account and not yet chosen.
	ChooseAccount bool
	// AskConsent: the product needs a consent that wasn't given.
	AskConsent bool
	// NotNow: the person put off what the request asked for.
	NotNow bool
	// SetUpLater: the person signed in with a recovery code and put off setting
	// up a second factor.
	SetUpLater bool
	// Attests says that this instance can tell a hardware-bound key from others.
	Attests bool
	// Silent: no page may be shown (prompt=none).
	Silent bool
}

// Kinds and roles of people.
const (
	Staff         = "staff"
	Client        = "client"
	Member        = "member"
	Administrator = "administrator"
	Owner         = "owner"
)

// Person is what matters about a person.
type Person struct {
	Kind, Role string
	Disabled   bool
	// TwoStep is the person's own wish; TwoStepRequired an administrator's.
	TwoStep, TwoStepRequired bool
	// Methods are the second factors enrolled, the preferred one first.
	Methods         []Method
	BackupCodesLeft int
	// HardwareKey: one of the keys is an attested hardware key.
	HardwareKey bool
	// SkipNewNetworkCheck spares a person with a second factor that check.
	SkipNewNetworkCheck bool
}

// Product is what is being signed in to.
type Product struct {
	ID, Name string
	// Closed to this person: not their company's or kind's.
	Closed            bool
	RequireTwoFactors bool
	// MinLevel is the least to enter with.
	MinLevel Level
}

// Network is where the person is.
type Network struct {
	Addr netip.Addr
	// New: the person never signed in from there.
	New bool
}

// Request is what the authorization request asks for.
type Request struct {
	// ACRValues in order of preference.
	ACRValues    []string
	ACREssential bool
	// MFASince is the oldest second-factor proof that is recent enough; zero
	// where the request doesn't say (mfa_time with max_age).
	MFASince     time.Time
	MFAEssential bool
	// SignInAnew: the request wants a full sign-in though a session runs.
	SignInAnew bool
}

// Action is what must happen next.
type Action string

const (
	Pass          Action = "pass"
	Prove         Action = "prove"   // any one of Methods
	Enrol         Action = "enrol"   // any one of Methods
	Confirm       Action = "confirm" // by e-mail: a network not seen before
	Consent       Action = "consent"
	ChooseAccount Action = "choose account"
	Refuse        Action = "refuse"
)

// ReasonCode names who wants something, or why it is refused.
type ReasonCode string

const (
	NoReason         ReasonCode = ""
	ByPerson         ReasonCode = "person"
	ByAdministrator  ReasonCode = "administrator"
	ByCompany        ReasonCode = "company"
	ByNetwork        ReasonCode = "network"
	ByCompanyProduct ReasonCode = "company for product"
	ByProduct        ReasonCode = "product"
	ByRequest        ReasonCode = "request"
	NotSignedIn      ReasonCode = "not signed in"
	SignInAnew       ReasonCode = "sign in anew"
	NewNetwork       ReasonCode = "new network"
	PersonDisabled   ReasonCode = "person disabled"
	OutsideNetworks  ReasonCode = "outside the company's networks"
	ProductClosed    ReasonCode = "product closed to person"
	AccountNotChosen ReasonCode = "account not chosen"
	ConsentNotGiven  ReasonCode = "consent not given"
	Unmet            ReasonCode = "unmet"
	ByBackupReset    ReasonCode = "backup code reset"
	ByRecovery       ReasonCode = "recovery code"
	SessionEnded     ReasonCode = "session ended"
	GrantRevoked     ReasonCode = "grant revoked"
	MachineNetworks  ReasonCode = "machine networks missing"
	OutsideMachines  ReasonCode = "outside the machine networks"
)

// Reason is why, with the company or product whose wish it is.
type Reason struct {
	Code ReasonCode
	Who  string
}

var reasonWords = map[ReasonCode]string{
	ByPerson:         "the person turned on two-step verification",
	ByAdministrator:  "an administrator of %s requires two-step verification of this person",
	ByCompany:        "%s requires two-step verification",
	ByNetwork:        "%s requires two-step verification from this network",
	ByCompanyProduct: "%s requires two-step verification for this product",
	ByProduct:        "%s needs two-step verification to enter",
	ByRequest:        "%s needs two-step verification for this request",
	NotSignedIn:      "not signed in",
	SignInAnew:       "%s wants a sign-in anew",
	NewNetwork:       "a network this person hasn't signed in from before",
	PersonDisabled:   "the person is disabled",
	OutsideNetworks:  "%s allows signing in only from its networks",
	ProductClosed:    "this person may not use %s",
	AccountNotChosen: "%s wants an account to be chosen",
	ConsentNotGiven:  "the person hasn't agreed to what %s asks for",
	Unmet:            "what %s needs can't be met",
	ByBackupReset:    "a backup code removed the second factors",
	ByRecovery:       "the person signed in with a recovery code",
	SessionEnded:     "the session has ended",
	GrantRevoked:     "the grant was revoked",
	MachineNetworks:  "%s requires two-step verification and names no networks from which its API clients may call",
	OutsideMachines:  "%s lets its API clients call from other networks only",
}

// String is the reason in words for operators: audit, log, explain.
func (r Reason) String() string {
	words, ok := reasonWords[r.Code]
	if !ok {
		return string(r.Code)
	}
	if r.Who == "" {
		r.Who = "nobody"
	}
	if strings.Contains(words, "%") {
		return fmt.Sprintf(words, r.Who)
	}
	return words
}

// Decision is what must happen next, and why.
type Decision struct {
	Do      Action
	Methods []Method
	Reason  Reason
	// Later: it can be put off, until Until where that isn't zero.
	Later bool
	Until time.Time
	// Recovery: an owner's recovery code would do too.
	Recovery bool
	// Demands are all that were considered, for explain.
	Demands []Demand
}

// Decide says what must happen next in a sign-in.
func Decide(f Facts) Decision {
	d := decide(f)
	if f.Known {
		d.Demands = demands(f)
	}
	return d
}

func decide(f Facts) Decision {
	if f.ChooseAccount {
		return Decision{Do: ChooseAccount, Reason: Reason{Code: AccountNotChosen, Who: f.Product.Name}}
	}
	// A passkey begins a sign-in only where the company lets it count.
	if !f.Known || !f.Company.counting(f.Proofs).Primary() {
		reason := Reason{Code: NotSignedIn}
		if f.Request.SignInAnew {
			reason = Reason{Code: SignInAnew, Who: f.Product.Name}
		}
		return Decision{Do: Prove, Methods: []Method{Password}, Reason: reason}
	}
	if reason, refused := f.refused(); refused {
		return Decision{Do: Refuse, Reason: reason}
	}
	if f.inThisRequest().any(func(p Proof) bool { return p.Resets }) && len(f.settable()) > 0 {
		return Decision{Do: Enrol, Methods: f.settable(), Reason: Reason{Code: ByBackupReset}}
	}
	if f.needsConfirmation() {
		return Decision{Do: Confirm, Methods: []Method{Email}, Reason: Reason{Code: NewNetwork}}
	}
	if f.inThisRequest().Has(RecoveryCode) && (!f.SetUpLater || f.Company.Rules.RecoveryMustSetUp) && len(f.settable()) > 0 {
		return Decision{Do: Enrol, Methods: f.settable(), Reason: Reason{Code: ByRecovery}, Later: !f.Company.Rules.RecoveryMustSetUp}
	}
	if d, unmet := strictestUnmet(f); unmet {
		return f.act(d)
	}
	if f.AskConsent {
		return Decision{Do: Consent, Reason: Reason{Code: ConsentNotGiven, Who: f.Product.Name}}
	}
	return Decision{Do: Pass}
}

func (f Facts) refused() (Reason, bool) {
	switch {
	case f.Person.Disabled:
		return Reason{Code: PersonDisabled}, true
	case len(f.Company.Rules.SignInFrom) > 0 && !within(f.Company.Rules.SignInFrom, f.Network.Addr):
		return Reason{Code: OutsideNetworks, Who: f.Company.Name}, true
	case f.Product.Closed:
		return Reason{Code: ProductClosed, Who: f.Product.Name}, true
	}
	return Reason{}, false
}

func (f Facts) needsConfirmation() bool {
	// A factor that isn't asked for at sign-in stands in for nothing.
	spared := f.Person.SkipNewNetworkCheck && len(f.Person.Methods) > 0 && AlwaysTwoFactors(f.Person, f.Company)
	return f.Company.Rules.NewNetworkCheck && f.Network.New && !spared && !f.inThisRequest().Has(Email)
}

// strictestUnmet is the unmet demand that wins: one that can't be put off
// before one that can, then the higher level, then the order of the list.
func strictestUnmet(f Facts) (worst Demand, found bool) {
	for _, d := range demands(f) {
		if d.Met || d.Voluntary && (f.NotNow || f.Silent || !f.possible(d)) {
			continue
		}
		if !found || worst.Voluntary && !d.Voluntary || worst.Voluntary == d.Voluntary && d.Level > worst.Level {
			worst, found = d, true
		}
	}
	return worst, found
}

// inThisRequest are the proofs made since the request began; none where it
// begins just now.
func (f Facts) inThisRequest() Proofs {
	if f.Began.IsZero() {
		return nil
	}
	return f.Proofs.Since(f.Began)
}

// fresh are the proofs made since shortly before the request began, so that
// they don't run out while the person is setting up.
func (f Facts) fresh() Proofs { return f.Proofs.Since(f.began().Add(-FreshFor)) }

func (f Facts) began() time.Time {
	if f.Began.IsZero() {
		return f.Now
	}
	return f.Began
}

// possible says whether anything the person has or can set up meets a demand.
func (f Facts) possible(d Demand) bool { return len(f.ways(d)) > 0 || len(f.enrollable(d)) > 0 }

// ways are the enrolled methods that would meet a demand.
func (f Facts) ways(d Demand) []Method {
	var out []Method
	for _, m := range f.second() {
		if f.meets(f.Proofs.With(f.proofOf(m)), d) || m == BackupCode && f.Company.Rules.BackupCodeResets && len(f.settable()) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// second are the second factors the person can prove; a backup code is last,
// as it is never the default.
func (f Facts) second() []Method {
	out := slices.Clone(f.Person.Methods)
	if len(out) > 0 && f.Person.BackupCodesLeft > 0 {
		out = append(out, BackupCode)
	}
	return out
}

// FreshFor is how old the strongest proof at hand may be where somebody
// changes how they sign in: an open session alone must not be enough.
const FreshFor = 5 * time.Minute

// proveFirst are the methods of which one must be proved, freshly, before a
// factor is set up: one of those enrolled, or the password where there are
// none; nothing where that was done. E-mail is enough only for a person who
// has nothing better.
func (f Facts) proveFirst() []Method {
	mail := func(m Method) bool { return m == Email }
	out := f.second()
	if better := slices.DeleteFunc(slices.Clone(f.Person.Methods), mail); len(better) > 0 {
		out = slices.DeleteFunc(out, mail)
	}
	switch fresh := f.fresh(); {
	case fresh.Has(BackupCode, RecoveryCode):
		return nil
	case len(out) == 0 && !fresh.Primary():
		return []Method{Password}
	case fresh.Has(out...):
		return nil
	}
	return out
}

// MayChange says whether a person may change now how they sign in: the
// strongest factor at hand was proved within [FreshFor]. Where not, ask says
// by what.
func (f Facts) MayChange() (ask []Method, ok bool) {
	ask = f.proveFirst()
	return ask, len(ask) == 0
}

// settable are the methods that can be set up here and count for the company.
func (f Facts) settable() []Method {
	return slices.DeleteFunc(slices.Clone(f.Offered), func(m Method) bool { return !f.Company.Allows(m) })
}

// enrollable are the methods that would meet a demand once set up. Another of
// a kind helps only where the one there is was lost, or is a lesser key.
func (f Facts) enrollable(d Demand) []Method {
	lost := f.fresh().Has(RecoveryCode)
	var out []Method
	for _, m := range f.settable() {
		then := f
		then.Person.Methods = append(slices.Clone(f.Person.Methods), m)
		proof := f.proofOf(m)
		if m == WebAuthn && f.Attests {
			proof.Key = KeyHardware
		}
		again := lost || m == WebAuthn && d.Level == HardwareKey
		if (again || !slices.Contains(f.Person.Methods, m)) && then.meets(f.Proofs.With(proof), d) {
			out = append(out, m)
		}
	}
	return out
}

// proofOf is what proving an enrolled method would add.
func (f Facts) proofOf(m Method) Proof {
	p := Proof{Method: m, At: f.Now, UserVerified: m == WebAuthn, Resets: m == BackupCode && f.Company.Rules.BackupCodeResets}
	if m == WebAuthn && f.Person.HardwareKey {
		p.Key = KeyHardware
	}
	return p
}

// act says what to do about an unmet demand.
func (f Facts) act(d Demand) Decision {
	if d.Reason.Code == ByRequest && f.NotNow {
		return Decision{Do: Refuse, Reason: Reason{Code: Unmet, Who: d.Reason.Who}}
	}
	// Only what a product's request asks for, and what has a grace period, can
	// be put off.
	later, until := d.Voluntary || d.Reason.Code == ByRequest, d.Until
	// Where a product or request demands it, a recovery code helps only to set
	// up anew.
	recovery := len(f.Person.Methods) > 0 && (d.Company || len(f.settable()) > 0)
	ask := func(do Action, methods []Method) Decision {
		return Decision{Do: do, Methods: methods, Reason: d.Reason, Later: later, Until: until, Recovery: do == Prove && recovery}
	}
	ways, enrollable, first := f.ways(d), f.enrollable(d), f.proveFirst()
	switch {
	// Who came in with a recovery code has lost what is enrolled.
	case f.fresh().Has(RecoveryCode) && len(enrollable) > 0:
		return ask(Enrol, enrollable)
	// Backup codes alone are asked for only where setting up can't help.
	case len(ways) > 0 && (ways[0] != BackupCode || len(enrollable) == 0):
		return ask(Prove, ways)
	case len(enrollable) == 0:
		return Decision{Do: Refuse, Reason: Reason{Code: Unmet, Who: d.Reason.Who}}
	case len(first) > 0:
		return ask(Prove, first)
	case f.Company.Rules.RecoveryOnly && len(f.Person.Methods) == 0 && !f.Proofs.Has(BackupCode, RecoveryCode):
		return ask(Prove, []Method{RecoveryCode})
	}
	return ask(Enrol, enrollable)
}

// Assurance is what tokens of a passed decision say.
func (f Facts) Assurance() Assurance { return f.Proofs.Assure(f.Request.ACRValues) }
