package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// proofsNamed are all kinds of proofs.
var proofsNamed = map[string]Proof{
	"password":         {Method: Password},
	"totp":             {Method: TOTP},
	"sms":              {Method: SMS},
	"email":            {Method: Email},
	"key":              {Method: WebAuthn},
	"synced key":       {Method: WebAuthn, Key: KeySynced},
	"hardware key":     {Method: WebAuthn, Key: KeyHardware},
	"passkey":          {Method: WebAuthn, UserVerified: true},
	"synced passkey":   {Method: WebAuthn, UserVerified: true, Key: KeySynced},
	"hardware passkey": {Method: WebAuthn, UserVerified: true, Key: KeyHardware},
	"backup":           {Method: BackupCode},
	"resetting backup": {Method: BackupCode, Resets: true},
	"recovery":         {Method: RecoveryCode},
}

// proofsOf reads "password + totp": one proof a minute, the first at noon.
func proofsOf(t *testing.T, names string) Proofs {
	t.Helper()
	var ps Proofs
	for i, name := range strings.Split(names, " + ") {
		p, ok := proofsNamed[name]
		if !ok {
			t.Fatalf("no proof is called %q", name)
		}
		p.At = minute(i)
		ps = append(ps, p)
	}
	return ps
}

func minute(i int) time.Time { return noon.Add(time.Duration(i) * time.Minute) }

func TestAssure(t *testing.T) {
	const never = -1
	for _, tt := range []struct {
		proofs string
		acr    string
		amr    string
		// The minutes of auth_time and mfa_time.
		auth, mfa int
	}{
		// Each alone.
		{"password", acr1FA, "pwd", 0, never},
		{"totp", acr1FA, "otp", never, never},
		{"sms", acr1FA, "sms", never, never},
		{"email", acr1FA, "email", never, never},
		{"key", acr1FA, "pop user", never, never},
		{"synced key", acr1FA, "pop user swk", never, never},
		{"hardware key", acr1FA, "pop user hwk", never, never},
		{"passkey", "phr", "pop user mfa", 0, 0},
		{"synced passkey", "phr", "pop user swk mfa", 0, 0},
		{"hardware passkey", "phrh", "pop user hwk mfa", 0, 0},
		{"backup", acr1FA, "backup_code", never, never},
		{"resetting backup", "", "backup_code", never, never},
		{"recovery", "", "recovery_code", never, never},

		// After a password.
		{"password + totp", acr2FA, "pwd otp mfa", 0, 1},
		{"password + sms", acr2FA, "pwd sms mfa", 0, 1},
		{"password + email", acr2SV, "pwd email", 0, never},
		{"password + key", "phr", "pwd pop user mfa", 0, 1},
		{"password + synced key", "phr", "pwd pop user swk mfa", 0, 1},
		{"password + hardware key", "phrh", "pwd pop user hwk mfa", 0, 1},
		{"password + passkey", "phr", "pwd pop user mfa", 1, 1},
		{"password + hardware passkey", "phrh", "pwd pop user hwk mfa", 1, 1},
		{"password + backup", acr2FA, "pwd backup_code mfa", 0, 1},
		{"password + resetting backup", acr1FA, "pwd backup_code", 0, never},
		{"password + recovery", acr1FA, "pwd recovery_code", 0, never},

		// Pairs without one.
		{"totp + sms", acr1FA, "otp sms", never, never},
		{"totp + email", acr1FA, "otp email", never, never},
		{"totp + key", acr1FA, "otp pop user", never, never},
		{"totp + hardware key", acr1FA, "otp pop user hwk", never, never},
		{"totp + backup", acr1FA, "otp backup_code", never, never},
		{"totp + recovery", acr1FA, "otp recovery_code", never, never},
		{"sms + email", acr1FA, "sms email", never, never},
		{"sms + key", acr1FA, "sms pop user", never, never},
		{"sms + backup", acr1FA, "sms backup_code", never, never},
		{"sms + recovery", acr1FA, "sms recovery_code", never, never},
		{"email + key", acr1FA, "email pop user", never, never},
		{"email + backup", acr1FA, "email backup_code", never, never},
		{"email + recovery", acr1FA, "email recovery_code", never, never},
		{"key + backup", acr1FA, "pop user backup_code", never, never},
		{"key + recovery", acr1FA, "pop user recovery_code", never, never},
		{"backup + recovery", acr1FA, "backup_code recovery_code", never, never},
		{"resetting backup + recovery", "", "backup_code recovery_code", never, never},

		// A passkey is the sign-in; what comes after it is later proof.
		{"passkey + password", "phr", "pop user pwd mfa", 1, 0},
		{"passkey + totp", "phr", "pop user otp mfa", 0, 1},
		{"passkey + email", "phr", "pop user email mfa", 0, 0},
		{"passkey + recovery", "phr", "pop user recovery_code mfa", 0, 0},

		// Three.
		{"password + totp + sms", acr2FA, "pwd otp sms mfa", 0, 2},
		{"password + totp + email", acr2FA, "pwd otp email mfa", 0, 1},
		{"password + email + totp", acr2FA, "pwd email otp mfa", 0, 2},
		{"password + totp + recovery", acr2FA, "pwd otp recovery_code mfa", 0, 1},
		{"password + email + recovery", acr2SV, "pwd email recovery_code", 0, never},
		{"password + resetting backup + email", acr2SV, "pwd backup_code email", 0, never},
		{"password + resetting backup + totp", acr2FA, "pwd backup_code otp mfa", 0, 2},
		{"password + totp + key", "phr", "pwd otp pop user mfa", 0, 2},
		{"password + totp + password", acr2FA, "pwd otp mfa", 2, 1},
		{"password + totp + totp", acr2FA, "pwd otp mfa", 0, 2},
		{"totp + sms + email", acr1FA, "otp sms email", never, never},
		{"passkey + synced passkey + hardware key", "phr", "pop user swk hwk mfa", 1, 2},
		{"passkey + hardware key + password", "phrh", "pop user hwk pwd mfa", 2, 1},
		{"hardware passkey + synced passkey", "phrh", "pop user hwk swk mfa", 1, 1},
	} {
		a := proofsOf(t, tt.proofs).Assure(nil)
		if a.ACR != tt.acr || a.ACR != a.Level.ACR() {
			t.Errorf("%s: acr %q at level %d, want %q", tt.proofs, a.ACR, a.Level, tt.acr)
		}
		if got := strings.Join(a.AMR, " "); got != tt.amr {
			t.Errorf("%s: amr %q, want %q", tt.proofs, got, tt.amr)
		}
		for name, times := range map[string]struct {
			got  time.Time
			want int
		}{"auth_time": {a.AuthTime, tt.auth}, "mfa_time": {a.MFATime, tt.mfa}} {
			if want := times.want; want == never && !times.got.IsZero() || want != never && !times.got.Equal(minute(want)) {
				t.Errorf("%s: %s %v, want minute %d", tt.proofs, name, times.got, want)
			}
		}
	}
}

func TestAMRTimesAreTheLatest(t *testing.T) {
	for _, tt := range []struct {
		proofs string
		want   map[string]int
	}{
		{"password", map[string]int{"pwd": 0}},
		{"password + email", map[string]int{"pwd": 0, "email": 1}},
		{"password + totp", map[string]int{"pwd": 0, "otp": 1, "mfa": 1}},
		{"password + totp + sms", map[string]int{"pwd": 0, "otp": 1, "sms": 2, "mfa": 2}},
		{"password + totp + totp", map[string]int{"pwd": 0, "otp": 2, "mfa": 2}},
		{"totp + password", map[string]int{"otp": 0, "pwd": 1, "mfa": 0}},
		{"passkey + password", map[string]int{"pop": 0, "user": 0, "mfa": 0, "pwd": 1}},
		{"hardware passkey + synced passkey", map[string]int{"pop": 1, "user": 1, "hwk": 0, "swk": 1, "mfa": 1}},
		{"password + recovery", map[string]int{"pwd": 0, "recovery_code": 1}},
	} {
		want := make(map[string]int64)
		for value, i := range tt.want {
			want[value] = minute(i).Unix()
		}
		if got := proofsOf(t, tt.proofs).Assure(nil).AMRTimes; !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", tt.proofs, got, want)
		}
	}

	// Whatever the order in which they are listed.
	ps := proofsOf(t, "password + totp + totp")
	slices.Reverse(ps)
	if a := ps.Assure(nil); !a.MFATime.Equal(minute(2)) || a.AMRTimes["otp"] != minute(2).Unix() {
		t.Errorf("mfa_time %v, otp %d: want those of the later code", a.MFATime, a.AMRTimes["otp"])
	}
}

func TestAnswer(t *testing.T) {
	for _, tt := range []struct {
		level Level
		asked string
		want  string
	}{
		{TwoFactors, "", acr2FA},
		{TwoFactors, acr2FA, acr2FA},
		{TwoFactors, refedsMFA, refedsMFA},
		{TwoFactors, papeMFA, papeMFA},
		{TwoFactors, refedsMFA + " " + acr2FA, refedsMFA},
		{TwoFactors, acr2FA + " " + refedsMFA, acr2FA},
		{TwoFactors, "phr " + papeMFA, papeMFA},
		{TwoFactors, "gold " + papeMFA, papeMFA},
		{TwoFactors, "gold", acr2FA},
		{TwoFactors, "phr", acr2FA},
		{TwoFactors, acr1FA + " " + acr2FA, acr1FA},
		{TwoSteps, refedsMFA, acr2SV},
		{TwoSteps, acr2FA + " " + papeMFA, acr2SV},
		{TwoSteps, acr2SV, acr2SV},
		{OneFactor, refedsSFA, refedsSFA},
		{OneFactor, acr2SV + " " + refedsSFA, refedsSFA},
		{OneFactor, refedsMFA, acr1FA},
		{PhishingResistant, refedsMFA, refedsMFA},
		{PhishingResistant, "phrh phr", "phr"},
		{PhishingResistant, "phrh", "phr"},
		{HardwareKey, "phr", "phr"},
		{HardwareKey, "phrh", "phrh"},
		{None, acr1FA, ""},
		{None, "", ""},
	} {
		if got := tt.level.Answer(strings.Fields(tt.asked)); got != tt.want {
			t.Errorf("level %d to %q: %q, want %q", tt.level, tt.asked, got, tt.want)
		}
	}
}

func TestNamesOfLevels(t *testing.T) {
	names := map[string]Level{
		acr1FA: OneFactor, refedsSFA: OneFactor,
		acr2SV: TwoSteps,
		acr2FA: TwoFactors, refedsMFA: TwoFactors, papeMFA: TwoFactors,
		"phr": PhishingResistant, "phrh": HardwareKey,
	}
	for name, want := range names {
		if got, ok := ParseACR(name); !ok || got != want {
			t.Errorf("ParseACR(%q) = %d, %v; want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "gold", "PHR", acr2FA + "/", "urn:sallyport:acr:3fa"} {
		if got, ok := ParseACR(name); ok || got != None {
			t.Errorf("ParseACR(%q) = %d, %v; want none", name, got, ok)
		}
	}
}

func TestACRValuesAreThoseThatCanBeEarned(t *testing.T) {
	for _, tt := range []struct {
		offered []Method
		attests bool
		want    []string
	}{
		{nil, false, []string{acr1FA, refedsSFA}},
		{[]Method{TOTP}, false, []string{acr1FA, refedsSFA, acr2FA, refedsMFA, papeMFA}},
		{[]Method{Email}, false, []string{acr1FA, refedsSFA, acr2SV}},
		{[]Method{WebAuthn, SMS}, false, []string{acr1FA, refedsSFA, acr2FA, refedsMFA, papeMFA, "phr"}},
		{[]Method{WebAuthn}, true, []string{acr1FA, refedsSFA, "phr", "phrh"}},
		{[]Method{TOTP}, true, []string{acr1FA, refedsSFA, acr2FA, refedsMFA, papeMFA}},
	} {
		if got := ACRValues(tt.attests, tt.offered...); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.offered, got, tt.want)
		}
	}
}

func TestJoinKeepsTheLatestOfEachKind(t *testing.T) {
	session := proofsOf(t, "password + totp")
	stepUp := Proofs{{Method: TOTP, At: minute(9)}, {Method: WebAuthn, UserVerified: true, At: minute(10)}}
	want := Proofs{session[0], stepUp[0], stepUp[1]}
	for _, got := range []Proofs{session.Join(stepUp), stepUp.Join(session), want.Join(want)} {
		slices.SortFunc(got, func(a, b Proof) int { return a.At.Compare(b.At) })
		if !slices.Equal(got, want) {
			t.Errorf("joined: %v, want %v", got, want)
		}
	}
	if len(session) != 2 || session[1].At != minute(1) {
		t.Errorf("the session's own list was changed: %v", session)
	}
}

func TestSinceKeepsWhatIsRecent(t *testing.T) {
	ps := proofsOf(t, "password + totp + sms")
	if got := ps.Since(minute(1)); !slices.Equal(got, ps[1:]) {
		t.Errorf("since minute 1: %v, want %v", got, ps[1:])
	}
	if got := ps.Since(time.Time{}); !slices.Equal(got, ps) {
		t.Errorf("since ever: %v, want all", got)
	}
}

// Every list of kinds of proofs, and every proof added to it.
func TestAddingAProofNeverLowersTheLevel(t *testing.T) {
	everyList(func(ps Proofs, kinds []Proof) {
		before := ps.Level()
		for _, p := range kinds {
			if after := append(slices.Clip(ps), p).Level(); after < before {
				t.Fatalf("%v is worth %d, with %v %d", ps, before, p, after)
			}
			p.At = minute(1)
			if after := ps.With(p).Level(); after < before {
				t.Fatalf("%v is worth %d, renewed by %v %d", ps, before, p, after)
			}
		}
	})
}

// Two factors are two kinds: knowledge and possession, or a key that checked
// the person.
func TestTwoProofsOfOneKindAreOneFactor(t *testing.T) {
	everyList(func(ps Proofs, _ []Proof) {
		kinds := make(map[string]bool)
		for _, p := range ps {
			switch {
			case p.Method == Password:
				kinds["knowledge"] = true
			case p.Method == Email:
				kinds["mailbox"] = true
			case p.Method == RecoveryCode || p.Resets:
			case p.UserVerified:
				kinds["possession"], kinds["verification"] = true, true
			default:
				kinds["possession"] = true
			}
		}
		level, mailOnly := ps.Level(), kinds["mailbox"] && !kinds["possession"]
		switch {
		case len(kinds) == 0 && level != None,
			len(kinds) == 1 && level != OneFactor,
			mailOnly && level > TwoSteps,
			level >= TwoFactors && !(kinds["possession"] && (kinds["knowledge"] || kinds["verification"])):
			t.Fatalf("%v, of %v, is worth %d", ps, slices.Sorted(maps.Keys(kinds)), level)
		}
	})
}

// everyList visits all 8,192 sets of kinds of proofs.
func everyList(visit func(ps Proofs, kinds []Proof)) {
	var kinds []Proof
	for _, name := range slices.Sorted(maps.Keys(proofsNamed)) {
		p := proofsNamed[name]
		p.At = noon
		kinds = append(kinds, p)
	}
	for set := range 1 << len(kinds) {
		var ps Proofs
		for i, p := range kinds {
			if set>>i&1 == 1 {
				ps = append(ps, p)
			}
		}
		visit(ps, kinds)
	}
}
