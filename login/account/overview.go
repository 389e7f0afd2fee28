package account

import (
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// activityShown is how many events the page shows.
const activityShown = 20

func (a *Account) overview(v *visit) error { return a.showOverview(v, nil) }

// showOverview shows the overview, with what keeps a change from being made.
func (a *Account) showOverview(v *visit, problem *page.Problem) error {
	ctx, u := v.Ctx(), &v.In.User
	p := page.Account{
		Name: u.Profile.Name, Email: u.Email, Language: u.Profile.Locale, EmailVerified: u.EmailVerified,
		TwoStep: u.TwoStep, RequiredBy: a.requiredBy(v), Locked: !u.ChangesLockedAt.IsZero(),
		NetworkCheck: networkCheck(v), SkipNetworkCheck: u.SkipNewNetworkCheck,
		Console: u.Operator || u.Role == policy.Owner || u.Role == policy.Administrator, Offers: make(map[string]bool),
	}
	if u.Phone != "" {
		p.Phone = notify.MaskNumber(u.Phone)
	}
	for _, m := range a.offered(v) {
		p.Offers[string(m)] = true
	}
	if err := a.listFactors(v, &p); err != nil {
		return err
	}
	left, made, err := a.DB.BackupCodes(ctx, u.ID)
	if err != nil {
		return err
	}
	p.BackupCodesLeft, p.BackupCodesOf, p.BackupCodesMade = left, made, made > 0
	sessions, err := a.DB.Sessions(ctx, u.ID, a.Sessions.Idle, a.Now())
	if err != nil {
		return err
	}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, page.Session{
			ID: s.ID, Device: page.Device(s.UserAgent), From: s.IP, SignedIn: s.CreatedAt, LastActive: s.LastSeenAt, This: s.ID == v.In.Session.ID,
		})
	}
	if p.PendingEmail, err = a.pendingEmail(v); err != nil {
		return err
	}
	if p.Activity, err = a.activity(v); err != nil {
		return err
	}
	if p.Consents, err = a.consents(v); err != nil {
		return err
	}
	f := a.frame(v, problem)
	f.Notice = a.withdrawnNotice(v, p.Consents)
	a.Pages.Write(v.W, f, p)
	return nil
}

// offered are the methods that the person can set up and the company lets count.
func (a *Account) offered(v *visit) []policy.Method {
	return slices.DeleteFunc(slices.Clone(v.Facts.Offered), func(m policy.Method) bool { return !v.Facts.Company.Allows(m) })
}

// listFactors fills in the cards of the second factors.
func (a *Account) listFactors(v *visit, p *page.Account) error {
	factors, err := a.DB.Factors(v.Ctx(), v.In.User.ID)
	if err != nil {
		return err
	}
	for _, f := range factors {
		shown := page.Factor{ID: f.ID, Name: a.nameOf(v, f), Added: f.CreatedAt, LastUsed: f.LastUsedAt, Synced: f.Synced, Hardware: f.Hardware}
		switch m := policy.Method(f.Kind); m {
		case policy.TOTP:
			p.Apps = append(p.Apps, shown)
		case policy.WebAuthn:
			p.Keys = append(p.Keys, shown)
		case policy.SMS:
			shown.Target = a.Factors.Text.Mask(string(f.Secret))
			p.Texts = append(p.Texts, shown)
		case policy.Email:
			shown.Target = a.Factors.Mail.Mask(v.In.User.Email)
			p.Mails = append(p.Mails, shown)
		}
	}
	p.SignalKeys, err = a.signalKeys(v, factors)
	return err
}

// nameOf is what a factor is called: by its person, or else by its kind.
func (a *Account) nameOf(v *visit, f *storage.Factor) string {
	if f.Name == "" && f.Kind == string(policy.TOTP) {
		return a.Pages.Text(a.lang(v.R, v.In), page.Say("account.app_unnamed"))
	}
	return f.Name
}

// requiredBy says who, other than the person, wants two steps at sign-in.
func (a *Account) requiredBy(v *visit) *page.Text {
	for _, d := range policy.Decide(v.Facts).Demands {
		var t page.Text
		switch d.Reason.Code {
		case policy.ByAdministrator:
			t = page.Say("reason.administrator", "Company", v.Facts.Company.Name)
		case policy.ByCompany:
			t = page.Say("reason.company", "Company", v.Facts.Company.Name)
		case policy.ByNetwork:
			t = page.Say("reason.network", "Company", v.Facts.Company.Name)
		default:
			continue
		}
		if !d.Voluntary {
			return &t
		}
	}
	return nil
}

func (a *Account) activity(v *visit) ([]page.Activity, error) {
	events, err := a.DB.Activity(v.Ctx(), v.In.User.ID, activityShown)
	if err != nil {
		return nil, err
	}
	var out []page.Activity
	for _, e := range events {
		product := e.ClientID
		if c, err := a.DB.Client(v.Ctx(), e.ClientID); err == nil {
			product = c.Name
		}
		what := page.Say("activity."+e.Event, "Product", product)
		if e.Factor != "" {
			what.With["Method"] = page.Say("method." + e.Factor)
		}
		out = append(out, page.Activity{At: e.At, From: e.IP, What: what})
	}
	return out, nil
}
