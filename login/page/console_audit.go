package page

import (
	"net/url"
	"strings"
	"time"
)

// ConsoleAudit shows what happened in a company, or on the instance, newest
// first. The filter is a form with method get and the fields person, product,
// group, result, from and until; …/audit/export?format=csv or json, with the
// same fields, is all that matches. Older and newer entries are asked for by
// after=CURSOR and before=CURSOR, as in every List.
type ConsoleAudit struct {
	Console
	// List needs its cursors only: Next leads to older entries.
	List
	Filter AuditFilter
	// Products that can be filtered by.
	Products []Option
	Entries  []AuditEntry
	// Chain says how far the entries are sealed; nil for who doesn't see that.
	Chain *AuditChain
}

// AuditFilter narrows the audit. Empty fields don't.
type AuditFilter struct {
	// Person is an address or a part of it, Product a client id.
	Person, Product string
	// Group is "sign_in", "two_step", "account", "people", "rules", "products"
	// or "instance"; Renderer.AuditEvents says which events that is.
	Group string
	// Result is "ok", "refused" or "failed".
	Result string
	// From and Until are days, 2026-03-31, both included (UTC).
	From, Until string
}

// ReadAuditFilter reads the filter from a query.
func ReadAuditFilter(q url.Values) AuditFilter {
	return AuditFilter{
		Person: q.Get("person"), Product: q.Get("product"), Group: q.Get("group"),
		Result: q.Get("result"), From: q.Get("from"), Until: q.Get("until"),
	}
}

// Values are the filter's fields that are set, as a query.
func (f AuditFilter) Values() url.Values {
	q := make(url.Values)
	for field, value := range map[string]string{
		"person": f.Person, "product": f.Product, "group": f.Group, "result": f.Result, "from": f.From, "until": f.Until,
	} {
		if value != "" {
			q.Set(field, value)
		}
	}
	return q
}

// After and Before are links to older and newer entries.
func (a ConsoleAudit) After() string  { return a.link("after", a.Next) }
func (a ConsoleAudit) Before() string { return a.link("before", a.Previous) }

func (a ConsoleAudit) link(name, cursor string) string {
	q := a.Filter.Values()
	q.Set(name, cursor)
	return "?" + q.Encode()
}

// Narrowed reports whether less is shown than all there is.
func (a ConsoleAudit) Narrowed() bool { return a.Filter != AuditFilter{} }

// At is the page's own address without a query.
func (a ConsoleAudit) At() string {
	if a.CompanyID != "" {
		return a.Path("audit")
	}
	return a.Instance("audit")
}

// Export is where all that matches is to be had, as csv or json.
func (a ConsoleAudit) Export(format string) string {
	q := a.Filter.Values()
	q.Set("format", format)
	return a.At() + "/export?" + q.Encode()
}

// AuditEntry is one line of the audit, in facts; the words are found here.
type AuditEntry struct {
	At time.Time
	// Event and Result are those of storage.Event.
	Event, Result string
	// Who did it, and to Whom: the zero Party where it is the same person, or
	// concerns nobody.
	Who, Whom Party
	// Product is the name of the product, empty where there is none.
	Product string
	// Company is the name of the company it happened in, where the reader sees
	// several; empty otherwise.
	Company string
	// Method is "totp", "sms" and so on, as in Way; empty: none.
	Method string
	// From is the address it came from.
	From string
	// Reason is the code of the decision (policy.ReasonCode), with who wanted
	// it: a company or a product. Words are what was written where no code
	// was: an acr, what changed.
	Reason    string
	ReasonWho string
	Words     string
}

// Party is somebody who acts or is acted upon.
type Party struct {
	// Kind is "person", "machine" (an API client), "command_line", "system" (the
	// provider itself) or "unknown"; empty: nobody, as long as Name is too.
	Kind string
	// Name of a person (or their address) or machine; a person without one was
	// deleted.
	Name string
}

// AuditChain is how far the audit is sealed against changes.
type AuditChain struct {
	// SealedUpTo is when the last sealed entry was written; zero: none yet.
	SealedUpTo time.Time
	// Waiting counts the entries after it.
	Waiting int
	// Broken is set where checking failed, with the time of the batch that was
	// changed; zero: it holds.
	Broken time.Time
}

// Text is the party in words.
func (p Party) Text() Text {
	switch {
	case p.Kind == "machine":
		return Say("audit_who.machine", "Name", p.Name)
	case p.Name != "":
		return Say("audit_who.person", "Name", p.Name)
	case p.Kind == "command_line":
		return Say("audit_who.command_line")
	case p.Kind == "system":
		return Say("audit_who.system")
	case p.Kind == "person":
		return Say("audit_who.deleted")
	}
	return Say("audit_who.unknown")
}

// Sentence says what happened.
func (e AuditEntry) Sentence() Text {
	t := Say("audit."+e.Event, "Who", e.Who.Text(), "Whom", "", "Product", e.Product, "Company", e.Company, "Method", "")
	if e.Whom != (Party{}) {
		t.With["Whom"] = e.Whom.Text()
	}
	if e.Method != "" {
		t.With["Method"] = Say("method." + e.Method)
	}
	return t
}

// Why is the decision's reason, nil without one.
func (e AuditEntry) Why() *Text {
	var t Text
	switch {
	case e.Reason != "":
		t = Say("audit_reason."+reasonID(e.Reason), "Who", e.ReasonWho)
	case strings.HasPrefix(e.Words, "urn:sallyport:acr:"), e.Words == "phr", e.Words == "phrh":
		t = Say("acr." + e.Words) // how much a sign-in was worth
	case e.Words != "":
		t = Say("audit_reason.words", "Words", e.Words)
	default:
		return nil
	}
	return &t
}

// reasonID is a reason's code as part of a message id: "new network" is
// new_network.
func reasonID(code string) string {
	return strings.NewReplacer(" ", "_", "'", "").Replace(code)
}

// Groups and Results fill the filter's menus.
func (a ConsoleAudit) Groups() []tick {
	var names []string
	for _, g := range auditGroups() {
		if g.name != "instance" || a.CompanyID == "" {
			names = append(names, g.name)
		}
	}
	return ticks([]string{a.Filter.Group}, names...)
}

func (a ConsoleAudit) Results() []tick {
	return ticks([]string{a.Filter.Result}, "ok", "refused", "failed")
}

func (ConsoleAudit) template() string { return "console_audit" }
