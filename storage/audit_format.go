package storage

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// auditLine is the one form of an event outside the database: what is streamed,
// exported and answered, and what the chain's digests are made of. So it only
// ever grows at its end, by fields that are left out where they are empty;
// TestAuditLineIsStable holds it.
type auditLine struct {
	ID        string `json:"id"`
	At        string `json:"at"`
	Event     string `json:"event"`
	Result    string `json:"result,omitempty"`
	Company   string `json:"company,omitempty"`
	Person    string `json:"person,omitempty"`
	Actor     string `json:"actor,omitempty"`
	Product   string `json:"product,omitempty"`
	Factor    string `json:"factor,omitempty"`
	IP        string `json:"ip,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Decision  string `json:"decision,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// auditTime is RFC 3339 with milliseconds.
const auditTime = "2006-01-02T15:04:05.000Z07:00"

func (e Event) asLine() auditLine {
	return auditLine{
		ID: e.ID, At: e.At.UTC().Format(auditTime), Event: e.Event, Result: e.Result, Company: e.OrgID, Person: e.UserID, Actor: e.Actor,
		Product: e.ClientID, Factor: e.Factor, IP: e.IP, Reason: e.Reason, Decision: e.Decision, RequestID: e.RequestID,
	}
}

// MarshalJSON writes the event with names that don't change: id, at (RFC 3339,
// milliseconds, UTC), event, result, company, person, actor, product, factor,
// ip, reason, decision, request_id. What is empty is left out; company, person
// and product are ids.
func (e Event) MarshalJSON() ([]byte, error) { return json.Marshal(e.asLine()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Event) UnmarshalJSON(text []byte) error {
	var l auditLine
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	at, err := time.Parse(auditTime, l.At)
	if err != nil {
		return fmt.Errorf("event %s: %w", l.ID, err)
	}
	*e = Event{
		ID: l.ID, At: at.UTC(), Event: l.Event, Result: l.Result, OrgID: l.Company, UserID: l.Person, Actor: l.Actor,
		ClientID: l.Product, Factor: l.Factor, IP: l.IP, Reason: l.Reason, Decision: l.Decision, RequestID: l.RequestID,
	}
	return nil
}

// AuditJSON returns the events as JSON, one a line, as they are streamed and
// exported.
func AuditJSON(events []*Event) ([]byte, error) {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for _, e := range events {
		if err := lines.Encode(e.asLine()); err != nil {
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		}
	}
	return b.Bytes(), nil
}

// AuditCSV writes events as a table for spreadsheets, a page at a time; the
// columns are those of the JSON.
type AuditCSV struct {
	w     *csv.Writer
	began bool
}

// NewAuditCSV returns a table on w; its heading comes with the first Write.
func NewAuditCSV(w io.Writer) *AuditCSV { return &AuditCSV{w: csv.NewWriter(w)} }

// Write adds events, if any, and hands what it has to the underlying writer.
func (c *AuditCSV) Write(events []*Event) error {
	if !c.began {
		c.began = true
		c.w.Write([]string{"id", "at", "event", "result", "company", "person", "actor", "product", "factor", "ip", "reason", "decision", "request_id"})
	}
	for _, e := range events {
		l := e.asLine()
		row := []string{l.ID, l.At, l.Event, l.Result, l.Company, l.Person, l.Actor, l.Product, l.Factor, l.IP, l.Reason, l.Decision, l.RequestID}
		for i := range row {
			row[i] = Cell(row[i])
		}
		c.w.Write(row) // its error is Flush's
	}
	c.w.Flush()
	return c.w.Error()
}

// Cell is text as a cell of a CSV file that may be opened as a spreadsheet:
// what would be taken for a formula is made text by an apostrophe.
func Cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
