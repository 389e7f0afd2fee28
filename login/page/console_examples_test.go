package page_test

import (
	"net/url"
	"time"

	"github.com/sallyport-id/sallyport/login/page"
)

// everything may be done.
func everything(actions ...string) map[string]bool {
	may := make(map[string]bool)
	for _, action := range actions {
		may[action] = true
	}
	return may
}

// consoleExamples are the pages of a company's administration, for a company
// and a person of any name.
func consoleExamples(company, person string) []example {
	at := time.Date(2026, time.March, 3, 15, 5, 0, 0, time.UTC)
	f := page.Frame{FormToken: "token", Person: person}
	praised := f
	done := page.Say("console.done.unlock")
	praised.Notice = &done
	wrong := func(problems map[string]page.Text) page.Frame {
		w := f
		w.Problems = problems
		return w
	}
	in := func(current string) page.Console {
		return page.Console{
			Company: company, CompanyID: "c1", Current: current, Role: "owner",
			Items: everything("people", "requirements", "networks", "products", "api-clients", "audit"),
		}
	}
	operator := in("people")
	operator.Role = "operator"
	for _, item := range []string{"companies", "all-products", "keys", "delivery", "all-audit"} {
		operator.Items[item] = true
	}

	rows := []page.PersonRow{
		{ID: "u1", Name: person, Email: person, EmailVerified: true, Role: "owner", Kind: "staff", TwoFactor: "on", Methods: []string{"totp", "webauthn"}, LastSignIn: at, Fixed: true},
		{ID: "u2", Name: "Bruno Keller", Email: "bruno.keller@example.com", Role: "administrator", Kind: "staff", TwoFactor: "pending"},
		{ID: "u3", Email: "client@example.net", EmailVerified: true, Role: "member", Kind: "client", TwoFactor: "off", LastSignIn: at.Add(-90 * 24 * time.Hour), Disabled: true},
		{ID: "u4", Name: "Chiara Rossi", Email: "chiara@example.com", EmailVerified: true, Role: "member", Kind: "staff", TwoFactor: "on", Methods: []string{"sms"}, LastSignIn: at},
	}
	filters := []page.Filter{
		{Name: "two_factor", Options: []page.FilterOption{{Count: 40}, {Value: "on", Count: 21}, {Value: "pending", Count: 12}, {Value: "off", Count: 7}}},
		{Name: "kind", Options: []page.FilterOption{{Count: 40}, {Value: "staff", Count: 31}, {Value: "client", Count: 9}}},
		{Name: "role", Options: []page.FilterOption{{Count: 40}, {Value: "member", Count: 36}, {Value: "administrator", Count: 2}, {Value: "owner", Count: 2}}},
		{Name: "email", Options: []page.FilterOption{{Count: 40}, {Value: "unconfirmed", Count: 3}}},
		{Name: "status", Options: []page.FilterOption{{Count: 40}, {Value: "disabled", Count: 1}}},
	}
	people := page.ConsolePeople{
		Console: in("people"), People: rows, Unconfirmed: 3,
		List: page.List{Filters: filters, Total: 40, Next: "cursor-2"},
		May:  everything("create", "import", "export", "require", "lift", "remind", "confirm"),
	}
	narrowed := people
	narrowed.Console = operator
	narrowed.List = page.List{
		Query: url.Values{"q": {person}, "two_factor": {"pending"}, "after": {"cursor-2"}, "role": {"blue"}}, Total: 4, Previous: "cursor-1",
		Filters: []page.Filter{filters[0], {Name: "role", Options: []page.FilterOption{{Value: "blue", Label: company, Count: 2}}}},
	}
	onlySee := people
	onlySee.May, onlySee.List.Next = nil, ""
	matchless := narrowed
	matchless.People, matchless.May = nil, everything("export")
	nobody := page.ConsolePeople{Console: in("people"), May: everything("create")}

	whole := page.ConsolePerson{
		Console: in("people"), ID: "u1", Name: person, Email: person, EmailVerified: true, Phone: "•••• 42", Kind: "staff", Role: "member",
		TwoFactor: "on", Why: []page.Text{page.Say("reason.company", "Company", company), page.Say("reason.product", "Product", company)}, TwoStep: true, TwoStepRequired: true,
		Methods: []page.PersonMethod{
			{Method: "totp", Name: "Phone of " + person, Added: at, LastUsed: at.Add(time.Hour)},
			{Method: "sms", Target: "•••• 42", Added: at, Locked: true}, {Method: "email", Added: at, Uncounted: true},
		},
		BackupCodesLeft: 2, BackupCodesOf: 10, BackupCodesMade: true, Created: at.Add(-400 * 24 * time.Hour), LastSignIn: at,
		Sessions: []page.Session{{ID: "s1", Device: "Firefox on Linux", From: "198.51.100.7", SignedIn: at, LastActive: at, This: true}, {ID: "s2", Device: "Safari on iPhone", LastActive: at}},
		Products: []page.PersonProduct{{ID: "p1", Name: company, Roles: []page.GivenRole{{ID: "viewer", Name: "May look", Given: true}, {ID: "operator"}, {ID: "staff", ByKind: true}}}, {ID: "p2", Name: "Reports"}},
		Activity: []page.Activity{{At: at, What: page.Say("activity.sign_in.passed"), From: "198.51.100.7"}, {At: at, What: page.Say("activity.totp.enrolled")}},
		MoreURL:  "/console/companies/c1/audit?person=u1",
		May:      everything("edit", "require", "remind", "recovery", "reset", "turn_off", "invite", "confirm", "unlock", "sessions", "roles", "disable", "enable", "delete"),
	}
	troubled := whole
	troubled.EmailVerified, troubled.NoPassword, troubled.Locked, troubled.Disabled, troubled.TwoStep, troubled.TwoFactor = false, true, at, at, false, "pending"
	troubled.Methods, troubled.Sessions, troubled.Products, troubled.Activity, troubled.BackupCodesMade, troubled.LastSignIn = nil, nil, nil, nil, false, time.Time{}
	seen := whole
	seen.May, seen.Phone, seen.Name, seen.TwoFactor, seen.Why, seen.BackupCodesLeft, seen.BackupCodesOf, seen.MoreURL = nil, "", "", "off", nil, 1, 1, ""
	optional := whole
	optional.TwoStepRequired, optional.BackupCodesLeft = false, 8

	bulk := page.ConsoleBulk{
		Console: in("people"), Action: "require", Touched: 12, Already: 3, First: rows, BackURL: "/console/companies/c1/people?q=a",
		Cannot: []page.Text{page.Say("cannot.not_yours", "Person", person), page.Say("cannot.company", "Person", "Bruno Keller")}, Hidden: []page.Hidden{{Name: "action", Value: "require"}, {Name: "person", Value: "u1"}},
	}
	of := func(action string, touched int) page.ConsoleBulk {
		return page.ConsoleBulk{Console: in("people"), Action: action, Touched: touched, Already: 1, First: rows[:min(touched, 2)]}
	}
	form := page.ConsolePersonForm{Console: in("people"), Kind: "staff", Role: "member", Roles: []string{"member", "administrator", "owner"}, Invite: true}
	edit := page.ConsolePersonForm{Console: in("people"), ID: "u1", Email: person, Name: person, GivenName: "Ana", FamilyName: "Silva", Kind: "client", Role: "member", Roles: []string{"member"}, Phone: "+41 79 123 45 67", Language: "de"}
	stale := wrong(map[string]page.Text{"": page.Say("console.not_fresh.body")})
	stale.ConfirmURL = "/console/confirm"
	fixed := edit
	fixed.FixedEmail, fixed.Name = true, ""
	csv := "email,name\n" + person + "," + person + "\n"
	take := page.ConsoleImport{Console: in("people"), Columns: []string{"email", "name", "given_name", "family_name", "kind", "role", "phone", "language"}, Required: []string{"email", "name"}, Example: "email,name,kind\nana@example.com,Ana Silva,staff\n", Limit: 1000}
	again := take
	again.CSV = csv

	requirements := page.ConsoleRequirements{
		Console: in("requirements"),
		Groups:  []page.GroupForm{{Group: "staff", Mode: "required", From: "2026-04-01", Grace: "14"}, {Group: "clients"}, {Group: "administrators", Mode: "off"}},
		Methods: []page.MethodChoice{{Method: "webauthn", Allowed: true}, {Method: "totp", Allowed: true}, {Method: "sms", Unplanned: true}, {Method: "email"}},
		Lengths: true, CodeSeconds: "90", Idle: "12", Absolute: "168", SetUpByEmail: true, NewNetworkCheck: true, RecoveryMustSetUp: true, BackupCodes: 10,
		NetworkMode: "everywhere_except", NetworkRanges: "203.0.113.0/24\n2001:db8::/32", EmailCodeFulfils: true,
		Products: []page.AlwaysProduct{{ID: "p1", Name: company, ByOperator: true}, {ID: "p2", Name: "Reports", ByCompany: true}, {ID: "p3", Name: "Wiki"}},
		May:      everything("change"),
		Test: page.RequirementTest{Person: person, Product: "p1", From: "203.0.113.7", Products: []page.ProductOption{{ID: "p1", Name: company}},
			Result: &page.RequirementResult{Verdict: "asked", Demands: []page.TestedDemand{
				{Why: page.Say("reason.company", "Company", company), Until: at}, {Why: page.Say("reason.product", "Product", company), Met: true},
			}}},
	}
	loose := page.ConsoleRequirements{
		Console: in("requirements"), Groups: []page.GroupForm{{Group: "staff", Mode: "optional"}}, BackupCodes: 1, BackupCodeResets: true, RecoveryOnly: true, NetworkMode: "only_from",
		Test: page.RequirementTest{Result: &page.RequirementResult{Verdict: "not_asked"}},
	}
	bad := requirements
	bad.BackupCodes, bad.Idle, bad.Test.Result = 5, "many", nil
	refusal := page.Say("refuse.network.body", "Company", company)
	refused := loose
	refused.Test.Result = &page.RequirementResult{Verdict: "refused", Refusal: &refusal}
	lockOut := page.Say("warning.lock_out")
	required := page.Say("rule_value.required", "When", at, "Grace", 14)
	preview := page.ConsoleRequirementsPreview{
		Console: in("requirements"),
		Changes: []page.Change{
			{About: page.Say("rule.staff"), Before: page.Say("rule_value.optional"), After: required},
			{About: page.Say("rule.network_ranges"), Before: page.Say("rule_value.none"), After: page.Say("rule_value.list", "List", "203.0.113.0/24, "+person)},
		},
		Touched:  []page.Text{page.Say("touched.must_set_up", "Count", 37), page.Say("touched.unconfirmed", "Count", 4)},
		Warnings: []page.Text{page.Say("warning.machines", "Clients", company)}, Mail: 37, End: 12,
		Hidden: []page.Hidden{{Name: "staff_mode", Value: "required"}},
	}
	denied := preview
	denied.Refused = &lockOut
	networks := page.ConsoleNetworks{
		Console: in("networks"), SignInFrom: "203.0.113.0/24 # " + company, Machines: "198.51.100.9 # " + person, You: "203.0.113.7", Inside: true, May: everything("change"),
		Test: page.NetworkTest{From: "192.0.2.1", Result: &page.NetworkResult{SignIn: true, Machines: true, Asked: true}},
	}
	outside := page.ConsoleNetworks{Console: in("networks"), SignInFrom: "203.0.113.0/24", You: "192.0.2.1", Stops: []string{company, "nightly export"}, Test: page.NetworkTest{Result: &page.NetworkResult{}}}
	task := page.ConsoleTask{Console: in("people"), ID: "t1", Heading: page.Say("task_kind.remind"), State: "running", Mails: true, Total: 40, Waiting: 21, Sent: 18, Failed: 1, Started: at, By: person, May: everything("cancel"), BackURL: "/console/companies/c1/people"}
	finished := task
	finished.State, finished.Finished, finished.Waiting, finished.Sent = "done", at.Add(time.Minute), 0, 39
	finished.Failures = []page.TaskFailure{{Who: person, Why: page.Say("task_failure.bounced")}}
	stopped, failed := finished, finished
	stopped.State, failed.State, failed.BackURL = "cancelled", "failed", ""
	changing := task
	changing.Heading, changing.Mails = page.Say("task_kind.require"), false
	confirm := func(id string, danger bool) page.ConsoleConfirm {
		return page.ConsoleConfirm{
			Console: in("people"), Heading: page.Say("do."+id+".heading", "Person", person), Body: []page.Text{page.Say("do." + id + ".body")}, Button: page.Say("do." + id + ".button"),
			Danger: danger, BackURL: "/console/companies/c1/people/u1",
		}
	}
	elsewhere := confirm("networks", false)
	elsewhere.Action, elsewhere.Hidden, elsewhere.BackURL = "/console/companies/c1/networks", []page.Hidden{{Name: "sign_in_from", Value: person}}, ""
	elsewhere.Body = append(elsewhere.Body, page.Say("do.networks.machines"))

	return []example{
		{"console_people", f, people},
		{"console_people-narrowed", praised, narrowed},
		{"console_people-only-see", f, onlySee},
		{"console_people-matchless", f, matchless},
		{"console_people-nobody", f, nobody},
		{"console_bulk", f, bulk},
		{"console_bulk-lift", f, of("lift", 1)},
		{"console_bulk-remind", f, of("remind", 2)},
		{"console_bulk-confirm", f, of("confirm", 0)},
		{"console_person_form", f, form},
		{"console_person_form-wrong", wrong(map[string]page.Text{"email": page.Say("problem.email_taken"), "name": page.Say("problem.their_name_missing"), "": page.Say("problem.form_stale"), "role": page.Say("problem.choice")}), form},
		{"console_person_form-edit", f, edit},
		{"console_person_form-stale", stale, edit},
		{"console_person_form-fixed", wrong(map[string]page.Text{"phone": page.Say("problem.phone_format"), "given_name": page.Say("problem.name_long"), "family_name": page.Say("problem.name_long"), "kind": page.Say("problem.choice"), "language": page.Say("problem.choice")}), fixed},
		{"console_import", f, take},
		{"console_import-wrong", wrong(map[string]page.Text{"csv": page.Say("problem.csv_missing"), "file": page.Say("problem.csv_long", "Limit", 1000)}), again},
		{"console_import_preview", f, page.ConsoleImportPreview{Console: in("people"), CSV: csv, Created: 37, Changed: 2, Same: 1, Invite: true}},
		{"console_import_preview-wrong", f, page.ConsoleImportPreview{Console: in("people"), CSV: csv, Created: 3, Wrong: []page.ImportProblem{
			{Line: 3, Column: "kind", Value: person, What: page.Say("problem.csv_value", "Values", "staff, client")}, {Line: 9, What: page.Say("problem.csv_format", "Line", 9)},
		}}},
		{"console_import_preview-nothing", f, page.ConsoleImportPreview{Console: in("people"), CSV: csv, Same: 4}},
		{"console_person", praised, whole},
		{"console_person-troubled", f, troubled},
		{"console_person-seen", f, seen},
		{"console_person-optional", f, optional},
		{"console_confirm", f, confirm("cancel_task", true)},
		{"console_confirm-elsewhere", f, elsewhere},
		{"console_recovery_issued", f, page.ConsoleRecoveryIssued{Console: in("people"), Code: "7kqm-2x9d-rtfw-h3np", Person: person, Email: person, Until: at, BackURL: "/console/companies/c1/people/u1"}},
		{"console_recovery_issued-nameless", f, page.ConsoleRecoveryIssued{Console: in("people"), Code: "7kqm-2x9d-rtfw-h3np", Email: person, Until: at}},
		{"console_requirements", f, requirements},
		{"console_requirements-loose", f, loose},
		{"console_requirements-refused", wrong(map[string]page.Text{"test_person": page.Say("problem.person_unknown"), "test_from": page.Say("problem.ip_format")}), refused},
		{"console_requirements-wrong", wrong(map[string]page.Text{
			"staff_mode": page.Say("problem.choice"), "staff_from": page.Say("problem.date_format"), "staff_grace": page.Say("problem.number_between", "Min", 0, "Max", 365),
			"methods": page.Say("problem.methods_missing"), "network_mode": page.Say("problem.choice"), "network_ranges": page.Say("problem.range_format", "Range", person), "backup_codes": page.Say("problem.choice"),
			"backup_code_resets": page.Say("problem.resets_many"), "code_seconds": page.Say("problem.number_between", "Min", 30, "Max", 300), "session_idle": page.Say("problem.idle_longer"), "session_absolute": page.Say("problem.number_between", "Min", 1, "Max", 720),
		}), bad},
		{"console_requirements_preview", f, preview},
		{"console_requirements_preview-refused", f, denied},
		{"console_requirements_preview-nothing", f, page.ConsoleRequirementsPreview{Console: in("requirements")}},
		{"console_networks", f, networks},
		{"console_networks-outside", f, outside},
		{"console_networks-wrong", wrong(map[string]page.Text{"sign_in_from": page.Say("problem.range_format", "Range", company), "machines": page.Say("problem.ranges_missing"), "test_from": page.Say("problem.ip_format")}), networks},
		{"console_company_products", f, page.ConsoleCompanyProducts{Console: in("products"), May: everything("change"), Products: []page.CompanyProduct{
			{ID: "p1", Name: company, AlwaysByOperator: true, Roles: []string{"viewer", "operator"}, WithRoles: 12},
			{ID: "p2", Name: "Reports", Kinds: []string{"staff", "client"}, AlwaysByCompany: true, People: 3}, {ID: "p3", Name: "Wiki", People: 1},
		}}},
		{"console_company_products-see", f, page.ConsoleCompanyProducts{Console: in("products"), Products: []page.CompanyProduct{{ID: "p1", Name: company}}}},
		{"console_company_products-none", f, page.ConsoleCompanyProducts{Console: in("products")}},
		{"console_task", f, task},
		{"console_task-changing", f, changing},
		{"console_task-done", f, finished},
		{"console_task-stopped", f, stopped},
		{"console_task-failed", f, failed},
	}
}
