package browserstory

import (
	"slices"
	"testing"
)

// What people do with tabs, Back and addresses doesn't break a sign-in: its
// state belongs to the request, not to the page.
func TestTabs(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		t.Run("one request twice", func(t *testing.T) { oneRequestTwice(t, s) })
		t.Run("two requests", func(t *testing.T) { twoRequests(t, s) })
		t.Run("two tabs set up", func(t *testing.T) { twoTabsSetUp(t, s) })
		t.Run("back", func(t *testing.T) { back(t, s) })
		t.Run("reload and later addresses", func(t *testing.T) { reloads(t, s) })
	})
}

// The same request open in two tabs is finished in one; the other says so.
func oneRequestTwice(t *testing.T, s *stage) {
	ana := s.visitor(t, "ana@acme.example").toDashboard().at("/login/password")
	other := ana.tab()
	other.Go(ana.URL())
	ana.password().says("#name", "Ana Operator")
	other.password().says("h1", "This sign-in is finished")
	other.ClickText("Go to your account")
	other.at("/account").says("h1", "Your account")
}

// Two tabs begin to sign in, and both end where they began.
func twoRequests(t *testing.T, s *stage) {
	ana := s.visitor(t, "ana@acme.example").toDashboard().at("/login/password")
	other := ana.tab().toDashboard().at("/login/password")
	ana.password().says("#name", "Ana Operator")
	other.password().says("#name", "Ana Operator")
	if ana.path() != "/" || other.path() != "/" {
		t.Errorf("ended at %s and %s", ana.URL(), other.URL())
	}
}

// Enrolling in one tab takes the other one along.
func twoTabsSetUp(t *testing.T, s *stage) {
	tom := s.visitor(t, s.join("Tom")).onDashboard().toMachine("reception-pc")
	other := tom.tab().toMachine("ceo-laptop").at("/login/why")
	same := tom.tab()
	same.Go(tom.URL())
	tom.at("/login/why").press()
	tom.picks("totp")
	tom.at("/login/set-up/scan").readKey()

	// The other tab of the request knows what this one has begun.
	same.press()
	same.Go(s.URL + "/login/set-up/code?r=" + tom.request())
	same.enter(tom.code()).at("/login/backup-codes").readCodes()
	tom.press().at("/login/backup-codes")
	if mine := tom.readCodes().codes; !slices.Equal(mine, same.codes) {
		t.Errorf("%q in one tab, %q in the other", mine, same.codes)
	}
	tom.Check("#saved")
	tom.press().at("/login/password")
	same.Check("#saved")
	same.press().at("/login/password")

	// The request that had asked why before must sign in anew as well.
	other.press().at("/login/password")
	tom.password().at("/login/totp").enter(tom.nextCode())
	tom.WaitURL(s.Remote + "/sessions/")
	other.Fill("#password", "anything: the other tab has signed in")
	other.press()
	other.WaitURL(s.Remote + "/sessions/")
	other.reads("ceo-laptop")
}

// Back shows a page that can go on: the browser may have kept the one before,
// and what is sent from there leads to what comes next.
func back(t *testing.T, s *stage) {
	bea := s.withApp(t, "Bea")
	bea.toDashboard().password().at("/login/totp")
	bea.Back()
	bea.Reload()
	bea.at("/login/totp").Back()
	bea.WaitURL(s.Dashboard)
	bea.toDashboard().password().at("/login/totp").ClickText("Confirm another way")
	bea.at("/login/choose")
	bea.Back()
	bea.at("/login/totp").enter(bea.nextCode()).says("#name", "Bea")
	bea.Back()
	bea.Reload()
	bea.says("h1", "This sign-in is finished")

	// While setting up, it is the step before.
	una := s.visitor(t, s.join("Una")).onDashboard().toMachine("reception-pc").at("/login/why")
	una.press()
	una.picks("totp")
	una.at("/login/set-up/scan").readKey().press()
	una.at("/login/set-up/code").Back()
	if una.at("/login/set-up/scan"); una.Text("#key") != una.key {
		t.Error("another key after Back")
	}
	una.press()
	una.at("/login/set-up/code").enter(una.code()).at("/login/backup-codes").readCodes()
	una.Back()
	una.press().at("/login/backup-codes")
	una.Check("#saved")
	una.press().at("/login/password")
}

// Every page can be loaded again, and at every point the addresses of other
// pages lead to the one that comes next.
func reloads(t *testing.T, s *stage) {
	rob := s.visitor(t, s.join("Rob"))
	stays := func(path string, reachable ...string) {
		t.Helper()
		heading := rob.at(path).Text("h1")
		rob.Reload()
		rob.at(path).says("h1", heading)
		here := rob.URL()
		for _, p := range []string{
			"/login", "/login/password", "/login/totp", "/login/backup-code", "/login/choose", "/login/why", "/login/set-up", "/login/set-up/scan",
			"/login/set-up/code", "/login/backup-codes", "/login/account", "/login/consent", "/authorize/continue",
		} {
			if p == path || slices.Contains(reachable, p) {
				continue
			}
			rob.Go(s.URL + p + "?r=" + rob.request())
			if rob.URL() != here {
				t.Errorf("%s leads from %s to %s", p, here, rob.URL())
				rob.Go(here)
			}
		}
	}
	rob.toMachineSignedOut()
	stays("/login/password")
	rob.password()
	rob.Click("#start-reception-pc")
	// Whoever knows the address of step 1 may begin there.
	stays("/login/why", "/login/set-up", "/login/set-up/scan", "/login/set-up/code")
	rob.press()
	stays("/login/set-up", "/login/why")
	rob.picks("totp")
	for _, path := range []string{"/login/set-up/scan", "/login/set-up/code"} {
		rob.at(path).Reload()
		rob.at(path)
		if path == "/login/set-up/scan" {
			rob.readKey().press()
		}
	}
	rob.enter(rob.wrongCode()).reads("4 tries left")
	rob.Reload() // sends the code again, which is another try
	rob.reads("3 tries left").enter(rob.code())
	stays("/login/backup-codes")
	codes := rob.readCodes().codes
	rob.Reload()
	if !slices.Equal(codes, rob.readCodes().codes) {
		t.Error("other backup codes after a reload")
	}
	rob.Check("#saved")
	rob.press()
	stays("/login/password")
	rob.password()
	stays("/login/totp", "/login/backup-code", "/login/choose")
	rob.enter(rob.nextCode())
	rob.WaitURL(s.Remote + "/sessions/")
	rob.Reload()
	rob.reads("reception-pc", "Why this was allowed")
}
