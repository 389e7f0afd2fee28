package storage_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

var fullEvent = storage.Event{
	ID: "AbC-_", At: time.Date(2026, 3, 14, 13, 0, 0, 7e6, time.FixedZone("CET", 3600)), Event: "totp.enrolled", Result: storage.OK, OrgID: acme, UserID: ada,
	Actor: "grace", ClientID: board, Factor: "totp", IP: "192.0.2.1", Reason: `a "reason" <b> é`, Decision: "company", RequestID: "req", Batch: 7,
}

// The digests of sealed batches are made of these lines: what is there never
// changes, and what is added is left out where it is empty.
func TestAuditLineIsStable(t *testing.T) {
	lines, err := storage.AuditJSON([]*storage.Event{&fullEvent, {ID: "b", At: noon, Event: "bare"}})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, string(lines), `{"id":"AbC-_","at":"2026-03-14T12:00:00.007Z","event":"totp.enrolled","result":"ok","company":"acme","person":"ada","actor":"grace","product":"dashboard","factor":"totp","ip":"192.0.2.1","reason":"a \"reason\" <b> é","decision":"company","request_id":"req"}
{"id":"b","at":"2026-03-14T12:00:00.000Z","event":"bare"}
`)
}

func TestEventJSON(t *testing.T) {
	text := must(json.Marshal([]storage.Event{fullEvent}))(t)
	var back []storage.Event
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	want := fullEvent
	want.At, want.Batch = want.At.UTC(), 0
	mustEqual(t, back, []storage.Event{want})
	if err := json.Unmarshal([]byte(`{"id":"x","at":"yesterday"}`), new(storage.Event)); err == nil {
		t.Error("read a time that is none")
	}
}

func TestAuditCSV(t *testing.T) {
	var b strings.Builder
	table := storage.NewAuditCSV(&b)
	for _, page := range [][]*storage.Event{{&fullEvent}, {}, {{ID: "=1+1", At: noon, Event: "bare", Reason: "one, \"two\"\nthree"}}} {
		if err := table.Write(page); err != nil {
			t.Fatal(err)
		}
	}
	rows := must(csv.NewReader(strings.NewReader(b.String())).ReadAll())(t)
	mustEqual(t, rows, [][]string{
		{"id", "at", "event", "result", "company", "person", "actor", "product", "factor", "ip", "reason", "decision", "request_id"},
		{"AbC-_", "2026-03-14T12:00:00.007Z", "totp.enrolled", "ok", acme, ada, "grace", board, "totp", "192.0.2.1", `a "reason" <b> é`, "company", "req"},
		{"'=1+1", "2026-03-14T12:00:00.000Z", "bare", "", "", "", "", "", "", "", "one, \"two\"\nthree", "", ""},
	})
}

// No cell is a formula.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a=b": "a=b", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\ta": "'\ta", "\ra": "'\ra", "\n=1": "'\n=1", "'=1": "'=1", "é": "é",
	} {
		mustEqual(t, storage.Cell(text), want)
	}
}
