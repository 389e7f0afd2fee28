package page_test

import (
	"html/template"
	"time"

	"github.com/sallyport-id/sallyport/login/page"
)

// example is a page as a person may meet it. Between them the examples draw
// every type of page and every branch of its template.
type example struct {
	name  string
	frame page.Frame
	page  page.Page
}

// qr stands for a QR code: a picture without meaning.
const qr = template.HTML(`<svg viewBox="0 0 29 29" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h29v29H0z"/><path d="M4 4h7v7h-7zM18 4h7v7h-7zM4 18h7v7h-7zM13 5h2v3h-2zM12 12h6v2h-6zM20 13h3v5h-3zM14 17h3v6h-3zM19 21h5v2h-5z"/></svg>`)

// examples are drawn for a product and a person of any name.
func examples(product, person string) []example {
	at := time.Date(2026, time.March, 3, 15, 5, 0, 0, time.UTC)
	say := func(id string, pairs ...any) *page.Text { t := page.Say(id, pairs...); return &t }
	flow := page.Frame{FormToken: "token", Request: "req_1", Product: product, Cancel: true}
	known := flow
	known.Person = person
	wrong := func(f page.Frame, field, id string, pairs ...any) page.Frame {
		f.Problem = &page.Problem{Text: page.Say(id, pairs...), Field: field}
		return f
	}
	forced := known
	forced.Cancel, forced.SignOut = false, true
	account := page.Frame{FormToken: "token", Person: person, SignOut: true}
	praised := account
	praised.Notice = say("activity.backup_codes.made")
	full := page.Account{
		Name: person, Email: person, TwoStep: true,
		Apps:            []page.App{{Name: "Phone of " + person, Added: at, LastUsed: at.Add(time.Hour)}, {Name: "Tablet", Added: at}},
		BackupCodesMade: true, BackupCodesLeft: 6,
		Sessions: []page.Session{
			{ID: "s1", Device: "Firefox on Linux", From: "198.51.100.7", SignedIn: at, LastActive: at.Add(time.Hour), This: true},
			{ID: "s2", Device: "Safari on iPhone", From: "203.0.113.20", SignedIn: at.Add(-48 * time.Hour), LastActive: at.Add(-time.Hour)},
		},
		Activity: []page.Activity{
			{At: at.Add(time.Hour), What: page.Say("activity.step_up.passed", "Product", product), From: "198.51.100.7"},
			{At: at, What: page.Say("activity.sign_in.passed"), From: "198.51.100.7"},
			{At: at.Add(-time.Hour), What: page.Say("activity.sign_in.failed", "Method", page.Say("method.totp")), From: "203.0.113.20"},
			{At: at.Add(-2 * time.Hour), What: page.Say("activity.backup_code.used"), From: "203.0.113.20"},
			{At: at.Add(-48 * time.Hour), What: page.Say("activity.something.new"), From: "203.0.113.20"},
		},
	}
	required, few := full, full
	required.RequiredBy = say("reason.company", "Company", product)
	few.BackupCodesLeft = 2
	gone := full
	gone.BackupCodesLeft, gone.Activity = 0, nil
	noCodes := full
	noCodes.BackupCodesMade = false
	codes := page.BackupCodes{
		Codes: []string{
			"7kqm-2x9d-rtfw-h3np", "c5vb-8jzs-4gqe-m6ya", "p2hw-k9tn-xd3r-7fcu", "q8ds-5mve-b4jz-yg6k", "t3na-9rwp-h7xc-2fqu",
			"e6yk-4gbd-s8mj-v5zt", "r9fc-x2pu-n3qw-7hka", "j4ze-m8vs-6tyg-d5bx", "w7uq-3hnp-f9ck-r2ta", "y5xm-b6dg-8zje-4vsk",
		},
		Account: person, Issuer: "login.example.com", Made: at,
	}
	stepCodes := codes
	stepCodes.Step = true

	return []example{
		{"sign_in", flow, page.SignIn{}},
		{"sign_in-plain", page.Frame{FormToken: "token"}, page.SignIn{}},
		{"sign_in-again", known, page.SignIn{Username: person, Why: say("reason.reauthenticate", "Product", product)}},
		{"sign_in-mismatch", wrong(flow, "", "problem.password_mismatch"), page.SignIn{Username: person}},
		{"sign_in-missing", wrong(flow, "username", "problem.username_missing"), page.SignIn{}},
		{"sign_in-no-password", wrong(flow, "password", "problem.password_missing"), page.SignIn{Username: person}},
		{"choose_account", flow, page.ChooseAccount{Name: person, Email: person}},
		{"code", known, page.Code{Method: "totp", Why: say("reason.request", "Product", product), OtherWays: "/login/choose?r=req_1"}},
		{"code-wrong", wrong(known, "code", "problem.code_wrong", "TriesLeft", 4), page.Code{Method: "totp", TriesLeft: 4, OtherWays: "/login/choose?r=req_1"}},
		{"code-tried", known, page.Code{Method: "totp", TriesLeft: 1}},
		{"code-later", known, page.Code{Method: "totp", Why: say("reason.request", "Product", product), Later: true, OtherWays: "/login/choose?r=req_1"}},
		{"code-backup", known, page.Code{Method: "backup_code"}},
		{"code-backup-wrong", wrong(known, "code", "problem.backup_code_wrong", "TriesLeft", 1), page.Code{Method: "backup_code", TriesLeft: 1}},
		{"choose", known, page.Choose{Ways: []page.Way{{Method: "totp", URL: "/login/code?r=req_1"}, {Method: "backup_code", URL: "/login/code?r=req_1&m=b"}}}},
		{"why", forced, page.Why{Reason: page.Say("reason.company", "Company", product)}},
		{"why-later", forced, page.Why{Reason: page.Say("reason.request", "Product", product), Later: true, Until: at}},
		{"set_up_choose", forced, page.SetUpChoose{Base: "/login/set-up"}},
		{"set_up_scan", forced, page.SetUpScan{QR: qr, Key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", URI: "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP", NextURL: "/login/set-up/code?r=req_1"}},
		{"set_up_code", forced, page.SetUpCode{BackURL: "/login/set-up/scan?r=req_1"}},
		{"set_up_code-wrong", wrong(forced, "code", "problem.code_wrong", "TriesLeft", 3), page.SetUpCode{BackURL: "/login/set-up/scan?r=req_1", TriesLeft: 3}},
		{"backup_codes", forced, stepCodes},
		{"backup_codes-unsaved", wrong(account, "saved", "problem.saved_unchecked"), codes},
		{"consent", known, page.Consent{Scopes: []string{"openid", "profile", "email", "phone", "address", "offline_access", "roles", "fleet:read"}, PolicyURI: "https://product.example/privacy", TermURI: "https://product.example/terms"}},
		{"consent-nothing", page.Frame{FormToken: "token", Request: "req_1"}, page.Consent{}},
		{"message-expired", page.Frame{Status: 410}, page.Message{Heading: page.Say("expired.heading"), Body: page.Say("expired.body"), Link: "/", LinkText: page.Say("expired.link")}},
		{"message-failure", page.Frame{Status: 500}, page.Message{Heading: page.Say("failure.heading"), Body: page.Say("failure.body"), Reference: "7f3a91c2"}},
		{"message-refused", forced, page.Message{Heading: page.Say("refuse.product_access.heading"), Body: page.Say("refuse.product_access.body", "Person", person, "Product", product)}},
		{"message-too-many", page.Frame{}, page.Message{Heading: page.Say("too_many.heading"), Body: page.Say("too_many.body", "Until", at), Link: "/", LinkText: page.Say("too_many.link")}},
		{"logout_confirm", page.Frame{FormToken: "token", Product: product}, page.LogoutConfirm{Action: "/logout", Hidden: map[string]string{"state": person}}},
		{"logout_confirm-plain", page.Frame{FormToken: "token"}, page.LogoutConfirm{Action: "/logout"}},
		{"request_error", page.Frame{Status: 400}, page.RequestError{Code: "invalid_request", Description: "redirect_uri is not registered", Expected: "https://product.example/callback", Got: "https://product.example/calback?" + product, Reference: "7f3a91c2"}},
		{"set_password", page.Frame{FormToken: "token"}, page.SetPassword{Email: person, Company: product, MinLength: 15}},
		{"set_password-differs", wrong(page.Frame{FormToken: "token"}, "repeat", "problem.password_differs"), page.SetPassword{Email: person, MinLength: 8}},
		{"set_password-short", wrong(page.Frame{FormToken: "token"}, "password", "problem.password_short", "MinLength", 15), page.SetPassword{Email: person, Company: product, MinLength: 15}},
		{"account", account, full},
		{"account-new", account, page.Account{Email: person}},
		{"account-required", account, required},
		{"account-few", praised, few},
		{"account-gone", account, gone},
		{"account-no-codes", account, noCodes},
		{"first_owner", page.Frame{FormToken: "token"}, page.FirstOwner{MinLength: 15}},
		{"first_owner-again", wrong(page.Frame{FormToken: "token"}, "name", "problem.name_missing"), page.FirstOwner{Company: product, Email: person, MinLength: 15}},
		{"form_post", page.Frame{Product: product, FormActions: []string{"https://product.example"}}, page.FormPost{Action: "https://product.example/callback", Fields: map[string][]string{"code": {"c0de"}, "state": {person, product}}}},
		{"form_post-plain", page.Frame{}, page.FormPost{Action: "https://product.example/callback"}},
		{"confirm", account, page.Confirm{Heading: page.Say("account.codes_new"), Body: page.Say("account.codes_lead"), Button: page.Say("account.codes_new"), BackURL: "/account"}},
	}
}
