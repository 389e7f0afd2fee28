package page

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"time"
)

// moment is a time inside a message. The message chooses how much of it to
// show: {{.When}} is the clock time, {{.When.Second}} the same with seconds,
// {{.When.Date}} the day, {{.When.Full}} day and clock time. All times are UTC and say so; on pages a <time> element carries the
// instant, and app.js shows it in the reader's own zone.
type moment struct {
	at     time.Time
	words  *words
	marked bool
}

// FullMinute is the first full minute from a time on. Most words show no
// seconds, so whoever is told to wait until 15:05:40 must read 15:06.
func FullMinute(at time.Time) time.Time {
	if full := at.Truncate(time.Minute); full.Before(at) {
		return full.Add(time.Minute)
	}
	return at
}

// String is the clock time: "15:05 UTC".
func (m moment) String() string { return m.show("clock") }

// Second is the clock time to the second, for what lasts no longer than a
// minute or two: "15:05:30 UTC".
func (m moment) Second() string { return m.show("second") }

// Date is the day: "3 March 2026".
func (m moment) Date() string { return m.show("date") }

// Full is day and clock time: "3 March 2026, 15:05 UTC".
func (m moment) Full() string { return m.show("full") }

// show writes the parts named by how: clock, second, date or full.
func (m moment) show(how string) string {
	if m.at.IsZero() {
		return ""
	}
	at := m.at.UTC()
	var shown string
	switch how {
	case "clock":
		shown = m.clock(at)
	case "second":
		shown = m.words.text(Say("time.second", "Hour", at.Format("15"), "Minute", at.Format("04"), "Second", at.Format("05"), "Zone", "UTC"))
	case "date":
		shown = m.date(at)
	default:
		shown = m.words.text(Say("time.full", "Date", m.date(at), "Clock", m.clock(at)))
	}
	if !m.marked {
		return shown
	}
	return fmt.Sprintf(`<time datetime="%s" data-show="%s">%s</time>`,
		at.Format(time.RFC3339), how, html.EscapeString(shown))
}

func (m moment) clock(at time.Time) string {
	return m.words.text(Say("time.clock", "Hour", at.Format("15"), "Minute", at.Format("04"), "Zone", "UTC"))
}

func (m moment) date(at time.Time) string {
	month := at.Format("01")
	if months := strings.Fields(m.words.text(Say("time.months"))); len(months) == 12 {
		month = months[at.Month()-1]
	}
	return m.words.text(Say("time.date", "Day", at.Day(), "Month", month, "Year", at.Year()))
}

// when writes a time outside a message.
func (w *words) when(at time.Time, how string) template.HTML {
	return template.HTML(moment{at: at, words: w, marked: true}.show(how))
}
