package server_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

// What an owner does for others in the console: a recovery code for who lost
// their second factors, and changes allowed again after "This wasn't me".

// another owner of Acme's.
const oskar = "oskar@acme.example"

// owned is Acme with two owners; Olga has an app, and is at her account.
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

// inConsole is the address of a person in the console of Acme.
func inConsole(t *testing.T, d *servertest.Demo, email string, below ...string) string {
	t.Helper()
	return strings.Join(append([]string{"/console/companies/acme/people", idOf(t, d, email)}, below...), "/")
}

// confirms presses the button of a page that says what will happen.
func (h *holder) confirms() *holder {
	h.t.Helper()
	h.Submit(map[string]string{"confirm": "1"})
	return h
}

// issues has an owner issue a code for somebody.
func (h *holder) issues(email string) (code string) {
	h.t.Helper()
	h.at(inConsole(h.t, h.d, email, "recovery")).confirms()
	codes := h.All("#recovery-code")
	if len(codes) != 1 {
		h.t.Fatalf("no code for %s: %d at %s\n%s", email, h.Status, h.URL, h.Text())
	}
	return codes[0]
}

// mustNotIssue fails where somebody was given a code, or the page has one.
func (h *holder) mustNotIssue(emails ...string) {
	h.t.Helper()
	if h.Has("#recovery-code") {
		h.t.Errorf("there is a code at %s", h.URL)
	}
	for _, email := range emails {
		events, err := h.d.DB.Activity(h.t.Context(), idOf(h.t, h.d, email), 100)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, e := range events {
			if e.Event == "recovery_code.issued" {
				h.t.Errorf("a code was issued for %s", email)
			}
		}
	}
}

func TestIssueRecoveryCode(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h, about := owned(t, d), idle(t, d, ana)
		h.Follow("/console").MustBeAt("/console/companies/acme/people").Follow("/people/" + idOf(t, d, ana)).Follow("/recovery")
		h.MustRead("Issue a recovery code for Ana Operator").MustRead("Speak to them first")
		h.confirms().MustRead("Ana Operator").MustRead(ana).MustRead(d.Clock.Now().Add(time.Hour).Format("15:04"))
		code := h.All("#recovery-code")[0]
		if got := h.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("the code may be kept: Cache-Control %q", got)
		}
		about.mustLog("recovery_code.issued")
		h.mustLog("recovery_code.given")
		bodies := mustPost(t, d, ana+": A recovery code was issued for you", oskar+": A recovery code was issued for Ana Operator")
		if strings.Contains(bodies, code) || strings.Contains(d.Log.String(), code) {
			t.Error("the code is in a mail or in the log")
		}
		// Loading the page anew asks first.
		h.at(h.URL.Path).MustRead("Issue a recovery code for Ana Operator")
		h.mustNotIssue()
		// A new one takes its place, and it works once.
		second := h.issues(ana)
		if redeem(t, d, ana, code) || !redeem(t, d, ana, second) || redeem(t, d, ana, second) {
			t.Error("not the newest code, or not once")
		}
		// For an hour.
		code = h.issues(ana)
		d.Clock.Advance(time.Hour)
		if redeem(t, d, ana, code) {
			t.Error("it works after an hour")
		}
	})
}

func TestRecoveryCodesThatAreRefused(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := owned(t, d)
		path := inConsole(t, d, ana, "recovery")
		h.at(path).MustBeAt(path)
		var answers []string
		for _, path := range []string{
			"/console/companies/acme/people/nobody/recovery", inConsole(t, d, gus, "recovery"),
			strings.Replace(inConsole(t, d, gus, "recovery"), "acme", "globex", 1), strings.Replace(inConsole(t, d, ana, "recovery"), "acme", "globex", 1),
			"/console/companies/nowhere/people/nobody/recovery",
		} {
			for _, ask := range []func(){func() { h.at(path) }, func() { h.send(path, "confirm", "1") }} {
				if ask(); h.Status != http.StatusNotFound {
					t.Errorf("%s: %d", path, h.Status)
				}
				answers = append(answers, h.Text())
			}
		}
		for _, a := range answers {
			if a != answers[0] {
				t.Errorf("other companies' people can be told: %q and %q", answers[0], a)
			}
		}
		for _, ask := range []func(){func() { h.at(inConsole(t, d, olga, "recovery")) }, func() { h.send(inConsole(t, d, olga, "recovery"), "confirm", "1") }} {
			if ask(); h.Status != http.StatusForbidden {
				t.Errorf("for oneself: %d", h.Status)
			}
			h.MustRead("Not for yourself")
		}
		h.mustNotIssue(gus, olga, ana)

		// Somebody who is disabled is enabled first.
		declare(t, d, "people: [{email: ben@acme.example, disabled: true}]")
		posted(t, d)
		h.send(inConsole(t, d, ben, "recovery"), "confirm", "1").MustRead("Enable this person first")
		h.mustNotIssue(ben)
		mustPost(t, d)

		// The second factor was proved too long ago.
		h.at(path).MustBeAt(path)
		d.Clock.Advance(policy.FreshFor + time.Second)
		h.confirms().MustBeAt("/login/totp")
		h.at(path).MustBeAt("/login/totp")
		h.code()
		h.MustBeAt(path)
		// Who is no owner any more, issues none.
		u := h.person().User
		u.Role = policy.Member
		change(t, d, olga, func(tx *storage.Tx, _ string) error { return tx.UpdateUser(t.Context(), u, d.Clock.Now()) })
		for _, ask := range []func(){func() { h.confirms() }, func() { h.at(path) }} {
			if ask(); h.Status != http.StatusForbidden {
				t.Errorf("no owner any more: %d", h.Status)
			}
			if h.MustRead("This isn't for you"); h.URL.Path == path && h.Has("[name=confirm]") {
				t.Error("there is a form")
			}
			h.Go(d.URL + "/account").MustBeAt("/account")
			h.send(path, "confirm", "1")
		}
		h.mustNotIssue(ana)
		mustPost(t, d)
	})
}

// Whose session ended while the page was open, is asked who they are.
func TestRecoveryCodeAfterTheSessionEnded(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := owned(t, d)
		path := inConsole(t, d, ana, "recovery")
		h.at(path).MustBeAt(path)
		change(t, d, olga, func(tx *storage.Tx, id string) error {
			_, err := tx.EndSessions(t.Context(), storage.Ending{UserID: id}, d.Clock.Now())
			return err
		})
		h.confirms().MustBeAt("/login/password")
		h.mustNotIssue(ana)
		mustPost(t, d)
	})
}

func TestRecoveryCodesAreForOwners(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		declare(t, d, "people: [{email: mia@acme.example, company: acme, role: administrator}]")
		for _, email := range []string{ben, mia, "otto@sallyport.example"} {
			give(t, d, email, storage.Factor{ID: "app of " + email, Kind: "totp"})
			h := inAccount(t, d, email)
			// The page of a person doesn't offer it.
			if h.at(inConsole(t, d, ana)); strings.Contains(h.source(h.URL.Path), "/recovery") {
				t.Errorf("%s is offered it", email)
			}
			for _, ask := range []func(){
				func() { h.at(inConsole(t, d, ana, "recovery")) }, func() { h.send(inConsole(t, d, ana, "recovery"), "confirm", "1") },
			} {
				if ask(); h.Status != http.StatusForbidden {
					t.Errorf("%s: %d at %s", email, h.Status, h.URL)
				}
			}
			h.mustNotIssue(ana)
		}
	})
}

// Who has no second factor is led to set one up before the console shows
// anything: a password alone is not enough to issue a code, fresh as it may be.
func TestOwnersWithoutSecondFactor(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := inAccount(t, d, olga)
		posted(t, d)
		path := inConsole(t, d, ana, "recovery")
		for _, at := range []string{"/console", path} {
			h.at(at).MustBeAt("/login/why").MustRead("requires two-step verification")
		}
		h.send(path, "confirm", "1").MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"}).MustBeAt("/login/set-up")
		h.mustNotIssue(ana)
		// Nor with a factor, while the session was proved by password alone.
		give(t, d, olga, anApp)
		change(t, d, olga, func(tx *storage.Tx, id string) error { return tx.SetTwoStep(t.Context(), id, false, d.Clock.Now()) })
		for range 2 {
			h.send(path, "confirm", "1").MustBeAt("/login/totp")
		}
		h.mustNotIssue(ana)
		h.code()
		h.MustBeAt(path).MustRead("Issue a recovery code for Ana Operator")
	})
}

// An owner whom a recovery code let in can't let others in by it, nor can one
// who has only codes by mail.
func TestOwnersWithLessThanASecondFactor(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		path := inConsole(t, d, ana, "recovery")
		declare(t, d, "people: [{email: oskar@acme.example, company: acme, role: owner, email_verified: true, password_hash: '"+idle(t, d, ana).person().User.PasswordHash+"'}]")
		give(t, d, oskar, mailCodes)
		h := inAccount(t, d, oskar)
		h.send(path, "confirm", "1").MustBeAt("/login/why")
		h.at(path).MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"}).MustBeAt("/login/set-up")
		if page := h.source(h.URL.RequestURI()); !strings.Contains(page, `value="totp"`) || strings.Contains(page, `value="email"`) {
			t.Errorf("they are offered codes by mail, or nothing better: %s", h.Text())
		}
		h.mustNotIssue(ana)

		give(t, d, olga, anApp)
		h = &holder{Person: visitor(t), d: d, t: t, email: olga}
		signIn(h.at("/account").Person, olga).MustBeAt("/login/totp")
		enter(h.Go(strings.Replace(h.URL.String(), "/login/totp", "/login/recovery-code", 1)), recoveryCode(t, d, olga))
		h.Submit(map[string]string{"later": "1"}).MustBeAt("/account")
		h.token = fieldOf(t, h.Person, "form_token")
		h.at("/account/password").MustBeAt("/account/password") // their own they may change
		for _, at := range []string{"/console", path} {
			h.at(at).MustBeAt("/login/why")
		}
		h.send(path, "confirm", "1").MustBeAt("/login/why")
		h.Submit(map[string]string{"later": "1"})
		h.at("/account").MustBeAt("/account")
		if h.send(path, "confirm", "1"); strings.HasPrefix(h.URL.Path, "/console") && h.Status == http.StatusOK {
			t.Errorf("they are at %s", h.URL)
		}
		h.mustNotIssue(ana)
	})
}

// A form without the token of this browser does nothing.
func TestHelpNeedsFormToken(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := owned(t, d)
		change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.LockChanges(t.Context(), id, d.Clock.Now()) })
		give(t, d, ana, ofAna)
		h.token = "another"
		for _, deed := range []string{"recovery", "unlock", "reset", "turn-off", "disable", "delete"} {
			h.send(inConsole(t, d, ana, deed), "confirm", "1").MustBeAt(inConsole(t, d, ana, deed))
		}
		h.mustNotIssue(ana)
		if in := idle(t, d, ana).person(); in.User.ChangesLockedAt.IsZero() || !in.User.TwoStep || len(in.Methods) != 1 || !in.User.DisabledAt.IsZero() {
			t.Errorf("something changed: %+v", in.User)
		}
		mustPost(t, d)
	})
}

var shownCode = regexp.MustCompile(`id="recovery-code">([^<]+)<`)

// Of codes issued at once for one person, one works.
func TestRecoveryCodesAtOnce(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := owned(t, d)
		path := inConsole(t, d, ana, "recovery")
		var mu sync.Mutex
		var codes []string
		won := succeed(8, func(int) bool {
			resp, err := h.Client().PostForm(d.URL+path, url.Values{"form_token": {h.token}, "confirm": {"1"}})
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			body, err := io.ReadAll(resp.Body)
			if found := shownCode.FindSubmatch(body); err == nil && found != nil {
				codes = append(codes, string(found[1]))
			}
			return resp.StatusCode == http.StatusOK
		})
		alive := 0
		for _, code := range codes {
			if redeem(t, d, ana, code) {
				alive++
			}
		}
		if won != 8 || len(codes) != 8 || alive != 1 {
			t.Errorf("%d answers, %d issued, %d work", won, len(codes), alive)
		}
	})
}
