package page

import (
	"slices"
	"strings"
)

// auditGroups are what the audit can be narrowed to, in the order they are
// offered. An event is in the group with the longest entry that it begins with,
// as password.failed belongs to signing in and other events of password. to the
// account.
func auditGroups() []auditGroup {
	return []auditGroup{
		{"sign_in", []string{
			"sign_in.", "step_up.", "proof.", "session.", "product.entered", "account.entered", "network.", "password.failed", "totp.failed", "sms.failed",
			"email.failed", "webauthn.failed", "webauthn.cloned", "backup_code.", "recovery_code.", "factor.", "device.",
		}},
		{"two_step", []string{
			"totp.", "sms.", "email.", "webauthn.", "backup_codes.", "two_step.", "set_up_link.", "recovery_code.issued", "recovery_code.given",
			"person.two_step_", "person.factors_reset",
		}},
		{"account", []string{"password.", "address.", "phone.", "changes.", "network_check.", "consent.", "sessions."}},
		{"people", []string{"person.", "owner.", "invitation.", "confirmation.", "reminder.", "link.", "task."}},
		{"rules", []string{"rules.", "networks."}},
		{"products", []string{"product.", "registration.", "api_client.", "token."}},
		{"instance", []string{"company.", "keys.", "delivery.", "audit.", "api.", "console."}},
	}
}

type auditGroup struct {
	name   string
	events []string
}

// groupOf is the group of an event, empty where it is in none.
func groupOf(event string) string {
	group, longest := "", 0
	for _, g := range auditGroups() {
		for _, begin := range g.events {
			if strings.HasPrefix(event, begin) && len(begin) > longest {
				group, longest = g.name, len(begin)
			}
		}
	}
	return group
}

// AuditEvents are the events of a group (AuditFilter.Group), sorted; none for a
// group there isn't.
func (r *Renderer) AuditEvents(group string) []string {
	var events []string
	for id := range r.words[0].messages {
		event, said := strings.CutPrefix(id, "audit.")
		if said && event != "other" && group != "" && groupOf(event) == group {
			events = append(events, event)
		}
	}
	slices.Sort(events)
	return events
}
