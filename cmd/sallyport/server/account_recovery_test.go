package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

// another owner of Acme's.
const oskar = "oskar@acme.example"

// owned is Acme with two owners; Olga has an app.
func owned(t *testing.T, d *servertest.Demo) *holder {
	t.Helper()
	declare(t, d, "people: [{email: oskar@acme.example, company: acme, name: Oskar, role: owner}]")
	give(t, d, olga, anApp)
	h := inAccount(t, d, olga)
	posted(t, d)
	return h
}

// redeem tries a recovery code of a person.
func redeem(t *testing.T, d *servertest.Demo, email, code string) (accepted bool) {
	t.Helper()
	change(t, d, email, func(tx *storage.Tx, id string) error {
		outcome, err := factor.Recovery{}.Check(t.Context(), tx, factor.Entry{UserID: id, Code: code, At: d.Clock.Now()})
		accepted = outcome == factor.Accepted
		return err
	})
	return accepted
}

// idle is somebody of whom only the audit is looked at.
func idle(t *testing.T, d *servertest.Demo, email string) *holder {
	return &holder{d: d, t: t, email: email}
}

func TestIssueRecoveryCode(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h, about := owned(t, d), idle(t, d, ana)
		h.Follow("/account/recovery-codes").Submit(map[string]string{"username": " ANA@acme.example "})
		h.MustRead("Ana Operator").MustRead(ana).MustRead(d.Clock.Now().Add(time.Hour).Format("15:04"))
		code := h.All("#recovery-code")[0]
		about.mustLog("recovery_code.issued")
		h.mustLog("recovery_code.given")
		bodies := mustPost(t, d, ana+": A recovery code was issued for you", oskar+": A recovery code was issued for Ana Operator")
		if strings.Contains(bodies, code) || strings.Contains(d.Log.String(), code) {
			t.Error("the code is in a mail or in the log")
		}
		// A new one takes its place, and it works once.
		h.at("/account/recovery-codes").Submit(map[string]string{"username": ana})
		second := h.All("#recovery-code")[0]
		if redeem(t, d, ana, code) || !redeem(t, d, ana, second) || redeem(t, d, ana, second) {
			t.Error("not the newest code, or not once")
		}
		// For an hour.
		h.at("/account/recovery-codes").Submit(map[string]string{"username": ana})
		d.Clock.Advance(time.Hour)
		if redeem(t, d, ana, h.All("#recovery-code")[0]) {
			t.Error("it works after an hour")
		}
	})
}

func TestRecoveryCodesThatAreRefused(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := owned(t, d)
		var answers []string
		for _, email := range []string{"nobody@acme.example", gus, ""} {
			h.at("/account/recovery-codes").Submit(map[string]string{"username": email})
			if h.Status != 422 || h.Has("#recovery-code") {
				t.Errorf("%q: %d\n%s", email, h.Status, h.Text())
			}
			answers = append(answers, h.Text())
		}
		if answers[0] != answers[1] || answers[0] != answers[2] {
			t.Errorf("other companies' people can be told: %q", answers)
		}
		h.at("/account/recovery-codes").Submit(map[string]string{"username": "OLGA@acme.example"}).MustRead("for yourself")
		if h.Status != 422 || h.Has("#recovery-code") {
			t.Errorf("for oneself: %d", h.Status)
		}
		for _, email := range []string{gus, olga} {
			if idle(t, d, email).logged("recovery_code.issued") {
				t.Errorf("a code for %s", email)
			}
		}
		mustPost(t, d)

		// The second factor was proved too long ago.
		d.Clock.Advance(policy.FreshFor + time.Second)
		h.send("/account/recovery-codes", "username", ana).MustBeAt("/login/totp")
		// Who is no owner any more, issues none.
		h.code()
		h.MustBeAt("/account/recovery-codes")
		u := h.person().User
		u.Role = policy.Member
		change(t, d, olga, func(tx *storage.Tx, _ string) error { return tx.UpdateUser(t.Context(), u, d.Clock.Now()) })
		h.Submit(map[string]string{"username": ana}).MustBeAt("/account")
		h.at("/account/recovery-codes").MustBeAt("/account")
		if idle(t, d, ana).logged("recovery_code.issued") {
			t.Error("a code was issued")
		}
		mustPost(t, d)
	})
}

func TestRecoveryCodesAreForOwners(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		declare(t, d, "people: [{email: mia@acme.example, company: acme, role: administrator}]")
		for _, email := range []string{ben, mia} {
			give(t, d, email, storage.Factor{ID: "app of " + email, Kind: "totp"})
			h := inAccount(t, d, email)
			h.at("/account/recovery-codes").MustBeAt("/account")
			h.send("/account/recovery-codes", "username", ana).MustBeAt("/account")
		}
		if idle(t, d, ana).logged("recovery_code.issued") {
			t.Error("a code was issued")
		}
	})
}

// A password alone is not enough to issue a code, fresh as it may be.
func TestOwnersWithoutSecondFactor(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := inAccount(t, d, olga)
		posted(t, d)
		h.at("/account/recovery-codes").MustBeAt("/account/set-up")
		h.send("/account/recovery-codes", "username", ana).MustBeAt("/account/set-up")
		if status, answer := h.script(ana); status != 403 || answer["error"] != "second_factor_missing" {
			t.Errorf("%d %v", status, answer)
		}
		if idle(t, d, ana).logged("recovery_code.issued") {
			t.Error("a code was issued")
		}
		// Nor with a factor, while the session was proved by password alone.
		give(t, d, olga, anApp)
		change(t, d, olga, func(tx *storage.Tx, id string) error { return tx.SetTwoStep(t.Context(), id, false, d.Clock.Now()) })
		for range 2 {
			h.send("/account/recovery-codes", "username", ana).MustBeAt("/login/totp")
		}
		if idle(t, d, ana).logged("recovery_code.issued") {
			t.Error("a code was issued")
		}
	})
}

// An owner whom a recovery code let in can't let others in by it, nor can one
// who has only codes by mail.
func TestOwnersWithLessThanASecondFactor(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		declare(t, d, "people: [{email: oskar@acme.example, company: acme, role: owner, email_verified: true, password_hash: '"+idle(t, d, ana).person().User.PasswordHash+"'}]")
		give(t, d, oskar, mailCodes)
		h := inAccount(t, d, oskar)
		h.at("/account/recovery-codes").MustBeAt("/account/set-up")
		h.send("/account/recovery-codes", "username", ana).MustBeAt("/account/set-up")

		give(t, d, olga, anApp)
		h = &holder{Person: visitor(t), d: d, t: t, email: olga}
		signIn(h.at("/account").Person, olga).MustBeAt("/login/totp")
		var code string
		change(t, d, olga, func(tx *storage.Tx, id string) (err error) {
			code, _, err = factor.Recovery{}.Issue(t.Context(), tx, id, "somebody", d.Clock.Now())
			return err
		})
		h.Go(strings.Replace(h.URL.String(), "/login/totp", "/login/recovery-code", 1)).Submit(map[string]string{"code": code})
		h.Submit(map[string]string{"later": "1"}).MustBeAt("/account")
		h.token = fieldOf(t, h.Person, "form_token")
		h.at("/account/password").MustBeAt("/account/password") // their own they may change
		h.at("/account/recovery-codes").MustBeAt("/login/why")
		h.send("/account/recovery-codes", "username", ana).MustBeAt("/login/why")
		h.Submit(map[string]string{"later": "1"})
		h.at("/account").MustBeAt("/account")
		h.send("/account/recovery-codes", "username", ana)
		if h.URL.Path == "/account/recovery-codes" {
			t.Error("the form is shown")
		}
		if idle(t, d, ana).logged("recovery_code.issued") {
			t.Error("a code was issued")
		}
	})
}

// script asks for a code as a script does.
func (h *holder) script(email string) (status int, answer map[string]string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.d.URL+"/account/recovery-codes", strings.NewReader(url.Values{"form_token": {h.token}, "username": {email}}.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := h.Client().Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "application/json" {
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			h.t.Fatal(err)
		}
		if resp.Header.Get("Cache-Control") != "no-store" {
			h.t.Error("an answer that may be kept")
		}
	}
	return resp.StatusCode, answer
}

func TestRecoveryCodeForScripts(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := owned(t, d)
		status, answer := h.script(ana)
		until, err := time.Parse(time.RFC3339, answer["until"])
		if status != 200 || answer["person"] != ana || err != nil || !until.Equal(d.Clock.Now().Add(time.Hour)) || !redeem(t, d, ana, answer["code"]) {
			t.Errorf("%d %v %v", status, answer, err)
		}
		for email, code := range map[string]string{gus: "recovery_person", olga: "recovery_self"} {
			if status, answer := h.script(email); status != 422 || answer["error"] != code || answer["field"] != "username" || answer["code"] != "" {
				t.Errorf("%s: %d %v", email, status, answer)
			}
		}
		token := h.token
		h.token = "another"
		if _, answer := h.script(ana); answer != nil {
			t.Errorf("without the form token: %v", answer)
		}
		h.token = token
		d.Clock.Advance(policy.FreshFor + time.Second)
		if _, answer := h.script(ana); answer != nil {
			t.Errorf("without a fresh second factor: %v", answer)
		}
	})
}

// Of codes issued at once for one person, one works.
func TestRecoveryCodesAtOnce(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := owned(t, d)
		var mu sync.Mutex
		var codes []string
		won := succeed(8, func(int) bool {
			status, answer := h.script(ana)
			mu.Lock()
			defer mu.Unlock()
			codes = append(codes, answer["code"])
			return status == 200
		})
		alive := 0
		for _, code := range codes {
			if redeem(t, d, ana, code) {
				alive++
			}
		}
		if won != 8 || alive != 1 {
			t.Errorf("%d issued, %d work", won, alive)
		}
	})
}

// After "This wasn't me" an owner lets changes be made again: for people of
// the company alone.
func TestOwnersAllowChangesAgain(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h, about := owned(t, d), idle(t, d, ana)
		locked := func() bool {
			user, err := d.DB.UserByEmail(t.Context(), ana)
			if err != nil {
				t.Fatal(err)
			}
			return !user.ChangesLockedAt.IsZero()
		}
		change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.LockChanges(t.Context(), id, d.Clock.Now()) })
		for _, email := range []string{"nobody@acme.example", h.email} {
			h.at("/account/recovery-codes").Submit(map[string]string{"username": email, "unlock": "1"})
			if h.Status != 422 || !locked() {
				t.Errorf("%s: %d, locked %v", email, h.Status, locked())
			}
		}
		h.at("/account/recovery-codes").Submit(map[string]string{"username": ana, "unlock": "1"})
		h.MustRead("Ana Operator can change how they sign in again")
		about.mustLog("changes.unlocked")
		if locked() {
			t.Error("still locked")
		}
	})
}
