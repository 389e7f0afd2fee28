package storage

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AuditQuery says which events are wanted. What is empty restricts nothing,
// except the company: without one, Everywhere must be set.
type AuditQuery struct {
	OrgID string
	// Everywhere asks for the events of all companies and of none: for the
	// operator of the instance.
	Everywhere bool
	// UserID is whom it concerns, or who did it to somebody else.
	UserID   string
	ClientID string
	// Event is a name, or the beginning of names up to a dot: "password.".
	Event string
	// Events are names of which one must fit; none: any.
	Events []string
	// Result is OK, Refused or Failed.
	Result string
	// From is the first moment, Until the first after it.
	From, Until time.Time
	// Before is the [Event.Cursor] of the last event on the page before.
	Before string
	// Limit is how many at most; 0: 50, and never more than 1,000.
	Limit int
}

// ErrNoCursor says that Before of an AuditQuery is none of ours.
var ErrNoCursor = errors.New("this is no place in the audit")

var errNoCompany = errors.New("search audit: neither a company nor everywhere")

// Cursor is the event's place in the order of [Reader.AuditSearch].
func (e Event) Cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(e.At.UnixMilli(), 10) + " " + e.ID))
}

func parseCursor(text string) (at int64, id string, err error) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return 0, "", ErrNoCursor
	}
	ms, id, _ := strings.Cut(string(plain), " ")
	if at, err = strconv.ParseInt(ms, 10, 64); err != nil || id == "" || strings.Contains(id, "\x00") {
		return 0, "", ErrNoCursor
	}
	return at, id, nil
}

// AuditKnows says whether the audit tells of a company, which may be gone.
func (r Reader) AuditKnows(ctx context.Context, orgID string) (yes bool, err error) {
	err = r.run.queryRow(ctx, `SELECT EXISTS (SELECT 1 FROM audit WHERE org_id = $1)`, orgID).Scan(&yes)
	return yes, wrap(err, "look for a company in the audit")
}

// AuditSearch lists events, newest first.
func (r Reader) AuditSearch(ctx context.Context, q AuditQuery) ([]*Event, error) {
	query, args, err := q.sql()
	if err != nil {
		return nil, err
	}
	events, err := list(r.run, ctx, "audit", scanEvent, query, args...)
	if isNoText(err) {
		return nil, nil
	}
	return events, err
}

// AuditEach calls fn with page after page of what AuditSearch lists, until
// there is no more; the Limit of q is the size of a page.
func (r Reader) AuditEach(ctx context.Context, q AuditQuery, fn func([]*Event) error) error {
	q.Limit = q.limit()
	for {
		page, err := r.AuditSearch(ctx, q)
		if err != nil {
			return err
		}
		if err := fn(page); err != nil {
			return err
		}
		if len(page) < q.Limit {
			return nil
		}
		q.Before = page[len(page)-1].Cursor()
	}
}

const (
	auditPage, auditPageMost = 50, 1000

	auditColumns = `id, at, event, result, org_id, user_id, actor, client_id, factor, ip, reason, decision, request_id, COALESCE(batch, 0) AS batch`
)

func scanEvent(row scanner) (*Event, error) {
	var e Event
	err := row.Scan(&e.ID, into(&e.At), &e.Event, &e.Result, &e.OrgID, &e.UserID, &e.Actor, &e.ClientID, &e.Factor, &e.IP, &e.Reason, &e.Decision, &e.RequestID, &e.Batch)
	return found(&e, err, "event")
}

func (q AuditQuery) limit() int {
	if q.Limit <= 0 {
		return auditPage
	}
	return min(q.Limit, auditPageMost)
}

// sql is the statement of a query. One column leads to the rows by its index,
// in their order: the person, who has the fewest, else the company, whose
// administrators then wait for their own events only, else the product. The
// others are compared as expressions, which keeps SQLite, which has no
// statistics, from choosing their index instead.
func (q AuditQuery) sql() (string, []any, error) {
	if q.OrgID == "" && !q.Everywhere {
		return "", nil, errNoCompany
	}
	var w conditions
	by := func(column, value string, leads bool) {
		switch {
		case value == "":
		case leads:
			w.add(column+" = $", value)
		default:
			w.add(column+" || '' = $", value)
		}
	}
	by("org_id", q.OrgID, q.UserID == "")
	by("client_id", q.ClientID, q.UserID == "" && q.OrgID == "")
	if prefix, ok := strings.CutSuffix(q.Event, "."); ok {
		w.terms = append(w.terms, fmt.Sprintf("substr(event, 1, $%d) = $%d", w.arg(len(prefix)+1), w.arg(q.Event)))
	} else if q.Event != "" {
		w.add("event = $", q.Event)
	}
	if len(q.Events) > 0 {
		w.terms = append(w.terms, "event IN "+placeholders(len(w.args), len(q.Events)))
		w.args = append(w.args, anys(q.Events)...)
	}
	if q.Result != "" {
		w.add("result = $", q.Result)
	}
	switch {
	case !q.From.IsZero():
		w.add("at >= $", stamp(q.From))
	case q.OrgID == "" && q.UserID == "" && q.ClientID == "":
		w.add("at >= $", 0) // so that time leads where nothing else does
	}
	if !q.Until.IsZero() {
		w.add("at < $", stamp(q.Until))
	}
	if q.Before != "" {
		at, id, err := parseCursor(q.Before)
		if err != nil {
			return "", nil, err
		}
		w.add("at <= $", at)
		w.terms = append(w.terms, fmt.Sprintf("(at < $%d OR id < $%d)", w.arg(at), w.arg(id)))
	}
	const newestFirst = ` ORDER BY at DESC, id DESC LIMIT `
	limit := "$" + strconv.Itoa(w.arg(q.limit()))
	if q.UserID == "" {
		return `SELECT ` + auditColumns + ` FROM audit` + w.where() + newestFirst + limit, w.args, nil
	}
	// Each half by its own index, as far as the page needs it.
	user := "$" + strconv.Itoa(w.arg(q.UserID))
	half := func(name string, more ...string) string {
		h := conditions{terms: append(more, w.terms...)}
		return `SELECT * FROM (SELECT ` + auditColumns + ` FROM audit` + h.where() + newestFirst + limit + `) AS ` + name
	}
	return half("concerned", "user_id = "+user) +
		` UNION ALL ` + half("did", "actor = "+user, "actor <> ''", "user_id || '' <> "+user) +
		newestFirst + limit, w.args, nil
}

// conditions are the terms of a WHERE with their arguments.
type conditions struct {
	terms []string
	args  []any
}

// add adds a term that ends in the number of its argument.
func (c *conditions) add(term string, arg any) {
	c.terms = append(c.terms, term+strconv.Itoa(c.arg(arg)))
}

// arg adds an argument and returns its number.
func (c *conditions) arg(v any) int {
	c.args = append(c.args, v)
	return len(c.args)
}

func (c *conditions) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}
