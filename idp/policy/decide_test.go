package policy

import (
	"slices"
	"testing"
	"time"
)

const (
	day     = 24 * time.Hour
	hour    = time.Hour
	minutes = time.Minute
)

func TestDecide(t *testing.T) {
	for _, tt := range []struct {
		situation string
		facts     Facts
		ana       string
	}{
		// Setting up needs a fresh proof: an open session alone is not enough.
		{"she typed her password an hour ago and must set up", facts(noProofs, provedAgo(Password, hour), essential(acr2FA)),
			"is asked for password, because Take Control needs two-step verification for this request; may say Not now"},
		{"she typed it four minutes ago", facts(noProofs, provedAgo(Password, 4*minutes), essential(acr2FA)),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification for this request; may say Not now"},
		{"it was fresh when this request began", facts(noProofs, provedAgo(Password, hour), began(hour-4*minutes), essential(acr2FA)),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification for this request; may say Not now"},
		{"her authenticator was proved an hour ago and a passkey is wanted", facts(has(TOTP), provedAgo(TOTP, hour), essential("phr")),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},

		// Signing in.
		{"nobody is known yet", facts(nobody),
			"is asked for password, because not signed in"},
		{"Ana is known but has proved nothing", facts(noProofs),
			"is asked for password, because not signed in"},
		{"a password, but nobody knows whose", facts(func(f *Facts) { f.Known = false }),
			"is asked for password, because not signed in"},
		{"an authenticator code alone begins nothing", facts(noProofs, has(TOTP), proved(TOTP)),
			"is asked for password, because not signed in"},
		{"a recovery code works only together with the password", facts(noProofs, proved(RecoveryCode)),
			"is asked for password, because not signed in"},
		{"a security key that was only touched begins nothing", facts(noProofs, has(WebAuthn), touchedKey),
			"is asked for password, because not signed in"},
		{"max_age is exceeded, so what the session has doesn't count", facts(noProofs, signInAnew),
			"is asked for password, because Take Control wants a sign-in anew"},
		{"a password, and nobody wants more", facts(),
			"gets in"},
		{"a passkey that checked who she is", facts(noProofs, has(WebAuthn), usedPasskey),
			"gets in"},
		{"Take Control lets her choose an account first, whoever is signed in", facts(selectAccount, disabled, administratorRequires, asksConsent),
			"chooses an account, because Take Control wants an account to be chosen"},
		{"the same before she is known", facts(nobody, selectAccount),
			"chooses an account, because Take Control wants an account to be chosen"},
		{"Take Control needs her consent", facts(asksConsent),
			"is asked for consent, because the person hasn't agreed to what Take Control asks for"},
		{"consent comes after the proofs", facts(asksConsent, has(TOTP), ownTwoStep),
			"is asked for authenticator, because the person turned on two-step verification; a recovery code would do"},
		{"and once they are there", facts(asksConsent, has(TOTP), ownTwoStep, proved(TOTP)),
			"is asked for consent, because the person hasn't agreed to what Take Control asks for"},

		// What the plan includes.
		{"Acme requires it, and its plan has only text messages", facts(staff(Required), inPlan(SMS)),
			"sets up text message, because Acme requires two-step verification"},
		{"she has an authenticator, which the plan leaves out", facts(staff(Required), inPlan(SMS), has(TOTP), proved(TOTP)),
			"sets up text message, because Acme requires two-step verification"},
		{"the plan is a choice beside Acme's own", facts(staff(Required), inPlan(SMS, TOTP), allows(TOTP, WebAuthn)),
			"sets up authenticator, because Acme requires two-step verification"},
		{"the plan includes nothing, so what she chose herself protects her", facts(ownTwoStep, inPlan(), has(TOTP)),
			"is asked for authenticator, because the person turned on two-step verification; a recovery code would do"},
		{"and it lets her in", facts(ownTwoStep, inPlan(), has(TOTP), proved(TOTP)),
			"gets in"},
		{"what the plan leaves out doesn't count where something else does", facts(ownTwoStep, inPlan(SMS), has(TOTP, SMS), proved(TOTP)),
			"is asked for text message, because the person turned on two-step verification; a recovery code would do"},

		// What the company wants for a product.
		{"Acme wants two factors for Take Control", facts(companyWantsFor("take-control"), has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification for this product; a recovery code would do"},
		{"for another product", facts(companyWantsFor("dashboard"), has(TOTP)),
			"gets in"},
		{"an e-mail code fulfils what Acme wants, where Acme says so", facts(companyWantsFor("take-control"), emailFulfils, has(Email), proved(Email)),
			"gets in"},

		// Who may not enter at all.
		{"Ana is disabled", facts(disabled),
			"is refused, because the person is disabled"},
		{"she learns that only after her password", facts(disabled, noProofs),
			"is asked for password, because not signed in"},
		{"Acme lets people sign in only from its office; she is elsewhere", facts(signInFrom("198.51.100.0/24")),
			"is refused, because Acme allows signing in only from its networks"},
		{"she is in one of the offices", facts(signInFrom("198.51.100.0/24", "203.0.113.0/24")),
			"gets in"},
		{"she is in the office, which the proxy writes as IPv6", facts(signInFrom("203.0.113.0/24"), from("::ffff:203.0.113.7")),
			"gets in"},
		{"her address is unknown", facts(signInFrom("203.0.113.0/24"), func(f *Facts) { f.Network = Network{} }),
			"is refused, because Acme allows signing in only from its networks"},
		{"Take Control isn't for her company or kind", facts(productClosed),
			"is refused, because this person may not use Take Control"},
		{"no second factor opens it", facts(productClosed, has(TOTP), proved(TOTP)),
			"is refused, because this person may not use Take Control"},

		// 1. The person.
		{"Ana turned on two-step verification", facts(ownTwoStep, has(TOTP)),
			"is asked for authenticator, because the person turned on two-step verification; a recovery code would do"},
		{"she entered her code", facts(ownTwoStep, has(TOTP), proved(TOTP)),
			"gets in"},
		{"she can't put it off", facts(ownTwoStep, has(TOTP), notNow),
			"is asked for authenticator, because the person turned on two-step verification; a recovery code would do"},
		{"Acme demands nothing, or no longer; hers stays on", facts(ownTwoStep, has(TOTP), staff(Off)),
			"is asked for authenticator, because the person turned on two-step verification; a recovery code would do"},
		{"a backup code is offered last", facts(ownTwoStep, has(SMS, TOTP), backupCodes(3)),
			"is asked for text message, authenticator or backup code, because the person turned on two-step verification; a recovery code would do"},
		{"she used a backup code", facts(ownTwoStep, has(TOTP), proved(BackupCode)),
			"gets in"},
		{"a passkey kept for convenience isn't asked for", facts(has(WebAuthn)),
			"gets in"},
		{"her passkey was the sign-in: nothing more is asked", facts(noProofs, ownTwoStep, has(WebAuthn), usedPasskey),
			"gets in"},
		{"e-mail codes are the second step she chose", facts(ownTwoStep, has(Email)),
			"is asked for e-mail, because the person turned on two-step verification; a recovery code would do"},
		{"they are enough for what she chose herself", facts(ownTwoStep, has(Email), proved(Email)),
			"gets in"},
		{"two-step verification is on, but her last factor was taken away", facts(ownTwoStep),
			"sets up authenticator, text message, e-mail or passkey, because the person turned on two-step verification"},
		{"her backup code reset two-step verification: she sets it up at once", facts(ownTwoStep, resetByBackup),
			"sets up authenticator, text message, e-mail or passkey, because a backup code removed the second factors"},
		{"the same where others need a recovery code", facts(ownTwoStep, resetByBackup, recoveryOnly),
			"sets up authenticator, text message, e-mail or passkey, because a backup code removed the second factors"},

		// 2. An administrator for this person.
		{"an administrator requires it of Ana, who has nothing", facts(administratorRequires),
			"sets up authenticator, text message or passkey, because an administrator of Acme requires two-step verification of this person"},
		{"an administrator requires it, and she has it", facts(administratorRequires, has(TOTP)),
			"is asked for authenticator, because an administrator of Acme requires two-step verification of this person; a recovery code would do"},
		{"she can't put it off", facts(administratorRequires, notNow),
			"sets up authenticator, text message or passkey, because an administrator of Acme requires two-step verification of this person"},
		{"though Acme demands it of nobody else", facts(administratorRequires, staff(Off), has(TOTP)),
			"is asked for authenticator, because an administrator of Acme requires two-step verification of this person; a recovery code would do"},

		// 3. The company: off, optional, required; staff, clients, administrators.
		{"Acme: off", facts(staff(Off)), "gets in"},
		{"Acme: optional", facts(staff(Optional)), "gets in"},
		{"Acme: required of staff, Ana has nothing", facts(staff(Required)),
			"sets up authenticator, text message or passkey, because Acme requires two-step verification"},
		{"Acme: required of staff, Ana has it", facts(staff(Required), has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"Acme: required of staff, and she did it", facts(staff(Required), has(TOTP), proved(TOTP)),
			"gets in"},
		{"required of staff doesn't touch clients", facts(staff(Required), client), "gets in"},
		{"required of clients doesn't touch staff", facts(clients(Required)), "gets in"},
		{"required of clients", facts(clients(Required), client, has(SMS)),
			"is asked for text message, because Acme requires two-step verification; a recovery code would do"},
		{"required of administrators doesn't touch members", facts(admins(Required)), "gets in"},
		{"required of administrators", facts(admins(Required), administrator, has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"owners are administrators", facts(admins(Required), owner, has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"administrators are staff as well", facts(staff(Required), admins(Off), administrator, has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"or clients", facts(clients(Required), admins(Off), client, administrator, has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"a touched security key after the password is enough", facts(staff(Required), has(WebAuthn), touchedKey), "gets in"},
		{"two things one has are one factor, but a passkey is two", facts(noProofs, staff(Required), has(TOTP, WebAuthn), usedPasskey), "gets in"},

		// Start date and grace.
		{"required from tomorrow", facts(staffFrom(noon.Add(day), 0)), "gets in"},
		{"required from tomorrow, with grace after it", facts(staffFrom(noon.Add(day), 10*day)), "gets in"},
		{"required from this second", facts(staffFrom(noon, 0)),
			"sets up authenticator, text message or passkey, because Acme requires two-step verification"},
		{"required from yesterday, ten days' grace", facts(staffFrom(noon.Add(-day), 10*day)),
			"sets up authenticator, text message or passkey, because Acme requires two-step verification; may say Not now until 19 March"},
		{"she said Not now", facts(staffFrom(noon.Add(-day), 10*day), notNow), "gets in"},
		{"nobody can be asked (prompt=none), it is grace", facts(staffFrom(noon.Add(-day), 10*day), silent), "gets in"},
		{"grace, and she has a factor already", facts(staffFrom(noon.Add(-day), 10*day), has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do; may say Not now until 19 March"},
		{"grace has ended this second", facts(staffFrom(noon.Add(-10*day), 10*day), notNow),
			"sets up authenticator, text message or passkey, because Acme requires two-step verification"},
		{"grace for staff is none for administrators", facts(staffFrom(noon.Add(-day), 10*day), admins(Required), administrator),
			"sets up authenticator, text message or passkey, because Acme requires two-step verification"},
		{"grace puts off the company's demand, not the product's", facts(staffFrom(noon.Add(-day), 10*day), productRequires, notNow),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification to enter"},

		// 4. The network.
		{"required everywhere but the office; she is elsewhere", facts(everywhereExcept("198.51.100.0/24"), has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification from this network; a recovery code would do"},
		{"she is in the office", facts(everywhereExcept("198.51.100.0/24", "203.0.113.0/24"), has(TOTP)), "gets in"},
		{"she is in the office, written as IPv6", facts(everywhereExcept("203.0.113.0/24"), has(TOTP), from("::ffff:203.0.113.7")), "gets in"},
		{"she is in the office's IPv6", facts(everywhereExcept("203.0.113.0/24", "2001:db8:7::/48"), has(TOTP), from("2001:db8:7::1")), "gets in"},
		{"an address nobody knows is elsewhere", facts(everywhereExcept("0.0.0.0/0", "::/0"), has(TOTP), func(f *Facts) { f.Network = Network{} }),
			"is asked for authenticator, because Acme requires two-step verification from this network; a recovery code would do"},
		{"required only from the guest network; she is there", facts(onlyFrom("203.0.113.0/24"), has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification from this network; a recovery code would do"},
		{"she is there, written as IPv6", facts(onlyFrom("203.0.113.0/24"), has(TOTP), from("::ffff:203.0.113.7")),
			"is asked for authenticator, because Acme requires two-step verification from this network; a recovery code would do"},
		{"she is elsewhere", facts(onlyFrom("198.51.100.0/24"), has(TOTP)), "gets in"},
		{"she has nothing, and can't put it off", facts(onlyFrom("203.0.113.0/24"), notNow),
			"sets up authenticator, text message or passkey, because Acme requires two-step verification from this network"},
		{"off is off on every network", facts(staff(Off), onlyFrom("203.0.113.0/24"), has(TOTP)), "gets in"},
		{"an administrator is meant where either group is", facts(staff(Off), admins(Optional), administrator, onlyFrom("203.0.113.0/24"), has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification from this network; a recovery code would do"},

		// 5. The product.
		{"Take Control requires two factors; Ana has none", facts(productRequires),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification to enter"},
		{"Ana has one", facts(productRequires, has(TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"she can't put it off", facts(productRequires, has(TOTP), notNow),
			"is asked for authenticator, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"though Acme's mode is off", facts(productRequires, staff(Off), has(TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"she proved it for another product an hour ago", facts(productRequires, has(TOTP), provedAgo(TOTP, hour)), "gets in"},
		{"it lets nobody in with less than a passkey", facts(productMin(PhishingResistant), has(TOTP, WebAuthn), proved(TOTP)),
			"is asked for passkey, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"less than 2sv isn't enough, an e-mail code is", facts(productMin(TwoSteps), has(Email)),
			"is asked for e-mail, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"a password is enough where 1fa is the least", facts(productMin(OneFactor)), "gets in"},
		{"of the least for all and the demand on this company the higher counts", facts(productMin(TwoSteps), productRequires, has(Email), proved(Email)),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification to enter"},
		{"whichever of the two it is", facts(productMin(PhishingResistant), productRequires, has(TOTP, WebAuthn), proved(TOTP)),
			"is asked for passkey, because Take Control needs two-step verification to enter; a recovery code would do"},

		// 6. The request.
		{"Ana has no second factor; Take Control's request asks for 2fa", facts(prefers(acr2FA)),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification for this request; may say Not now"},
		{"she said Not now: the token says 1fa", facts(prefers(acr2FA), notNow), "gets in"},
		{"nobody can be asked (prompt=none): the same", facts(prefers(acr2FA), silent), "gets in"},
		{"she has an authenticator", facts(prefers(acr2FA), has(TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"she proved it for another remote session", facts(prefers(acr2FA), has(TOTP), provedAgo(TOTP, hour)), "gets in"},
		{"the request asks by another name", facts(prefers(refedsMFA), has(TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"by yet another name", facts(prefers(papeMFA), has(TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"names nobody knows are ignored", facts(prefers("gold", "silver"), has(TOTP)), "gets in"},
		{"one name is known", facts(prefers("gold", acr2FA), has(TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"1fa and its other name ask for nothing more", facts(prefers(refedsSFA, acr1FA), has(TOTP)), "gets in"},
		{"a passkey is preferred, an authenticator would do", facts(prefers("phr", acr2FA), has(TOTP, WebAuthn)),
			"is asked for authenticator or passkey, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"a password would do, too", facts(prefers("phr", acr1FA), has(TOTP, WebAuthn)), "gets in"},
		{"only a passkey would do", facts(prefers("phr"), has(TOTP, WebAuthn)),
			"is asked for passkey, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"only a passkey would do, and passkeys can't be set up here", facts(prefers("phr"), has(TOTP), offers(TOTP)), "gets in"},
		{"it is essential", facts(essential(acr2FA), has(TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"it is essential and she has nothing", facts(essential(acr2FA)),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification for this request; may say Not now"},
		{"it is essential and she said Not now", facts(essential(acr2FA), has(TOTP), notNow),
			"is refused, because what Take Control needs can't be met"},
		{"it is essential and she did it", facts(essential(acr2FA), has(TOTP), proved(TOTP)), "gets in"},
		{"it is essential and no page may be shown", facts(essential(acr2FA), has(TOTP), silent),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"one of several essential values is enough", facts(essential("phr", refedsMFA), has(TOTP), proved(TOTP)), "gets in"},
		{"an essential passkey that nobody can set up here", facts(essential("phr"), has(TOTP), offers(TOTP)),
			"is refused, because what Take Control needs can't be met"},
		{"an essential name that nobody knows", facts(essential("gold"), has(TOTP)),
			"is refused, because what Take Control needs can't be met"},
		{"an essential attested hardware key, which she just used", facts(essential("phrh"), noProofs, has(WebAuthn), usedHardware), "gets in"},
		{"what is stronger satisfies what is weaker", facts(essential(acr2SV), noProofs, has(WebAuthn), usedHardware), "gets in"},

		// The request: a second factor within 15 minutes (mfa_time, max_age).
		{"her code is 14 minutes old", facts(essentialFresh(15*minutes), has(TOTP), provedAgo(TOTP, 14*minutes)), "gets in"},
		{"it is exactly 15 minutes old", facts(essentialFresh(15*minutes), has(TOTP), provedAgo(TOTP, 15*minutes)), "gets in"},
		{"it is older: a new code, no new password", facts(essentialFresh(15*minutes), has(TOTP), provedAgo(TOTP, 16*minutes)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"she said Not now", facts(essentialFresh(15*minutes), has(TOTP), provedAgo(TOTP, 16*minutes), notNow),
			"is refused, because what Take Control needs can't be met"},
		{"it isn't essential, she said Not now", facts(prefersFresh(15*minutes), has(TOTP), provedAgo(TOTP, 16*minutes), notNow), "gets in"},
		{"a fresh password is no second factor", facts(essentialFresh(15*minutes), has(TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"nor is a fresh e-mail code", facts(essentialFresh(15*minutes), has(Email, TOTP), proved(Email)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"a fresh passkey is, by itself", facts(noProofs, essentialFresh(15*minutes), has(WebAuthn), usedPasskey), "gets in"},
		{"fresh is essential, a passkey only preferred: fresh comes first", facts(prefers("phr"), essentialFresh(15*minutes), has(TOTP), provedAgo(TOTP, hour)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"then the passkey is offered", facts(prefers("phr"), essentialFresh(15*minutes), has(TOTP), proved(TOTP)),
			"sets up passkey, because Take Control needs two-step verification for this request; may say Not now"},
		{"and may be put off", facts(prefers("phr"), essentialFresh(15*minutes), has(TOTP), proved(TOTP), notNow), "gets in"},
		{"2fa is essential, fresh only preferred, she said Not now", facts(essential(acr2FA), prefersFresh(15*minutes), has(TOTP), provedAgo(TOTP, hour), notNow), "gets in"},

		// The strictest wins.
		{"person and company: the company asks for more", facts(ownTwoStep, staff(Required), has(Email, TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"person and request: the request asks for more", facts(ownTwoStep, essentialFresh(15*minutes), has(Email, TOTP)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"administrator, company, network and product alike: the first is named", facts(administratorRequires, staff(Required), onlyFrom("203.0.113.0/24"), productRequires, has(TOTP)),
			"is asked for authenticator, because an administrator of Acme requires two-step verification of this person; a recovery code would do"},
		{"company, network and product alike", facts(staff(Required), onlyFrom("203.0.113.0/24"), productRequires, has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"network and product alike", facts(onlyFrom("203.0.113.0/24"), productRequires, has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification from this network; a recovery code would do"},
		{"what can't be put off beats what can, though that is more", facts(staff(Required), prefers("phr"), has(TOTP, WebAuthn)),
			"is asked for authenticator or passkey, because Acme requires two-step verification; a recovery code would do"},
		{"a passkey for the product beats two factors for the company", facts(staff(Required), productMin(PhishingResistant), has(TOTP, WebAuthn)),
			"is asked for passkey, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"one passkey fulfils all at once", facts(ownTwoStep, administratorRequires, staff(Required), onlyFrom("203.0.113.0/24"), productMin(PhishingResistant), essential("phr"), essentialFresh(minutes), has(TOTP, WebAuthn), usedPasskey),
			"gets in"},

		// E-mail codes.
		{"an e-mail code isn't two factors", facts(staff(Required), has(Email), proved(Email)),
			"sets up authenticator, text message or passkey, because Acme requires two-step verification"},
		{"unless Acme says it is enough for itself", facts(emailFulfils, staff(Required), has(Email), proved(Email)), "gets in"},
		{"then it is offered", facts(emailFulfils, staff(Required), has(Email, TOTP)),
			"is asked for e-mail or authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"and can be set up", facts(emailFulfils, staff(Required)),
			"sets up authenticator, text message, e-mail or passkey, because Acme requires two-step verification"},
		{"it is enough for Acme's administrator", facts(emailFulfils, administratorRequires, has(Email), proved(Email)), "gets in"},
		{"and for Acme's network", facts(emailFulfils, onlyFrom("203.0.113.0/24"), has(Email), proved(Email)), "gets in"},
		{"never for the product", facts(emailFulfils, productRequires, has(Email, TOTP), proved(Email)),
			"is asked for authenticator, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"never for the request", facts(emailFulfils, essential(acr2FA), has(Email, TOTP), proved(Email)),
			"is asked for authenticator, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"unless the request asks for no more than that", facts(essential(acr2SV), has(Email), proved(Email)), "gets in"},

		// Recovery codes.
		{"Ana has lost her phone and got a recovery code: enough for her own", facts(ownTwoStep, has(TOTP), proved(RecoveryCode), setUpLater), "gets in"},
		{"for the administrator", facts(administratorRequires, has(TOTP), proved(RecoveryCode), setUpLater), "gets in"},
		{"for the company", facts(staff(Required), has(TOTP), proved(RecoveryCode), setUpLater), "gets in"},
		{"for the network", facts(onlyFrom("203.0.113.0/24"), has(TOTP), proved(RecoveryCode), setUpLater), "gets in"},
		{"never for the product", facts(productRequires, has(TOTP), proved(RecoveryCode), setUpLater),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification to enter"},
		{"never for the request", facts(essential(acr2FA), has(TOTP), proved(RecoveryCode), setUpLater),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification for this request; may say Not now"},
		{"nor as a fresh second factor", facts(essentialFresh(15*minutes), has(TOTP), proved(RecoveryCode), setUpLater),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification for this request; may say Not now"},
		{"but first she is asked to set up anew", facts(ownTwoStep, has(TOTP), proved(RecoveryCode)),
			"sets up authenticator, text message, e-mail or passkey, because the person signed in with a recovery code; may say Not now"},
		{"at once where Acme wants it so", facts(ownTwoStep, recoveryMustSetUp, has(TOTP), proved(RecoveryCode)),
			"sets up authenticator, text message, e-mail or passkey, because the person signed in with a recovery code"},
		{"with what Acme allows", facts(ownTwoStep, allows(WebAuthn), has(TOTP), proved(RecoveryCode)),
			"sets up passkey, because the person signed in with a recovery code; may say Not now"},
		{"nor at the very moment", facts(func(f *Facts) { f.Began = time.Time{} }, ownTwoStep, has(TOTP), proved(RecoveryCode)), "gets in"},
		{"not at her next product in the same session", facts(ownTwoStep, has(TOTP), provedAgo(Password, hour), provedAgo(RecoveryCode, hour)), "gets in"},
		{"where nothing can be set up here she gets in", facts(ownTwoStep, has(TOTP), offers(), proved(RecoveryCode)), "gets in"},
		{"a network is confirmed first", facts(newNetwork, has(TOTP), proved(RecoveryCode)),
			"confirms by e-mail, because a network this person hasn't signed in from before"},
		{"an hour later a product asks: what she lost is asked for", facts(productRequires, has(TOTP), provedAgo(RecoveryCode, hour)),
			"is asked for authenticator, because Take Control needs two-step verification to enter; a recovery code would do"},

		// Where a single backup code resets two-step verification.
		{"the code is offered beside what she has", facts(backupCodeResets, ownTwoStep, has(TOTP), backupCodes(1)),
			"is asked for authenticator or backup code, because the person turned on two-step verification; a recovery code would do"},
		{"to a product's demand too", facts(backupCodeResets, productRequires, has(TOTP), backupCodes(1)),
			"is asked for authenticator or backup code, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"not where nothing can be set up", facts(backupCodeResets, offers(), ownTwoStep, has(TOTP), backupCodes(1)),
			"is asked for authenticator, because the person turned on two-step verification; a recovery code would do"},
		{"used, setting up follows at once, though nobody demands anything any more", facts(backupCodeResets, resetByBackup),
			"sets up authenticator, text message, e-mail or passkey, because a backup code removed the second factors"},
		{"even from a network to be confirmed", facts(backupCodeResets, newNetwork, resetByBackup),
			"sets up authenticator, text message, e-mail or passkey, because a backup code removed the second factors"},
		{"but nobody gets around being disabled", facts(backupCodeResets, disabled, resetByBackup), "is refused, because the person is disabled"},

		// Hardware keys.
		{"phrh is asked for, and she has such a key", facts(attests, hardwareKey, has(WebAuthn), essential("phrh")),
			"is asked for passkey, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"her key is another: she proves it and sets up one that will do", facts(attests, has(WebAuthn), essential("phrh")),
			"is asked for passkey, because Take Control needs two-step verification for this request; a recovery code would do; may say Not now"},
		{"having proved it", facts(attests, has(WebAuthn), essential("phrh"), usedPasskey),
			"sets up passkey, because Take Control needs two-step verification for this request; may say Not now"},
		{"nothing here can tell a hardware key", facts(has(WebAuthn), essential("phrh"), usedPasskey),
			"is refused, because what Take Control needs can't be met"},
		{"with the hardware key itself", facts(attests, has(WebAuthn), essential("phrh"), usedHardware), "gets in"},

		// A passkey where the company doesn't count it.
		{"Acme counts only authenticators: a passkey doesn't begin a sign-in", facts(noProofs, allows(TOTP), has(WebAuthn), usedPasskey),
			"is asked for password, because not signed in"},
		{"her password does", facts(allows(TOTP), has(WebAuthn), usedPasskey), "gets in"},
		{"it lets her set up another factor without the lost one", facts(productMin(PhishingResistant), has(TOTP), proved(RecoveryCode), setUpLater),
			"sets up passkey, because Take Control needs two-step verification to enter"},

		// Companies where nobody sets up a factor without a recovery code.
		{"Acme requires it, only with a recovery code; Ana has nothing", facts(recoveryOnly, staff(Required)),
			"is asked for recovery code, because Acme requires two-step verification"},
		{"she got one from the owner", facts(recoveryOnly, staff(Required), proved(RecoveryCode), setUpLater), "gets in"},
		{"who has a factor uses it", facts(recoveryOnly, staff(Required), has(TOTP)),
			"is asked for authenticator, because Acme requires two-step verification; a recovery code would do"},
		{"who must because of the product needs one, too", facts(recoveryOnly, productRequires),
			"is asked for recovery code, because Take Control needs two-step verification to enter"},
		{"with it she sets up what the product needs", facts(recoveryOnly, productRequires, proved(RecoveryCode), setUpLater),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification to enter"},
		{"who must because of the request, too, or says Not now", facts(recoveryOnly, essential(acr2FA)),
			"is asked for recovery code, because Take Control needs two-step verification for this request; may say Not now"},
		{"nothing is asked of who needn't", facts(recoveryOnly), "gets in"},

		// Methods, and who may set up another.
		{"Ana has an authenticator, a passkey is needed: first she proves the one she has", facts(productMin(PhishingResistant), has(TOTP), backupCodes(2)),
			"is asked for authenticator or backup code, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"then she sets up the other", facts(productMin(PhishingResistant), has(TOTP), proved(TOTP)),
			"sets up passkey, because Take Control needs two-step verification to enter"},
		{"a backup code proves it as well", facts(productMin(PhishingResistant), has(TOTP), proved(BackupCode)),
			"sets up passkey, because Take Control needs two-step verification to enter"},
		{"an e-mail code doesn't, while she has an authenticator", facts(productMin(PhishingResistant), has(Email, TOTP), proved(Email)),
			"is asked for authenticator, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"all she has is e-mail: first she proves that", facts(productRequires, has(Email)),
			"is asked for e-mail, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"then she sets up two factors", facts(productRequires, has(Email), proved(Email)),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification to enter"},
		{"a backup code is never what she is asked for first", facts(productRequires, has(Email), backupCodes(5)),
			"is asked for e-mail or backup code, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"unless it is the only thing that helps", facts(productRequires, has(Email), backupCodes(5), offers(Email)),
			"is asked for backup code, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"no backup codes are left", facts(productRequires, has(TOTP), backupCodes(0)),
			"is asked for authenticator, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"backup codes without a factor are not asked for", facts(productRequires, backupCodes(5)),
			"sets up authenticator, text message or passkey, because Take Control needs two-step verification to enter"},
		{"Acme allows passkeys alone", facts(staff(Required), allows(WebAuthn)),
			"sets up passkey, because Acme requires two-step verification"},
		{"of what she has, only that is asked for", facts(staff(Required), allows(WebAuthn), has(SMS, WebAuthn)),
			"is asked for passkey, because Acme requires two-step verification; a recovery code would do"},
		{"text messages no longer count for Acme: she proves hers once more", facts(staff(Required), allows(WebAuthn), has(SMS), backupCodes(5)),
			"is asked for text message or backup code, because Acme requires two-step verification; a recovery code would do"},
		{"and sets up a passkey", facts(staff(Required), allows(WebAuthn), has(SMS), proved(SMS)),
			"sets up passkey, because Acme requires two-step verification"},
		{"a backup code stands in for what Acme allows", facts(staff(Required), allows(TOTP), has(TOTP), backupCodes(2)),
			"is asked for authenticator or backup code, because Acme requires two-step verification; a recovery code would do"},
		{"for the product text messages still count", facts(productRequires, allows(WebAuthn), has(SMS)),
			"is asked for text message, because Take Control needs two-step verification to enter; a recovery code would do"},
		{"nothing that Acme allows can be set up here", facts(staff(Required), allows(WebAuthn), offers(TOTP)),
			"is refused, because what Acme needs can't be met"},

		// A network not seen before.
		{"Ana was never here before", facts(newNetwork),
			"confirms by e-mail, because a network this person hasn't signed in from before"},
		{"she confirmed it", facts(newNetwork, proved(Email)), "gets in"},
		{"she was here before", facts(newNetwork, func(f *Facts) { f.Network.New = false }), "gets in"},
		{"Acme doesn't check", facts(newNetwork, func(f *Facts) { f.Company.Rules.NewNetworkCheck = false }), "gets in"},
		{"a second factor that isn't asked for spares nobody", facts(newNetwork, spared, has(TOTP)), "confirms by e-mail, because a network this person hasn't signed in from before"},
		{"she has a second factor and is spared", facts(newNetwork, spared, ownTwoStep, has(TOTP), proved(TOTP)), "gets in"},
		{"without a second factor nobody is spared", facts(newNetwork, spared),
			"confirms by e-mail, because a network this person hasn't signed in from before"},
		{"a second factor alone spares nobody", facts(newNetwork, has(TOTP), proved(TOTP)),
			"confirms by e-mail, because a network this person hasn't signed in from before"},
		{"it comes before the second factor", facts(newNetwork, ownTwoStep, has(TOTP)),
			"confirms by e-mail, because a network this person hasn't signed in from before"},
		{"which it doesn't replace", facts(newNetwork, ownTwoStep, has(TOTP), proved(Email)),
			"is asked for authenticator, because the person turned on two-step verification; a recovery code would do"},
		{"unless Acme says an e-mail code is enough for itself", facts(newNetwork, emailFulfils, staff(Required), has(TOTP), proved(Email)), "gets in"},
		{"nor does it spare setting one up", facts(newNetwork, ownTwoStep, proved(Email)),
			"sets up authenticator, text message, e-mail or passkey, because the person turned on two-step verification"},
	} {
		if got := inWords(Decide(tt.facts)); got != tt.ana {
			t.Errorf("%s:\n got Ana %s\nwant Ana %s", tt.situation, got, tt.ana)
		}
	}
}

// What explain shows: everybody who wanted something, in the order of the
// rules, and whether they have it.
func TestDemandsOfADecision(t *testing.T) {
	everybody := []fact{ownTwoStep, administratorRequires, staff(Required), onlyFrom("203.0.113.0/24"), productMin(PhishingResistant), essential("phrh"), essentialFresh(minutes), has(TOTP)}
	for _, tt := range []struct {
		situation string
		facts     Facts
		met       []ReasonCode
		unmet     []ReasonCode
	}{
		{"nobody wants anything", facts(), nil, nil},
		{"nobody is known", facts(append(everybody, nobody)...), nil, nil},
		{"a password", facts(everybody...), nil,
			[]ReasonCode{ByPerson, ByAdministrator, ByCompany, ByNetwork, ByProduct, ByRequest, ByRequest}},
		{"an authenticator code", facts(append(everybody, proved(TOTP))...),
			[]ReasonCode{ByPerson, ByAdministrator, ByCompany, ByNetwork, ByRequest}, []ReasonCode{ByProduct, ByRequest}},
		{"a recovery code", facts(append(everybody, proved(RecoveryCode), setUpLater)...),
			[]ReasonCode{ByPerson, ByAdministrator, ByCompany, ByNetwork}, []ReasonCode{ByProduct, ByRequest, ByRequest}},
		{"a hardware key", facts(append(everybody, usedHardware)...),
			[]ReasonCode{ByPerson, ByAdministrator, ByCompany, ByNetwork, ByProduct, ByRequest, ByRequest}, nil},
	} {
		var met, unmet []ReasonCode
		for _, d := range Decide(tt.facts).Demands {
			if d.Met {
				met = append(met, d.Reason.Code)
			} else {
				unmet = append(unmet, d.Reason.Code)
			}
		}
		if !slices.Equal(met, tt.met) || !slices.Equal(unmet, tt.unmet) {
			t.Errorf("%s: met %q, want %q; unmet %q, want %q", tt.situation, met, tt.met, unmet, tt.unmet)
		}
	}
}

// A demand that no name of ours expresses can be shown, too.
func TestDemandForAnUnknownNameHasNoACR(t *testing.T) {
	demands := Decide(facts(essential("gold"))).Demands
	if len(demands) != 1 || demands[0].Level.ACR() != "" || demands[0].Met {
		t.Errorf("got %+v, want one unmet demand without an acr", demands)
	}
}

// What the token of a passed sign-in says is what was proved, whoever was
// satisfied with it.
func TestAssuranceOfAPassedSignIn(t *testing.T) {
	for _, tt := range []struct {
		situation string
		facts     Facts
		acr       string
	}{
		{"Not now", facts(prefers(acr2FA), notNow), acr1FA},
		{"prompt=none", facts(prefers(acr2FA), silent), acr1FA},
		{"an e-mail code that is enough for the company stays 2sv", facts(emailFulfils, staff(Required), has(Email), proved(Email)), acr2SV},
		{"a recovery code stays 1fa", facts(staff(Required), has(TOTP), proved(RecoveryCode), setUpLater), acr1FA},
		{"an alias is echoed", facts(prefers(refedsMFA), has(TOTP), proved(TOTP)), refedsMFA},
		{"the most preferred that is satisfied", facts(prefers("phr", papeMFA, acr1FA), has(TOTP), proved(TOTP)), papeMFA},
		{"an unknown name isn't", facts(prefers("gold"), has(TOTP), proved(TOTP)), acr2FA},
	} {
		if d := Decide(tt.facts); d.Do != Pass {
			t.Errorf("%s: Ana %s", tt.situation, inWords(d))
		}
		if got := tt.facts.Assurance().ACR; got != tt.acr {
			t.Errorf("%s: acr %s, want %s", tt.situation, got, tt.acr)
		}
	}
}

func TestReasonInWords(t *testing.T) {
	for _, tt := range []struct {
		reason Reason
		want   string
	}{
		{Reason{}, ""},
		{Reason{Code: ByCompany, Who: "100 % Acme"}, "100 % Acme requires two-step verification"},
		{Reason{Code: PersonDisabled, Who: "Take Control"}, "the person is disabled"},
		{Reason{Code: GrantRevoked}, "the grant was revoked"},
		{Reason{Code: ByProduct}, "nobody needs two-step verification to enter"},
		{Reason{Code: "something new", Who: "Acme"}, "something new"},
	} {
		if got := tt.reason.String(); got != tt.want {
			t.Errorf("%+v in words: %q, want %q", tt.reason, got, tt.want)
		}
	}
}

func TestMayChange(t *testing.T) {
	for _, tt := range []struct {
		situation string
		facts     Facts
		ask       []Method
	}{
		{"her password, just now, and nothing else to prove", facts(), nil},
		{"six minutes ago", facts(noProofs, provedAgo(Password, 6*minutes)), []Method{Password}},
		{"an app, proved four minutes ago", facts(has(TOTP), provedAgo(TOTP, 4*minutes)), nil},
		{"an app, not proved", facts(has(TOTP)), []Method{TOTP}},
		{"or a backup code", facts(has(TOTP), backupCodes(3)), []Method{TOTP, BackupCode}},
		{"which will do", facts(has(TOTP), backupCodes(3), proved(BackupCode)), nil},
		{"e-mail codes are all she has", facts(has(Email)), []Method{Email}},
		{"and she entered one", facts(has(Email), proved(Email)), nil},
		{"with something better an e-mail code is not enough", facts(has(Email, SMS), proved(Email)), []Method{SMS}},
		{"an owner's recovery code is", facts(has(TOTP), proved(RecoveryCode)), nil},
	} {
		if ask, ok := tt.facts.MayChange(); !slices.Equal(ask, tt.ask) || ok != (len(tt.ask) == 0) {
			t.Errorf("%s: asks for %v, may %v", tt.situation, ask, ok)
		}
	}
}

func TestBackupCodesMade(t *testing.T) {
	if n := (Rules{}).BackupCodesMade(); n != 10 {
		t.Errorf("by default %d", n)
	}
	if n := (Rules{BackupCodes: 5}).BackupCodesMade(); n != 5 {
		t.Errorf("%d", n)
	}
}
