package policy_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/idp/policy"
)

const (
	acr1FA = "urn:sallyport:acr:1fa"
	acr2SV = "urn:sallyport:acr:2sv"
	acr2FA = "urn:sallyport:acr:2fa"
)

// entra is what Microsoft Entra's external authentication methods understand.
var entra = policy.ClaimProfile{
	ACR: map[string]string{acr2FA: "possessionorinherence", "phr": "possessionorinherence", "phrh": "possessionorinherence"},
	AMR: map[string]string{"pwd": "", "mfa": "", "user": "", "backup_code": "", "hwk": "fido", "swk": "fido", "pop": "fido"},
}

func TestClaimProfileSays(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	password := policy.Proof{Method: policy.Password, At: at}
	app := policy.Proof{Method: policy.TOTP, At: at.Add(time.Minute)}
	text := policy.Proof{Method: policy.SMS, At: at.Add(2 * time.Minute)}
	key := policy.Proof{Method: policy.WebAuthn, At: at.Add(3 * time.Minute), UserVerified: true, Key: policy.KeyHardware}
	for name, c := range map[string]struct {
		profile policy.ClaimProfile
		proofs  policy.Proofs
		asked   []string
		acr     string
		amr     []string
		times   map[string]int64
	}{
		"none":              {policy.ClaimProfile{}, policy.Proofs{password, app}, nil, acr2FA, []string{"pwd", "otp", "mfa"}, map[string]int64{"pwd": 0, "otp": 60, "mfa": 60}},
		"app to Entra":      {entra, policy.Proofs{password, app}, nil, "possessionorinherence", []string{"otp"}, map[string]int64{"otp": 60}},
		"text to Entra":     {entra, policy.Proofs{password, text}, nil, "possessionorinherence", []string{"sms"}, map[string]int64{"sms": 120}},
		"key to Entra":      {entra, policy.Proofs{password, key}, nil, "possessionorinherence", []string{"fido"}, map[string]int64{"fido": 180}},
		"password to Entra": {entra, policy.Proofs{password}, nil, acr1FA, []string{}, map[string]int64{}},
		"by an alias": {policy.ClaimProfile{ACR: map[string]string{"https://refeds.org/profile/mfa": ""}}, policy.Proofs{password, app}, nil,
			"", []string{"pwd", "otp", "mfa"}, map[string]int64{"pwd": 0, "otp": 60, "mfa": 60}},
		"asked for an alias": {entra, policy.Proofs{password, app}, []string{"https://refeds.org/profile/mfa"}, "possessionorinherence", []string{"otp"}, map[string]int64{"otp": 60}},
		"a weaker level of ours": {policy.ClaimProfile{ACR: map[string]string{"phrh": acr2FA}, AMR: map[string]string{"hwk": "swk"}}, policy.Proofs{key}, nil,
			acr2FA, []string{"pop", "user", "swk", "mfa"}, map[string]int64{"pop": 180, "user": 180, "swk": 180, "mfa": 180}},
		// What Check refuses is left out, should it get here nevertheless.
		"stronger": {policy.ClaimProfile{ACR: map[string]string{acr1FA: acr2FA}, AMR: map[string]string{"pwd": "hwk"}}, policy.Proofs{password}, nil,
			"", []string{}, map[string]int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.proofs.Assure(c.asked)
			said := c.profile.Say(a)
			times := map[string]int64{}
			for value, seconds := range c.times {
				times[value] = at.Unix() + seconds
			}
			if said.ACR != c.acr || !slices.Equal(said.AMR, c.amr) || cmp.Diff(times, said.AMRTimes) != "" {
				t.Errorf("acr %q, amr %q at %v", said.ACR, said.AMR, said.AMRTimes)
			}
			if said.Level != a.Level || said.AuthTime != a.AuthTime || said.MFATime != a.MFATime {
				t.Errorf("the sign-in changed from %+v to %+v", a, said)
			}
		})
	}
}

func TestClaimProfileAsked(t *testing.T) {
	for _, c := range []struct{ asked, want []string }{
		{nil, nil},
		{[]string{"possessionorinherence"}, []string{acr2FA}}, // the lowest of three
		{[]string{"phr", "possessionorinherence", "urn:else"}, []string{"phr", acr2FA, "urn:else"}},
		{[]string{"knowledge"}, []string{"knowledge"}},
	} {
		if got := entra.Asked(c.asked); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q", c.asked, got)
		}
	}
	// Who maps a lower level to a word doesn't make it easier to earn.
	wrong := policy.ClaimProfile{ACR: map[string]string{acr1FA: "possessionorinherence"}}
	if got := wrong.Asked([]string{"possessionorinherence"}); got[0] != "possessionorinherence" {
		t.Errorf("%q", got)
	}
}

func TestClaimProfileCheck(t *testing.T) {
	if problems := entra.Check(); problems != nil {
		t.Errorf("%+v", problems)
	}
	for _, good := range []policy.ClaimProfile{
		{}, {ACR: map[string]string{acr1FA: "knowledgeorpossession", acr2SV: acr1FA, "phr": "https://refeds.org/profile/mfa", "phrh": "phr"}},
		{AMR: map[string]string{"otp": "otp", "sms": "", "hwk": "pop"}},
	} {
		if problems := good.Check(); problems != nil {
			t.Errorf("%+v: %+v", good, problems)
		}
	}
	for _, c := range []struct {
		profile      policy.ClaimProfile
		claim, value string
	}{
		{policy.ClaimProfile{ACR: map[string]string{acr1FA: acr2FA}}, "acr", acr1FA},
		{policy.ClaimProfile{ACR: map[string]string{acr2SV: "https://refeds.org/profile/mfa"}}, "acr", acr2SV},
		{policy.ClaimProfile{ACR: map[string]string{acr2SV: "possession"}}, "acr", acr2SV},
		{policy.ClaimProfile{ACR: map[string]string{acr2FA: "knowledge"}}, "acr", acr2FA},
		{policy.ClaimProfile{ACR: map[string]string{"phrh": "inherence"}}, "acr", "phrh"},
		{policy.ClaimProfile{ACR: map[string]string{acr2FA: "aal3"}}, "acr", acr2FA},
		{policy.ClaimProfile{ACR: map[string]string{"2fa": ""}}, "acr", "2fa"},
		{policy.ClaimProfile{ACR: map[string]string{acr2FA: "", "https://refeds.org/profile/mfa": ""}}, "acr", acr2FA},
		{policy.ClaimProfile{AMR: map[string]string{"sms": "otp"}}, "amr", "sms"},
		{policy.ClaimProfile{AMR: map[string]string{"email": "otp"}}, "amr", "email"},
		{policy.ClaimProfile{AMR: map[string]string{"swk": "hwk"}}, "amr", "swk"},
		{policy.ClaimProfile{AMR: map[string]string{"pop": "hwk"}}, "amr", "pop"},
		{policy.ClaimProfile{AMR: map[string]string{"user": "fpt"}}, "amr", "user"},
		{policy.ClaimProfile{AMR: map[string]string{"pwd": "mfa"}}, "amr", "pwd"},
		{policy.ClaimProfile{AMR: map[string]string{"recovery_code": "backup_code"}}, "amr", "recovery_code"},
		{policy.ClaimProfile{AMR: map[string]string{"face": ""}}, "amr", "face"},
	} {
		problems := c.profile.Check()
		if len(problems) != 1 || problems[0].Claim != c.claim || problems[0].Wrong == "" || problems[0].Write == "" {
			t.Errorf("%+v: %+v", c.profile, problems)
		}
		if len(c.profile.ACR) < 2 && len(problems) == 1 && problems[0].Value != c.value {
			t.Errorf("%+v: %+v", c.profile, problems)
		}
	}
}

// Whatever a profile says, right or wrong: no value of acr or amr comes out
// that is worth more than what was proved, by a reading of the words that
// doesn't share the profile's table.
func TestClaimProfileNeverStrengthens(t *testing.T) {
	worth := map[string]policy.Level{
		"knowledge": policy.PhishingResistant + 9, "inherence": policy.PhishingResistant + 9, "aal3": policy.PhishingResistant + 9,
		"possession": policy.TwoFactors, "possessionorinherence": policy.TwoFactors,
		"knowledgeorpossession": policy.OneFactor, "knowledgeorinherence": policy.OneFactor, "knowledgeorpossessionorinherence": policy.OneFactor,
	}
	words := slices.Collect(maps.Keys(worth))
	for _, level := range []policy.Level{policy.OneFactor, policy.TwoSteps, policy.TwoFactors, policy.PhishingResistant, policy.HardwareKey} {
		worth[level.ACR()] = level
		words = append(words, level.ACR())
	}
	amr := []string{"pwd", "otp", "sms", "email", "backup_code", "recovery_code", "pop", "user", "swk", "hwk", "mfa", "fido", "face", "fpt", "sc", "tel", "kba"}
	key := func(v string) int { return slices.Index([]string{"fido", "pop", "swk", "hwk"}, v) }
	var all []policy.Proofs
	for _, m := range []policy.Proof{{Method: policy.TOTP}, {Method: policy.SMS}, {Method: policy.Email}, {Method: policy.BackupCode}, {Method: policy.RecoveryCode},
		{Method: policy.WebAuthn}, {Method: policy.WebAuthn, UserVerified: true, Key: policy.KeySynced}, {Method: policy.WebAuthn, UserVerified: true, Key: policy.KeyHardware}} {
		all = append(all, policy.Proofs{{Method: policy.Password}, m}, policy.Proofs{m})
	}
	for _, proofs := range append(all, policy.Proofs{{Method: policy.Password}}) {
		a := proofs.Assure(nil)
		for _, to := range words {
			said := policy.ClaimProfile{ACR: map[string]string{a.ACR: to}}.Say(a)
			if said.ACR != "" && worth[said.ACR] > a.Level {
				t.Errorf("%v is worth %q and is said to be %q", proofs, a.ACR, said.ACR)
			}
		}
		for _, from := range a.AMR {
			for _, to := range amr {
				for _, v := range (policy.ClaimProfile{AMR: map[string]string{from: to}}).Say(a).AMR {
					known := slices.Contains(a.AMR, v) || key(v) >= 0 && slices.ContainsFunc(a.AMR, func(have string) bool { return key(have) >= key(v) })
					if !known {
						t.Errorf("%v has amr %v and is said to have %s", proofs, a.AMR, v)
					}
				}
			}
		}
	}
}
