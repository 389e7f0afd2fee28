package page_test

import (
	"html/template"
	"slices"
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
	inside := known
	inside.Cancel = false
	account := page.Frame{FormToken: "token", Person: person, SignOut: true}
	told := []page.Told{{Product: product, Frame: "https://product.example/out?iss=https%3A%2F%2Flogin.example&sid=1"}, {Product: "Mail", Frame: "https://mail.example/out"}}
	praised := account
	praised.Notice = say("activity.backup_codes.made")
	full := page.Account{
		Name: person, Email: person, EmailVerified: true, Phone: "•••• 42", TwoStep: true,
		Offers:          map[string]bool{"totp": true, "sms": true, "email": true, "webauthn": true},
		Apps:            []page.Factor{{ID: "f1", Name: "Phone of " + person, Added: at, LastUsed: at.Add(time.Hour)}, {ID: "f2", Name: "Tablet", Added: at}},
		Keys:            []page.Factor{{ID: "k1", Name: "Laptop of " + person, Added: at, LastUsed: at, Synced: true}, {ID: "k2", Name: "Blue key", Added: at, Hardware: true}, {ID: "k3", Name: "Tablet", Added: at}},
		Texts:           []page.Factor{{ID: "t1", Target: "•••• 42", Added: at}},
		Mails:           []page.Factor{{ID: "m1", Target: "a•••@example.com", Added: at, LastUsed: at}},
		SignalKeys:      &page.SignalKeys{RPID: "login.example.com", UserID: "dXNlcg", Credentials: []string{"a2V5MQ", "a2V5Mg"}},
		BackupCodesMade: true, BackupCodesLeft: 6, BackupCodesOf: 10,
		NetworkCheck: true, Console: true,
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
	noCodes.BackupCodesMade, noCodes.SkipNetworkCheck = false, true
	single := full
	single.BackupCodesLeft, single.BackupCodesOf, single.SignalKeys = 1, 1, &page.SignalKeys{}
	locked, lockedNew := full, page.Account{Email: person, Locked: true, PendingEmail: "new-" + person, Offers: full.Offers}
	locked.Locked = true
	fresh := page.Account{Email: person, PendingEmail: "new-" + person, NetworkCheck: true, Offers: full.Offers}
	codes := page.BackupCodes{
		Codes: []string{
			"7kqm-2x9d-rtfw-h3np", "c5vb-8jzs-4gqe-m6ya", "p2hw-k9tn-xd3r-7fcu", "q8ds-5mve-b4jz-yg6k", "t3na-9rwp-h7xc-2fqu",
			"e6yk-4gbd-s8mj-v5zt", "r9fc-x2pu-n3qw-7hka", "j4ze-m8vs-6tyg-d5bx", "w7uq-3hnp-f9ck-r2ta", "y5xm-b6dg-8zje-4vsk",
		},
		Account: person, Issuer: "login.example.com", Made: at,
	}
	stepCodes, oneCode := codes, codes
	stepCodes.Step = true
	oneCode.Codes, oneCode.Resets, oneCode.Action = codes.Codes[:1], true, "/account/backup-codes/saved"
	passkey := page.Passkey{Options: "/login/passkey/options?r=req_1", Action: "/login/passkey?r=req_1"}
	under, sent := &page.Sent{}, &page.Sent{Until: at.Add(90 * time.Second), ResendAt: at.Add(30 * time.Second)}
	failed := &page.Sent{ResendAt: at.Add(30 * time.Second), Failed: true}
	ask := func(id string, pairs ...any) page.Confirm {
		return page.Confirm{Heading: page.Say(id+".heading", pairs...), Body: page.Say(id+".body", pairs...), Button: page.Say(id + ".button"), BackURL: "/account"}
	}
	tell := func(id string, pairs ...any) page.Message {
		return page.Message{Heading: page.Say(id + ".heading"), Body: page.Say(id+".body", pairs...)}
	}
	on := func(id string) page.Message {
		m := tell(id)
		m.Link, m.LinkText = "/account", page.Say(id+".link")
		return m
	}

	return slices.Concat(consoleExamples(product, person), instanceExamples(product, person), []example{
		{"sign_in", flow, page.SignIn{}},
		{"sign_in-plain", page.Frame{FormToken: "token"}, page.SignIn{}},
		{"sign_in-unknown-key", wrong(flow, "", "problem.key_failed"), page.SignIn{Passkey: &passkey, UnknownKey: &page.UnknownKey{RPID: "id.example.com", Credential: "AbC-_1"}}},
		{"sign_in-again", known, page.SignIn{Username: person, Why: say("reason.reauthenticate", "Product", product)}},
		{"sign_in-mismatch", wrong(flow, "", "problem.password_mismatch"), page.SignIn{Username: person}},
		{"sign_in-missing", wrong(flow, "username", "problem.username_missing"), page.SignIn{}},
		{"sign_in-no-password", wrong(flow, "password", "problem.password_missing"), page.SignIn{Username: person}},
		{"sign_in-passkey", flow, page.SignIn{Passkey: &passkey, ForgotURL: "/forgot"}},
		{"sign_in-passkey-again", known, page.SignIn{Passkey: &passkey, ForgotURL: "/forgot"}},
		{"sign_in-passkey-failed", wrong(flow, "", "problem.key_failed"), page.SignIn{Passkey: &passkey}},
		{"choose_account", flow, page.ChooseAccount{Name: person, Email: person}},
		{"code", known, page.Code{Method: "totp", Why: say("reason.request", "Product", product), OtherWays: "/login/choose?r=req_1"}},
		{"code-wrong", wrong(known, "code", "problem.code_wrong", "TriesLeft", 4), page.Code{Method: "totp", TriesLeft: 4, OtherWays: "/login/choose?r=req_1"}},
		{"code-tried", known, page.Code{Method: "totp", TriesLeft: 1}},
		{"code-later", known, page.Code{Method: "totp", Why: say("reason.request", "Product", product), Later: true, OtherWays: "/login/choose?r=req_1"}},
		{"code-backup", known, page.Code{Method: "backup_code"}},
		{"code-backup-wrong", wrong(known, "code", "problem.backup_code_wrong", "TriesLeft", 1), page.Code{Method: "backup_code", TriesLeft: 1}},
		{"code-backup-recovery", known, page.Code{Method: "backup_code", Recovery: "/login/recovery-code?r=req_1", OtherWays: "/login/choose?r=req_1"}},
		{"code-recovery", known, page.Code{Method: "recovery_code", OtherWays: "/login/choose?r=req_1"}},
		{"code-recovery-wrong", wrong(known, "code", "problem.recovery_code_wrong", "TriesLeft", 4), page.Code{Method: "recovery_code", TriesLeft: 4}},
		{"code-sms", known, page.Code{Method: "sms", Target: "•••• 42", Sent: sent, Why: say("reason.company", "Company", product), OtherWays: "/login/choose?r=req_1"}},
		{"code-sms-way", known, page.Code{Method: "sms", Target: "•••• 42", Sent: under}},
		{"code-sms-failed", known, page.Code{Method: "sms", Target: "•••• 42", Sent: failed, OtherWays: "/login/choose?r=req_1"}},
		{"code-sms-failed-none", known, page.Code{Method: "sms", Target: "•••• 42", Sent: &page.Sent{None: true}, OtherWays: "/login/choose?r=req_1"}},
		{"code-sms-wrong", wrong(known, "code", "problem.sent_code_wrong", "TriesLeft", 2), page.Code{Method: "sms", Target: "•••• 42", Sent: sent, TriesLeft: 2}},
		{"code-email", known, page.Code{Method: "email", Target: "a•••@example.com", Sent: sent, Why: say("reason.new_network"), TriesLeft: 3}},
		{"code-email-limit", wrong(known, "", "problem.send_limit", "Until", at), page.Code{Method: "email", Sent: sent}},
		{"use_key", known, page.UseKey{Passkey: passkey, Why: say("reason.company", "Company", product), OtherWays: "/login/choose?r=req_1"}},
		{"use_key-later", wrong(known, "", "problem.key_cloned"), page.UseKey{Passkey: passkey, Later: true}},
		{"choose", known, page.Choose{Ways: []page.Way{{Method: "totp", URL: "/login/code?r=req_1"}, {Method: "backup_code", URL: "/login/code?r=req_1&m=b"}}}},
		{"choose-all", known, page.Choose{Ways: []page.Way{
			{Method: "webauthn", URL: "/login/passkey?r=req_1"}, {Method: "totp", URL: "/login/totp?r=req_1"}, {Method: "sms", URL: "/login/sms?r=req_1", Target: "•••• 42"},
			{Method: "email", URL: "/login/email?r=req_1", Target: "a•••@example.com"}, {Method: "email", URL: "/login/email?r=req_1"},
			{Method: "backup_code", URL: "/login/backup-code?r=req_1"}, {Method: "recovery_code", URL: "/login/recovery-code?r=req_1"},
		}}},
		{"why-recovered", known, page.Why{Reason: page.Say("reason.recovery"), Later: true, Recovered: true}},
		{"why-fixed", func() page.Frame { f := known; f.Cancel, f.Fixed = false, true; return f }(), page.Why{Reason: page.Say("reason.company", "Company", product)}},
		{"why", forced, page.Why{Reason: page.Say("reason.company", "Company", product)}},
		{"why-sign-out", inside, page.Why{Reason: page.Say("reason.company", "Company", product)}},
		{"why-later", forced, page.Why{Reason: page.Say("reason.request", "Product", product), Later: true, Until: at}},
		{"set_up_choose", forced, page.SetUpChoose{Ways: []page.Way{{Method: "totp"}}}},
		{"set_up_choose-all", inside, page.SetUpChoose{Ways: []page.Way{{Method: "webauthn"}, {Method: "totp"}, {Method: "sms"}, {Method: "email"}}}},
		{"set_up_choose-mail", account, page.SetUpChoose{Ways: []page.Way{{Method: "email", Target: "a•••@example.com"}}}},
		{"set_up_choose-none", wrong(forced, "", "problem.method_missing"), page.SetUpChoose{Ways: []page.Way{{Method: "webauthn"}, {Method: "totp"}}}},
		{"set_up_phone", forced, page.SetUpPhone{BackURL: "/login/set-up?r=req_1"}},
		{"set_up_phone-wrong", wrong(forced, "phone", "problem.phone_country", "Countries", "+41, +49"), page.SetUpPhone{Phone: person, Inbound: true, Countries: []string{"+41", "+49"}}},
		{"set_up_text", forced, page.SetUpText{Number: "+41 79 123 45 67", Word: "KITE 42", SMS: "sms:+41791234567?body=KITE%2042", Until: at, BackURL: "/login/set-up/phone?r=req_1"}},
		{"set_up_text-wait", wrong(forced, "", "problem.text_not_yet"), page.SetUpText{Number: "+41 79 123 45 67", Word: "KITE 42", Until: at}},
		{"set_up_key", forced, page.SetUpKey{Passkey: passkey, BackURL: "/login/set-up?r=req_1"}},
		{"set_up_key-account", wrong(account, "name", "problem.name_long"), page.SetUpKey{Passkey: passkey, BackURL: "/account", TwoStep: true}},
		{"set_up_code-sms", forced, page.SetUpCode{Method: "sms", Target: "•••• 42", Sent: sent, BackURL: "/login/set-up/phone?r=req_1"}},
		{"set_up_code-email", wrong(forced, "code", "problem.code_expired"), page.SetUpCode{Method: "email", Target: "a•••@example.com", Sent: under, BackURL: "/login/set-up?r=req_1"}},
		{"set_up_code-sms-account", account, page.SetUpCode{Method: "sms", Sent: failed, BackURL: "/account/text-messages"}},
		{"set_up_code-email-account", account, page.SetUpCode{Method: "email", BackURL: "/account/email-codes"}},
		{"set_up_by_email", known, page.SetUpByEmail{Target: "a•••@example.com", ResendAt: at, BackURL: "/login/set-up?r=req_1"}},
		{"set_up_by_email-account", account, page.SetUpByEmail{Target: "a•••@example.com"}},
		{"set_up_scan", forced, page.SetUpScan{QR: qr, Key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", URI: "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP", NextURL: "/login/set-up/code?r=req_1"}},
		{"set_up_code", forced, page.SetUpCode{BackURL: "/login/set-up/scan?r=req_1"}},
		{"set_up_code-wrong", wrong(forced, "code", "problem.code_wrong", "TriesLeft", 3), page.SetUpCode{BackURL: "/login/set-up/scan?r=req_1", TriesLeft: 3}},
		{"backup_codes", forced, stepCodes},
		{"backup_codes-one", account, oneCode},
		{"backup_codes-unsaved", wrong(account, "saved", "problem.saved_unchecked"), codes},
		{"consent", inside, page.Consent{
			Scopes: []string{"openid", "profile", "email", "phone", "address", "offline_access", "roles", "fleet:read"}, Named: map[string]string{"fleet:read": "See the fleet of " + product},
			LogoURI: "https://cdn.product.example/logo.svg", ClientURI: "https://product.example/about", Contacts: []string{person}, BackTo: "product.example",
			PolicyURI: "https://product.example/privacy", TermURI: "https://product.example/terms",
		}},
		{"consent-unchecked", inside, page.Consent{
			Scopes: []string{"openid", "email"}, SelfRegistered: true, LogoURI: "https://bank.example/logo.svg", ClientURI: "https://bank.example/",
			Contacts: []string{person}, BackTo: "product.example", PolicyURI: "https://bank.example/privacy",
		}},
		{"consent-plain", inside, page.Consent{Scopes: []string{"openid", "fleet:read"}}},
		{"consent-nothing", page.Frame{FormToken: "token", Request: "req_1"}, page.Consent{}},
		{"device_code", page.Frame{FormToken: "token"}, page.DeviceCode{}},
		{"device_code-wrong", wrong(page.Frame{FormToken: "token"}, "user_code", "problem.device_code_wrong"), page.DeviceCode{Code: person}},
		{"device_confirm", page.Frame{FormToken: "token", Product: product}, page.DeviceConfirm{Code: "WDJB-MJHT", IP: "203.0.113.20", Device: "Chrome, Android", Asked: at}},
		{"device_confirm-unchecked", page.Frame{FormToken: "token", Product: product}, page.DeviceConfirm{Code: "WDJB-MJHT", IP: "203.0.113.20", Asked: at, SelfRegistered: true}},
		{"device_confirm-here", page.Frame{FormToken: "token", Product: product}, page.DeviceConfirm{Code: "WDJB-MJHT", IP: "198.51.100.7", SameNetwork: true, Asked: at, Person: person}},
		{"message-device_allowed", page.Frame{Product: product}, page.Message{Heading: page.Say("device_allowed.heading"), Body: page.Say("device_allowed.body", "Product", product)}},
		{"message-expired", page.Frame{Status: 410}, page.Message{Heading: page.Say("expired.heading"), Body: page.Say("expired.body"), Link: "/", LinkText: page.Say("expired.link")}},
		{"message-failure", page.Frame{Status: 500}, page.Message{Heading: page.Say("failure.heading"), Body: page.Say("failure.body"), Reference: "7f3a91c2"}},
		{"message-refused", forced, page.Message{Heading: page.Say("refuse.product_access.heading"), Body: page.Say("refuse.product_access.body", "Person", person, "Product", product)}},
		{"message-too-many", page.Frame{}, page.Message{Heading: page.Say("too_many.heading"), Body: page.Say("too_many.body", "Until", at), Link: "/", LinkText: page.Say("too_many.link")}},
		{"logout_confirm", page.Frame{FormToken: "token", Product: product}, page.LogoutConfirm{Action: "/logout", Hidden: map[string]string{"state": person}}},
		{"logout_confirm-plain", page.Frame{FormToken: "token"}, page.LogoutConfirm{Action: "/logout"}},
		{"signed_out", page.Frame{}, page.SignedOut{}},
		{"signed_out-account", page.Frame{}, page.SignedOut{SignIn: "/account", Products: told}},
		{"signed_out-back", page.Frame{Product: product}, page.SignedOut{Products: told, Next: "https://product.example/bye?state=x&y=1", Back: true}},
		{"signed_out-on", page.Frame{}, page.SignedOut{Products: told[:1], Next: "com.example.app:/bye"}},
		{"request_error", page.Frame{Status: 400}, page.RequestError{Code: "invalid_request", Description: "redirect_uri is not registered", Expected: "https://product.example/callback", Got: "https://product.example/calback?" + product, Reference: "7f3a91c2"}},
		{"set_password", page.Frame{FormToken: "token"}, page.SetPassword{Email: person, Company: product, MinLength: 15}},
		{"set_password-differs", wrong(page.Frame{FormToken: "token"}, "repeat", "problem.password_differs"), page.SetPassword{Email: person, MinLength: 8}},
		{"set_password-short", wrong(page.Frame{FormToken: "token"}, "password", "problem.password_short", "MinLength", 15), page.SetPassword{Email: person, Company: product, MinLength: 15}},
		{"account", account, full},
		{"account-new", account, page.Account{Email: person}},
		{"account-fresh", account, fresh},
		{"account-single", account, single},
		{"account-locked", account, locked},
		{"account-locked-new", wrong(account, "", "problem.changes_locked"), lockedNew},
		{"account-required", account, required},
		{"account-few", praised, few},
		{"account-gone", account, gone},
		{"account-no-codes", account, noCodes},
		{"forgot", page.Frame{FormToken: "token"}, page.Forgot{BackURL: "/login/password?r=req_1"}},
		{"forgot-format", wrong(page.Frame{FormToken: "token"}, "username", "problem.username_format"), page.Forgot{Email: person}},
		{"change_password", account, page.ChangePassword{Email: person, MinLength: 15, BackURL: "/account"}},
		{"change_password-short", wrong(account, "password", "problem.password_short", "MinLength", 8), page.ChangePassword{Email: person, MinLength: 8}},
		{"change_email", account, page.ChangeEmail{Email: person, BackURL: "/account"}},
		{"change_email-same", wrong(account, "email", "problem.email_same"), page.ChangeEmail{Email: person, New: person}},
		{"rename", account, page.Rename{Name: "Phone of " + person, BackURL: "/account"}},
		{"rename-long", wrong(account, "name", "problem.name_long"), page.Rename{Name: person}},
		{"first_owner", page.Frame{FormToken: "token"}, page.FirstOwner{MinLength: 15}},
		{"first_owner-again", wrong(page.Frame{FormToken: "token"}, "name", "problem.name_missing"), page.FirstOwner{Company: product, Email: person, MinLength: 15}},
		{"form_post", page.Frame{Product: product, FormActions: []string{"https://product.example"}}, page.FormPost{Action: "https://product.example/callback", Fields: map[string][]string{"code": {"c0de"}, "state": {person, product}}}},
		{"form_post-plain", page.Frame{}, page.FormPost{Action: "https://product.example/callback"}},
		{"confirm", account, page.Confirm{Heading: page.Say("account.codes_new"), Body: page.Say("account.codes_lead"), Button: page.Say("account.codes_new"), BackURL: "/account"}},
		{"confirm-remove_app", account, ask("remove_app", "Name", person)},
		{"confirm-remove_key", account, ask("remove_key", "Name", person)},
		{"confirm-remove_texts", account, ask("remove_texts", "Target", "•••• 42")},
		{"confirm-remove_mails", account, ask("remove_mails")},
		{"confirm-confirm_address", page.Frame{FormToken: "token"}, ask("confirm_address", "Email", person)},
		{"confirm-change_address", page.Frame{FormToken: "token"}, ask("change_address", "Email", person)},
		{"confirm-set_up_link", page.Frame{FormToken: "token"}, ask("set_up_link")},
		{"confirm-not_me", page.Frame{FormToken: "token"}, ask("not_me")},
		{"message-forgot_sent", page.Frame{}, tell("forgot_sent")},
		{"message-link-sent", account, tell("link.sent", "Email", person)},
		{"message-link-used", page.Frame{Status: 410}, on("link.used")},
		{"message-link-expired", page.Frame{Status: 410}, on("link.expired")},
		{"message-link-unknown", page.Frame{Status: 404}, on("link.unknown")},
		{"message-link-foreign", page.Frame{Status: 403}, on("link.foreign")},
		{"message-address_confirmed", page.Frame{}, on("address_confirmed")},
		{"message-address_changed", page.Frame{}, on("address_changed")},
		{"message-not_me_done", page.Frame{}, tell("not_me_done")},
		{"message-set_up_by_email_needs_address", account, on("set_up_by_email_needs_address")},
		{"message-changes_locked", page.Frame{Status: 403}, tell("refuse.changes_locked")},
	})
}
