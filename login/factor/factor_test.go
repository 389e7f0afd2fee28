package factor_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/zitadel/passwap/bcrypt"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// person is somebody with an authenticator app.
type person struct {
	t   *testing.T
	db  *storage.DB
	id  string
	key string
	now time.Time
}

func newPerson(t *testing.T, db *storage.DB) *person {
	t.Helper()
	p := &person{t: t, db: db, id: storage.NewID(), now: noon}
	p.write(func(tx *storage.Tx) error {
		if err := tx.PutOrg(t.Context(), storage.Org{ID: "acme", Name: "Acme", Rules: []byte("{}")}, noon); err != nil {
			return err
		}
		return tx.InsertUser(t.Context(), storage.User{ID: p.id, OrgID: "acme", Email: "ana@acme.example", Kind: policy.Staff, Role: policy.Member}, noon)
	})
	p.enrol()
	return p
}

func (p *person) write(fn func(*storage.Tx) error) {
	p.t.Helper()
	if err := p.db.Write(p.t.Context(), fn); err != nil {
		p.t.Fatal(err)
	}
}

// begin starts setting up an app and returns its key.
func (p *person) begin() string {
	p.t.Helper()
	p.write(func(tx *storage.Tx) error { return factor.TOTP{}.Begin(p.t.Context(), tx, "here", p.id, p.now) })
	pending, err := factor.TOTP{}.Pending(p.t.Context(), p.db.Reader, "here", p.id, p.now)
	if err != nil {
		p.t.Fatal(err)
	}
	return pending.Key()
}

func (p *person) finish(code string) (v factor.Verdict) {
	p.t.Helper()
	p.write(func(tx *storage.Tx) (err error) {
		before, err := tx.Factors(p.t.Context(), p.id)
		if err != nil {
			return err
		}
		var lost []string
		for _, f := range before {
			lost = append(lost, f.ID)
		}
		v, err = factor.TOTP{}.Finish(p.t.Context(), tx, p.entry(code), "", lost)
		return err
	})
	return v
}

func (p *person) entry(code string) factor.Entry {
	return factor.Entry{UserID: p.id, BoundTo: "here", Code: code, At: p.now}
}

func (p *person) enrol() {
	p.t.Helper()
	key := p.begin()
	if v := p.finish(code(p.t, key, p.now)); v.Outcome != factor.Accepted {
		p.t.Fatalf("enrol: %v", v.Outcome)
	}
	p.key = key
}

func (p *person) try(f factor.Factor, code string) (v factor.Verdict) {
	p.t.Helper()
	p.write(func(tx *storage.Tx) (err error) {
		v, err = factor.Try(p.t.Context(), tx, f, p.entry(code))
		return err
	})
	return v
}

func code(t *testing.T, key string, at time.Time) string {
	t.Helper()
	c, err := totp.GenerateCode(key, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wrongCode is none of those that could be right around a time.
func wrongCode(t *testing.T, key string, at time.Time) string {
	for _, c := range []string{"000000", "000001", "000002", "000003"} {
		if c != code(t, key, at) && c != code(t, key, at.Add(-30*time.Second)) {
			return c
		}
	}
	t.Fatal("no wrong code")
	return ""
}

func TestTOTPSteps(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := newPerson(t, db)
		p.now = noon.Add(5 * time.Minute)
		for _, tt := range []struct {
			of   time.Duration // whose code it is, from the time of entry
			want factor.Outcome
		}{
			{30 * time.Second, factor.Wrong},
			{0, factor.Accepted},
			{0, factor.Used},
			{-30 * time.Second, factor.Used}, // a step also spends those before it
			{-60 * time.Second, factor.Wrong},
		} {
			if v := p.try(factor.TOTP{}, code(t, p.key, p.now.Add(tt.of))); v.Outcome != tt.want {
				t.Errorf("the code of %v: %v, want %v", tt.of, v.Outcome, tt.want)
			}
		}
	})
}

func TestThePreviousStepIsAccepted(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := newPerson(t, db)
		p.now = noon.Add(5 * time.Minute)
		if v := p.try(factor.TOTP{}, code(t, p.key, p.now.Add(-30*time.Second))); v.Outcome != factor.Accepted {
			t.Errorf("the previous step: %v", v.Outcome)
		}
	})
}

// Wrong codes share one counter wherever they are entered; new seeds don't
// reset it.
func TestWrongCodesShareOneCounter(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := newPerson(t, db)
		p.now = noon.Add(5 * time.Minute)
		wrong := wrongCode(t, p.key, p.now)
		for i, enter := range []func() factor.Verdict{
			func() factor.Verdict { return p.try(factor.TOTP{}, wrong) },
			func() factor.Verdict { key := p.begin(); return p.finish(wrongCode(t, key, p.now)) },
			func() factor.Verdict { return p.try(factor.TOTP{}, wrong) },
			func() factor.Verdict { key := p.begin(); return p.finish(wrongCode(t, key, p.now)) },
		} {
			if v := enter(); v.Outcome != factor.Wrong || v.TriesLeft != 4-i || v.EndsSignIn {
				t.Fatalf("wrong code %d: %+v", i+1, v)
			}
		}
		if v := p.try(factor.TOTP{}, wrong); !v.EndsSignIn {
			t.Fatalf("the fifth: %+v", v)
		}
		if v := p.try(factor.TOTP{}, code(t, p.key, p.now)); v.Outcome != factor.TooSoon || !v.NotBefore.Equal(p.now.Add(30*time.Second)) {
			t.Fatalf("right, but too soon: %+v", v)
		}
		p.now = p.now.Add(30 * time.Second)
		if v := p.try(factor.TOTP{}, code(t, p.key, p.now)); v.Outcome != factor.Accepted {
			t.Fatalf("after the wait: %+v", v)
		}
		if v := p.try(factor.TOTP{}, wrongCode(t, p.key, p.now)); v.TriesLeft != 4 {
			t.Errorf("a right code forgets the wrong ones: %+v", v)
		}
	})
}

func TestFiftyWrongCodesLock(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := newPerson(t, db)
		for i := range 50 {
			p.now = p.now.Add(2 * time.Hour)
			if v := p.try(factor.TOTP{}, wrongCode(t, p.key, p.now)); v.LockedNow != (i == 49) {
				t.Fatalf("wrong code %d: %+v", i+1, v)
			}
		}
		p.now = p.now.Add(24 * time.Hour)
		if v := p.try(factor.TOTP{}, code(t, p.key, p.now)); v.Outcome != factor.Locked {
			t.Fatalf("right code on a locked factor: %+v", v)
		}
		// Whoever got in by a backup code can set the app up anew, and that
		// unlocks.
		p.enrol()
		p.now = p.now.Add(time.Minute)
		if v := p.try(factor.TOTP{}, code(t, p.key, p.now)); v.Outcome != factor.Accepted {
			t.Errorf("the new app: %+v", v)
		}
	})
}

func TestAPendingSeedIsItsOwnersForTenMinutes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := newPerson(t, db)
		p.begin()
		for name, get := range map[string]func() error{
			"another person": func() error {
				_, err := factor.TOTP{}.Pending(t.Context(), db.Reader, "here", "somebody", p.now)
				return err
			},
			"another browser": func() error {
				_, err := factor.TOTP{}.Pending(t.Context(), db.Reader, "elsewhere", p.id, p.now)
				return err
			},
			"too late": func() error {
				_, err := factor.TOTP{}.Pending(t.Context(), db.Reader, "here", p.id, p.now.Add(factor.EnrolmentLifetime))
				return err
			},
		} {
			if err := get(); err == nil {
				t.Errorf("%s got the seed", name)
			}
		}
	})
}

func TestBackupCodes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		p := newPerson(t, db)
		makeCodes := func() (codes []string) {
			p.write(func(tx *storage.Tx) (err error) {
				codes, err = factor.Backup{}.Make(t.Context(), tx, p.id, 10, p.now)
				return err
			})
			return codes
		}
		codes := makeCodes()
		if len(codes) != 10 || len(codes[0]) != len("xxxx-xxxx-xxxx-xxxx") {
			t.Fatalf("codes: %q", codes)
		}
		for _, tt := range []struct {
			typed string
			want  factor.Outcome
		}{
			{codes[0], factor.Accepted},
			{codes[0], factor.Wrong},
			{strings.ToUpper(codes[1]), factor.Accepted},
			{strings.ReplaceAll(codes[2], "-", " "), factor.Accepted},
			{strings.NewReplacer("0", "O", "1", "l").Replace(codes[3]), factor.Accepted},
			{"0000-0000-0000-0000", factor.Wrong},
		} {
			if v := p.try(factor.Backup{}, tt.typed); v.Outcome != tt.want {
				t.Errorf("%q: %v, want %v", tt.typed, v.Outcome, tt.want)
			}
		}
		makeCodes()
		if v := p.try(factor.Backup{}, codes[4]); v.Outcome != factor.Wrong {
			t.Errorf("an old code after new ones were made: %v", v.Outcome)
		}
	})
}

func TestPasswords(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx, passwords, p := t.Context(), factor.NewPasswords(), newPerson(t, db)
		if err := passwords.KnownHash("$md5$nonsense"); err == nil {
			t.Error("nonsense is a known hash")
		}
		hash, err := passwords.Hash(ctx, "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		setHash(t, db, p.id, hash)
		now := noon
		try := func(password, network string) *factor.Attempt {
			t.Helper()
			a, err := passwords.Try(ctx, db, "Ana@Acme.example ", password, network, now)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		accept := func(a *factor.Attempt) {
			t.Helper()
			if a.User == nil || a.User.ID != p.id {
				t.Fatalf("refused: %+v", a)
			}
			p.write(func(tx *storage.Tx) error { return a.Accept(ctx, tx, now) })
		}
		accept(try("correct horse", "here"))
		for range 5 {
			if a := try("wrong", "here"); a.User != nil || a.Refused {
				t.Fatalf("a wrong password: %+v", a)
			}
		}
		if a := try("correct horse", "here"); !a.Refused || !a.NotBefore.Equal(now.Add(time.Second)) {
			t.Errorf("after five failures: %+v", a)
		}
		accept(try("correct horse", "elsewhere")) // back-off is per network
		now = now.Add(time.Second)
		accept(try("correct horse", "here"))

		// A hundred failures a day: only networks seen before may try.
		for i := range 100 {
			try("wrong", strings.Repeat("n", i+1))
		}
		if a := try("correct horse", "new network"); !a.Refused {
			t.Error("an unknown network may try after a hundred failures")
		}
		p.write(func(tx *storage.Tx) error { return tx.SeeNetwork(ctx, p.id, "here", now) })
		accept(try("correct horse", "here"))
		now = now.Add(24 * time.Hour)
		accept(try("correct horse", "new network"))

		// A hash of another kind verifies, and is replaced.
		other, err := bcrypt.New(10, nil).Hash("correct horse")
		if err != nil {
			t.Fatal(err)
		}
		setHash(t, db, p.id, other)
		accept(try("correct horse", "here"))
		if u, err := db.User(ctx, p.id); err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$") {
			t.Errorf("the hash after a sign-in: %v, %v", u.PasswordHash, err)
		}
		accept(try("correct horse", "here"))
	})
}

func setHash(t *testing.T, db *storage.DB, userID, hash string) {
	t.Helper()
	u, err := db.User(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.SetPasswordHash(t.Context(), userID, u.PasswordHash, hash, noon)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever doesn't exist gets the same answer, and is counted the same.
func TestUnknownPeopleLookTheSame(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		passwords, p := factor.NewPasswords(), newPerson(t, db)
		hash, err := passwords.Hash(t.Context(), "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		setHash(t, db, p.id, hash)
		for i := range 7 {
			known, err := passwords.Try(t.Context(), db, "ana@acme.example", "wrong", "here", noon)
			if err != nil {
				t.Fatal(err)
			}
			unknown, err := passwords.Try(t.Context(), db, "nobody@acme.example", "wrong", "here", noon)
			if err != nil {
				t.Fatal(err)
			}
			if known.User != nil || unknown.User != nil || known.Refused != unknown.Refused || !known.NotBefore.Equal(unknown.NotBefore) {
				t.Errorf("try %d: known %+v, unknown %+v", i+1, known, unknown)
			}
		}
	})
}

func TestCheckNewPassword(t *testing.T) {
	names := []string{"Acme", "id.example.com", "Ana Operator", "ana@acme.example"}
	for _, tt := range []struct {
		password string
		min      int
		want     error
	}{
		{"open the second door", 15, nil},
		{"fourteen chars", 15, factor.ErrPasswordShort},
		{"fünfzehn zeich.", 15, nil}, // characters, not bytes
		{"passwort", 8, factor.ErrPasswordCommon},
		{"SUNSHINE", 8, factor.ErrPasswordCommon},
		{"1234567890", 8, factor.ErrPasswordCommon},
		{"acme-operator-2026", 15, factor.ErrPasswordNames},
		{"Ana Operator at Acme, my own words", 15, nil},
		{strings.Repeat("x", 1025), 15, factor.ErrPasswordLong},
		{strings.Repeat("xyz ", 256), 15, nil},
	} {
		if got := factor.CheckNewPassword(tt.password, tt.min, names...); got != tt.want {
			t.Errorf("%.40q: %v, want %v", tt.password, got, tt.want)
		}
	}
}
