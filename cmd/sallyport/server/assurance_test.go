package server_test

import (
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

// What a product is told about a sign-in, for every way to prove who one is.

// told is that, with amr sorted: its order says nothing.
type told struct {
	ACR     string
	AMR     []string
	MFATime int64 // 0: not there
	Times   map[string]int64
}

func toldBy(t *testing.T, claims servertest.Answer) told {
	t.Helper()
	got := told{ACR: claims.String("acr"), Times: map[string]int64{}}
	for _, value := range claims["amr"].([]any) {
		got.AMR = append(got.AMR, value.(string))
	}
	slices.Sort(got.AMR)
	if at, ok := claims["mfa_time"]; ok {
		got.MFATime = int64(at.(float64))
	}
	for value, at := range claims["amr_times"].(map[string]any) {
		got.Times[value] = int64(at.(float64))
	}
	return got
}

func mustTell(t *testing.T, name string, got, want told) {
	t.Helper()
	want.AMR = slices.Sorted(maps.Keys(want.Times))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", name, diff)
	}
}

// recoveryCode is one that an owner issued for somebody.
func recoveryCode(t *testing.T, d *servertest.Demo, email string) (code string) {
	t.Helper()
	change(t, d, email, func(tx *storage.Tx, id string) (err error) {
		code, _, err = factor.Recovery{}.Issue(t.Context(), tx, id, "olga", d.Clock.Now())
		return err
	})
	return code
}

// backupCodes are new ones of somebody.
func backupCodes(t *testing.T, d *servertest.Demo, email string, n int) (codes []string) {
	t.Helper()
	change(t, d, email, func(tx *storage.Tx, id string) (err error) {
		codes, err = factor.Backup{}.Make(t.Context(), tx, id, n, d.Clock.Now())
		return err
	})
	return codes
}

// mailFactor are e-mail codes as a factor of one of several people.
func mailFactor(email string) storage.Factor {
	return storage.Factor{ID: "mails to " + email, Kind: "email", Secret: []byte(email)}
}

func TestAssuranceOfEachWay(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		give(t, d, ana, anApp, phoneOf(anaPhone), mailFactor(ana))
		codes := backupCodes(t, d, ana, 10)
		for _, c := range []struct {
			name, email, path string
			code              func() string
			acr               string
			amr               []string // of the second step
			mfa               bool
		}{
			{"password", ben, "", nil, acr1FA, nil, false},
			{"app", ana, "/login/totp", func() string { return appCode(t, d) }, acr2FA, []string{"otp"}, true},
			{"text message", ana, "/login/text-message", func() string { return d.Phone.Code(t, anaPhone) }, acr2FA, []string{"sms"}, true},
			{"e-mail", ana, "/login/email-code", func() string { return newest(t, d, ana, aCode) }, acr2SV, []string{"email"}, false},
			{"backup code", ana, "/login/backup-code", func() string { return codes[4] }, acr2FA, []string{"backup_code"}, true},
			{"recovery code", ana, "/login/recovery-code", func() string { return recoveryCode(t, d, ana) }, acr1FA, []string{"recovery_code"}, false},
		} {
			d.Clock.Advance(time.Hour)
			p := visitor(t).Go(r.AuthorizeURL(nil))
			began := d.Clock.Now().Unix()
			want := told{ACR: c.acr, Times: map[string]int64{"pwd": began}}
			signIn(p, c.email)
			if c.code != nil {
				if c.path == "/login/recovery-code" {
					choose(p, "/login/backup-code").Follow(c.path)
				} else {
					choose(p, c.path)
				}
				d.Clock.Advance(40 * time.Second)
				for _, value := range c.amr {
					want.Times[value] = began + 40
				}
				if enter(p, c.code()); p.URL.Path == "/login/why" { // after a recovery code
					p.Submit(map[string]string{"later": "1"})
				}
			}
			if c.mfa {
				want.Times["mfa"], want.MFATime = began+40, began+40
			}
			claims := entered(t, p, r)
			mustTell(t, c.name, toldBy(t, claims), want)
			if claims["auth_time"] != float64(began) {
				t.Errorf("%s: auth_time %v, want %d", c.name, claims["auth_time"], began)
			}
		}
	})
}

// A later step-up raises what is said from then on, with its own time.
func TestAssuranceAfterStepUp(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		give(t, d, ana, anApp, phoneOf(anaPhone), mailFactor(ana))
		codes := backupCodes(t, d, ana, 10)
		recent := essential(`"mfa_time":{"essential":true,"max_age":300}`)
		p := visitor(t).Go(r.AuthorizeURL(nil))
		at := func() int64 { return d.Clock.Now().Unix() }
		want := told{ACR: acr2SV, Times: map[string]int64{"pwd": at(), "email": at()}}
		choose(signIn(p, ana), "/login/email-code")
		mustTell(t, "e-mail", toldBy(t, entered(t, enter(p, newest(t, d, ana, aCode)), r)), want)

		for _, step := range []struct {
			path, amr string
			code      func() string
		}{
			{"/login/totp", "otp", func() string { return appCode(t, d) }},
			{"/login/text-message", "sms", func() string { return d.Phone.Code(t, anaPhone) }},
			{"/login/totp", "otp", func() string { return appCode(t, d) }},
			{"/login/backup-code", "backup_code", func() string { return codes[0] }},
		} {
			d.Clock.Advance(10 * time.Minute)
			p.Go(r.AuthorizeURL(recent))
			want.ACR, want.MFATime, want.Times[step.amr], want.Times["mfa"] = acr2FA, at(), at(), at()
			choose(p, step.path)
			mustTell(t, step.path, toldBy(t, entered(t, enter(p, step.code()), r)), want)
		}
		// Whoever asks for nothing gets the same, without a question.
		d.Clock.Advance(10 * time.Minute)
		mustTell(t, "silently", toldBy(t, entered(t, p.Go(r.AuthorizeURL(url.Values{"prompt": {"none"}})), r)), want)
		// An e-mail code is no recent second factor.
		if p.Go(r.AuthorizeURL(recent)).Follow("/login/choose"); p.Has("[href=/login/email-code?r=" + p.URL.Query().Get("r") + "]") {
			t.Errorf("e-mail is offered: %s", p.Text())
		}
	})
}

// The page named last used comes first, only what is enrolled is offered, and
// switching works at any time.
func TestChoosingAWay(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		give(t, d, ana, anApp, phoneOf(anaPhone))
		codes := backupCodes(t, d, ana, 2)
		begin := func() *servertest.Person {
			d.Clock.Advance(time.Minute)
			return signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana)
		}
		offered := func(p *servertest.Person) (paths []string) {
			p.Follow("/login/choose").MustBeAt("/login/choose")
			for _, path := range []string{"/login/totp", "/login/text-message", "/login/email-code", "/login/passkey", "/login/backup-code", "/login/recovery-code"} {
				if p.Has("[href=" + path + "?r=" + p.URL.Query().Get("r") + "]") {
					paths = append(paths, path)
				}
			}
			return paths
		}
		p := begin().MustBeAt("/login/totp")
		if got := offered(p); !slices.Equal(got, []string{"/login/totp", "/login/text-message", "/login/backup-code"}) {
			t.Errorf("offered %q", got)
		}
		// There and back, also after a wrong code, and then by text message.
		p.Follow("/login/text-message").MustBeAt("/login/text-message")
		enter(p, wrong(d.Phone.Code(t, anaPhone))).Follow("/login/choose").Follow("/login/totp").MustBeAt("/login/totp")
		enter(p, wrong(appCode(t, d)))
		choose(p, "/login/text-message")
		enter(p, d.Phone.Code(t, anaPhone))
		entered(t, p, r)

		enter(choose(begin().MustBeAt("/login/text-message"), "/login/totp"), appCode(t, d))
		// A backup code is never the default.
		enter(choose(begin().MustBeAt("/login/totp"), "/login/backup-code"), codes[0])
		p = begin().MustBeAt("/login/totp")
		// What isn't enrolled can't be reached by its address either.
		for _, path := range []string{"/login/email-code", "/login/passkey"} {
			p.Go(d.URL + path + "?r=" + p.URL.Query().Get("r")).MustBeAt("/login/totp")
		}
		if n := len(d.MailsTo(t, ana)); n != 1 { // of the backup code
			t.Errorf("%d mails", n)
		}
		// Without backup codes the recovery code is on the page itself.
		backupCodes(t, d, ana, 0)
		if got := offered(begin()); !slices.Equal(got, []string{"/login/totp", "/login/text-message", "/login/recovery-code"}) {
			t.Errorf("offered %q", got)
		}
		// One way alone: beside it there is what an owner can give.
		give(t, d, ben, storage.Factor{ID: "bens", Kind: "totp"})
		change(t, d, ben, func(tx *storage.Tx, id string) error { return tx.SetTwoStep(t.Context(), id, false, d.Clock.Now()) })
		p = signIn(visitor(t).Go(rp(t, d, strict).AuthorizeURL(nil)), ben).MustBeAt("/login/totp")
		if got := offered(p); !slices.Equal(got, []string{"/login/totp", "/login/recovery-code"}) {
			t.Errorf("offered %q", got)
		}
	})
}
