package policy

import (
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"testing/quick"
	"time"
)

// situation is a random one of all that can be.
type situation struct{ Facts Facts }

// Generate implements [quick.Generator]: one fact of each kind, most of them
// the harmless one listed first.
func (situation) Generate(r *rand.Rand, _ int) reflect.Value {
	usually := func(changes ...fact) fact {
		if r.Intn(2) == 0 {
			return changes[0]
		}
		return changes[r.Intn(len(changes))]
	}
	nothing := func(*Facts) {}
	all := []Method{TOTP, SMS, Email, WebAuthn}
	some := func() []Method {
		var out []Method
		for _, i := range r.Perm(len(all))[:r.Intn(len(all)+1)] {
			out = append(out, all[i])
		}
		return out
	}
	f := facts(
		usually(nothing, noProofs),
		usually(nothing, touchedKey, usedPasskey, usedHardware),
		usually(nothing, proved(TOTP), provedAgo(TOTP, hour), proved(SMS)),
		usually(nothing, proved(Email), provedAgo(Email, hour)),
		usually(nothing, proved(BackupCode), resetByBackup, proved(RecoveryCode)),
		has(some()...), backupCodes(r.Intn(3)),
		usually(nothing, ownTwoStep), usually(nothing, administratorRequires),
		usually(nothing, client), usually(nothing, administrator, owner),
		usually(nothing, staff(Off), staff(Required), staffFrom(noon.Add(day), 0), staffFrom(noon.Add(-day), 10*day)),
		usually(nothing, clients(Off), clients(Required)),
		usually(nothing, admins(Off), admins(Required)),
		usually(nothing, onlyFrom("203.0.113.0/24"), onlyFrom("198.51.100.0/24"), everywhereExcept("203.0.113.0/24"), everywhereExcept("198.51.100.0/24")),
		usually(nothing, signInFrom("203.0.113.0/24"), signInFrom("198.51.100.0/24")),
		usually(nothing, inPlan(some()...)), usually(nothing, companyWantsFor("take-control")),
		usually(nothing, allows(some()...)), usually(nothing, offers(some()...)),
		usually(nothing, emailFulfils), usually(nothing, recoveryOnly), usually(nothing, newNetwork), usually(nothing, spared),
		usually(nothing, productRequires, productMin(TwoSteps), productMin(PhishingResistant)),
		usually(nothing, prefers(acr2FA), prefers("phr", refedsMFA), prefers("gold"), essential(acr2SV), essential(papeMFA), essential("gold", "phr"), essential("phrh"), essential("gold")),
		usually(nothing, prefersFresh(15*minutes), essentialFresh(15*minutes), essentialFresh(2*hour)),
		usually(nothing, asksConsent), usually(nothing, selectAccount), usually(nothing, signInAnew),
		usually(nothing, disabled, productClosed, nobody),
		usually(nothing, notNow, silent),
	)
	f.Person.Methods = slices.DeleteFunc(f.Person.Methods, func(m Method) bool {
		return f.Proofs.any(func(p Proof) bool { return p.Resets }) // that is what resetting does
	})
	return reflect.ValueOf(situation{f})
}

// always checks a property in many random situations, the same in every run.
func always(t *testing.T, property func(f Facts) bool) {
	t.Helper()
	err := quick.Check(func(s situation) bool { return property(s.Facts) },
		&quick.Config{MaxCount: 20000, Rand: rand.New(rand.NewSource(1))})
	if failed, ok := err.(*quick.CheckError); ok {
		f := failed.In[0].(situation).Facts
		t.Fatalf("try %d: Ana %s\nin %+v", failed.Count, inWords(Decide(f)), f)
	} else if err != nil {
		t.Fatal(err)
	}
}

// What nobody who passes can lack, said without the list of demands.
func TestWhoPassesHasAllThatIsNeeded(t *testing.T) {
	passed := 0
	always(t, func(f Facts) bool {
		d := Decide(f)
		if d.Do != Pass {
			return true
		}
		passed++
		level, says := f.Proofs.Level(), f.Assurance()
		for _, d := range d.Demands {
			if !d.Voluntary && !d.Met {
				return false
			}
		}
		recovered := f.Proofs.Has(RecoveryCode)
		company := TwoFactors
		if f.Company.Rules.EmailCodeFulfils {
			company = TwoSteps
		}
		own := f.Company.Rules.Staff
		if f.Person.Kind == Client {
			own = f.Company.Rules.Clients
		}
		requiredSince := own.Mode == Required && !own.From.Add(own.Grace).After(f.Now)
		switch {
		case f.Person.Disabled, f.Product.Closed, f.ChooseAccount, f.AskConsent, !f.Proofs.Has(Password, WebAuthn):
			return false
		case f.Product.RequireTwoFactors && level < TwoFactors, level < f.Product.MinLevel:
			return false
		case f.Request.ACREssential && !slices.Contains(f.Request.ACRValues, says.ACR):
			return false
		case f.Request.MFAEssential && (says.MFATime.IsZero() || says.MFATime.Before(f.Request.MFASince)):
			return false
		case f.Person.TwoStep && !recovered && level < TwoFactors && !(level == TwoSteps && slices.Contains(f.Person.Methods, Email)):
			return false
		case (f.Person.TwoStepRequired || requiredSince) && !recovered && level < company:
			return false
		}
		return true
	})
	if passed < 1000 {
		t.Errorf("only %d situations passed: the property was hardly tried", passed)
	}
}

func TestEveryDecisionSaysWhyAndHow(t *testing.T) {
	always(t, func(f Facts) bool {
		d := Decide(f)
		how := len(d.Methods) > 0
		switch d.Do {
		case Pass:
			return !how && d.Reason == Reason{} && !d.Later
		case Prove, Enrol, Confirm:
			return how && d.Reason.String() != ""
		case Consent, ChooseAccount, Refuse:
			return !how && d.Reason.String() != "" && !d.Later
		}
		return false
	})
}

func TestOnlyWhatIsThereIsAskedFor(t *testing.T) {
	always(t, func(f Facts) bool {
		d := Decide(f)
		for i, m := range d.Methods {
			has, last := slices.Contains(f.Person.Methods, m), i == len(d.Methods)-1
			allowed := len(f.Company.Rules.Methods) == 0 || slices.Contains(f.Company.Rules.Methods, m)
			switch {
			case slices.Index(d.Methods, m) != i:
				return false
			case d.Do == Enrol && (has && !startsOver(f) || !allowed || !slices.Contains(f.Offered, m)):
				return false
			case d.Do == Prove && m == BackupCode && (!last || f.Person.BackupCodesLeft == 0):
				return false
			case d.Do == Prove && m == RecoveryCode && (!f.Company.Rules.RecoveryOnly || len(f.Person.Methods) > 0):
				return false
			case d.Do == Prove && !has && m != BackupCode && m != RecoveryCode && m != Password:
				return false
			}
		}
		return true
	})
}

// startsOver: what is enrolled was lost, or has just been removed.
func startsOver(f Facts) bool {
	return f.Proofs.Has(RecoveryCode) || f.Proofs.any(func(p Proof) bool { return p.Resets })
}

// A person who has a factor never sets up another without having proved one.
func TestWhoHasAFactorProvesItBeforeAddingAnother(t *testing.T) {
	always(t, func(f Facts) bool {
		proved := f.Proofs.Has(f.Person.Methods...) || f.Proofs.Has(BackupCode, RecoveryCode)
		return Decide(f).Do != Enrol || len(f.Person.Methods) == 0 || proved
	})
}

// Whatever a person chooses of what is offered, the way ends, and nothing is
// asked for twice.
func TestEveryWayEnds(t *testing.T) {
	choices := rand.New(rand.NewSource(2))
	always(t, func(f Facts) bool {
		type question struct {
			Action
			Method
		}
		asked := make(map[question]bool)
		for {
			d := Decide(f)
			var m Method
			if len(d.Methods) > 0 {
				m = d.Methods[choices.Intn(len(d.Methods))]
				if asked[question{d.Do, m}] {
					return false
				}
				asked[question{d.Do, m}] = true
			}
			switch d.Do {
			case Pass, Refuse:
				return true
			case Prove, Confirm:
				if m == "" {
					return false
				}
				if d.Do == Confirm {
					f.Network.New = false // it is known from now on
				}
			case ChooseAccount:
				f.ChooseAccount = false
			case Consent:
				f.AskConsent = false
			case Enrol:
				f.Person.Methods = append(slices.Clone(f.Person.Methods), m)
				if startsOver(f) { // and signs in anew
					f.Person.Methods, f.Proofs = []Method{m}, Proofs{{Method: Password, At: f.Now}}
				}
			}
			if m == Password {
				f.Known = true
			}
			if m != "" {
				f.Proofs = f.Proofs.With(Proof{Method: m, At: f.Now, UserVerified: m == WebAuthn})
			}
		}
	})
}

// One more proof never makes a decision worse.
func TestAProofMoreNeverShutsADoor(t *testing.T) {
	always(t, func(f Facts) bool {
		if Decide(f).Do != Pass {
			return true
		}
		for _, p := range proofsNamed {
			p.At = f.Now
			g := f
			g.Proofs = f.Proofs.With(p)
			g.SetUpLater = p.Method == RecoveryCode
			if p.Resets {
				continue // setting up follows at once
			}
			if Decide(g).Do != Pass {
				return false
			}
		}
		return true
	})
}

func TestWhatIsVoluntaryNeverStandsInTheWay(t *testing.T) {
	always(t, func(f Facts) bool {
		f.Request.ACREssential, f.Request.MFAEssential = false, false
		without := f
		without.Request = Request{SignInAnew: f.Request.SignInAnew}
		for _, put := range []fact{notNow, silent} {
			put(&f)
			put(&without)
			if a, b := Decide(f), Decide(without); a.Do != b.Do || a.Reason != b.Reason {
				return false
			}
		}
		return true
	})
}

func TestDecideChangesNoFacts(t *testing.T) {
	always(t, func(f Facts) bool {
		proofs, methods := slices.Clone(f.Proofs), slices.Clone(f.Person.Methods)
		first, again := Decide(f), Decide(f)
		return reflect.DeepEqual(first, again) && slices.Equal(f.Proofs, proofs) && slices.Equal(f.Person.Methods, methods)
	})
}

// A stronger level satisfies every weaker demand, by product and by request,
// and no level a stronger one.
func TestAStrongerLevelSatisfiesEveryWeakerDemand(t *testing.T) {
	worth := map[Level]string{
		OneFactor: "password", TwoSteps: "password + email", TwoFactors: "password + totp",
		PhishingResistant: "password + key", HardwareKey: "password + hardware key",
	}
	for earned, proofs := range worth {
		for wanted := range worth {
			for _, name := range acrNames[wanted] {
				f := facts(essential(name), productMin(wanted))
				f.Now, f.Proofs = noon.Add(time.Hour), proofsOf(t, proofs)
				if passes := Decide(f).Do == Pass; passes != (earned >= wanted) {
					t.Errorf("%s for %s: passes %v", proofs, name, passes)
				}
			}
		}
	}
}
