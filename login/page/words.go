package page

import (
	"embed"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"log/slog"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed messages/*.yaml
var messageFiles embed.FS

// words are all messages of one language. Each exists twice: plain for mails
// and marked for pages. The marked ones are escaped when they are loaded and
// their values when they are filled in, so nobody's name can become markup.
type words struct {
	lang          string
	plain, marked *i18n.Localizer
	messages      map[string]message
}

// message is what must be known of a message to fill it in.
type message struct {
	needs   []string // placeholders without which it makes no sense
	wants   []string // placeholders it asks about by {{if}}
	plurals bool
	// fixed is all there is to say where nothing is to be filled in.
	fixed struct{ plain, marked string }
}

// loadWords reads every file in messages, the default language first. A
// language may have several files, each named WHAT.TAG.yaml beside TAG.yaml.
func loadWords(files fs.FS) ([]*words, error) {
	entries, err := fs.ReadDir(files, "messages")
	if err != nil {
		return nil, fmt.Errorf("list message files: %w", err)
	}
	unmarshal := map[string]i18n.UnmarshalFunc{"yaml": func(b []byte, v any) error { return yaml.Unmarshal(b, v) }}
	plain, marked := i18n.NewBundle(language.English), i18n.NewBundle(language.English)
	var all []*words
	for _, entry := range entries {
		body, err := fs.ReadFile(files, path.Join("messages", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		file, err := i18n.ParseMessageFileBytes(body, entry.Name(), unmarshal)
		if err != nil {
			return nil, fmt.Errorf("messages/%s: %w", entry.Name(), err)
		}
		w := spoken(all, file.Tag.String())
		if w == nil {
			w = &words{lang: file.Tag.String(), messages: make(map[string]message, len(file.Messages))}
			all = append(all, w)
		}
		for _, m := range file.Messages {
			if _, twice := w.messages[m.ID]; twice {
				return nil, fmt.Errorf("messages/%s: %s is in another file already", entry.Name(), m.ID)
			}
			w.messages[m.ID] = describe(m)
			if err := plain.AddMessages(file.Tag, rewrite(m, unmarked)); err != nil {
				return nil, fmt.Errorf("messages/%s: %s: %w", entry.Name(), m.ID, err)
			}
			if err := marked.AddMessages(file.Tag, rewrite(m, asHTML)); err != nil {
				return nil, fmt.Errorf("messages/%s: %s: %w", entry.Name(), m.ID, err)
			}
		}
	}
	for _, w := range all {
		w.plain, w.marked = i18n.NewLocalizer(plain, w.lang), i18n.NewLocalizer(marked, w.lang)
	}
	slices.SortFunc(all, func(a, b *words) int {
		if (a.lang == defaultLanguage) != (b.lang == defaultLanguage) {
			if a.lang == defaultLanguage {
				return -1
			}
			return 1
		}
		return strings.Compare(a.lang, b.lang)
	})
	if len(all) == 0 || all[0].lang != defaultLanguage {
		return nil, fmt.Errorf("messages/%s.yaml is missing", defaultLanguage)
	}
	return all, nil
}

// spoken is the words of a language among those read so far, nil if it is new.
func spoken(all []*words, lang string) *words {
	for _, w := range all {
		if w.lang == lang {
			return w
		}
	}
	return nil
}

// forms are the plural forms of a message that are written out.
func forms(m *i18n.Message) []string {
	return slices.DeleteFunc([]string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other}, func(s string) bool { return s == "" })
}

var placeholder = regexp.MustCompile(`{{(if )?\.(\w+)`)

func describe(m *i18n.Message) message {
	var d message
	for _, form := range forms(m) {
		for _, found := range placeholder.FindAllStringSubmatch(form, -1) {
			if found[1] != "" {
				d.wants = append(d.wants, found[2])
			} else {
				d.needs = append(d.needs, found[2])
			}
		}
	}
	slices.Sort(d.wants)
	d.wants = slices.Compact(d.wants)
	d.needs = slices.DeleteFunc(d.needs, func(name string) bool { return slices.Contains(d.wants, name) })
	slices.Sort(d.needs)
	d.needs = slices.Compact(d.needs)
	d.plurals = len(forms(m)) > 1
	if !d.plurals && len(d.needs)+len(d.wants) == 0 {
		d.fixed.plain, d.fixed.marked = unmarked(m.Other), asHTML(m.Other)
	}
	return d
}

func rewrite(m *i18n.Message, how func(string) string) *i18n.Message {
	c := *m
	for _, form := range []*string{&c.Zero, &c.One, &c.Two, &c.Few, &c.Many, &c.Other} {
		*form = how(*form)
	}
	return &c
}

// unmarked takes the stars away.
func unmarked(s string) string { return strings.ReplaceAll(s, "**", "") }

// asHTML escapes a message and makes **words** strong.
func asHTML(s string) string {
	return strong.ReplaceAllString(escape.Replace(s), "<strong>$1</strong>")
}

var (
	strong = regexp.MustCompile(`\*\*(.+?)\*\*`)
	escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
)

// text fills in a message for where there is no markup.
func (w *words) text(t Text) string { return w.fill(t, false) }

// html fills in a message for a page.
func (w *words) html(t Text) template.HTML {
	return template.HTML(w.fill(t, true)) // both halves are escaped, see words
}

// find is the message an id stands for. A family such as activity. may have a
// member called other for whatever else turns up: it gets the rest of the id
// as its Name.
func (w *words) find(t Text) (Text, bool) {
	if _, known := w.messages[t.ID]; known {
		return t, true
	}
	family, rest, _ := strings.Cut(t.ID, ".")
	if _, known := w.messages[family+".other"]; known {
		return Say(family+".other", "Name", rest), true
	}
	return t, false
}

func (w *words) fill(t Text, marked bool) string {
	t, known := w.find(t)
	id := t.ID
	if !known {
		slog.Error("page: no such message", "id", id, "language", w.lang)
		return html.EscapeString(id)
	}
	about := w.messages[id]
	if about.fixed.plain != "" {
		if marked {
			return about.fixed.marked
		}
		return about.fixed.plain
	}
	values := make(map[string]any, len(t.With))
	var count any
	for name, value := range t.With {
		values[name] = w.value(value, marked)
		if isNumber(value) && slices.Contains(about.needs, name) {
			count = value
		}
	}
	for _, name := range about.needs {
		if _, given := values[name]; !given {
			slog.Error("page: message without a value", "id", id, "missing", name)
			values[name] = ""
		}
	}
	for _, name := range about.wants {
		if _, given := values[name]; !given {
			values[name] = ""
		}
	}
	config := i18n.LocalizeConfig{MessageID: id, TemplateData: values}
	if about.plurals {
		config.PluralCount = count
	}
	localizer := w.plain
	if marked {
		localizer = w.marked
	}
	s, err := localizer.Localize(&config)
	if err != nil {
		slog.Error("page: fill in message", "id", id, "language", w.lang, "error", err)
	}
	return s
}

// isNumber reports whether a value may choose the plural form.
func isNumber(v any) bool {
	switch v.(type) {
	case int, int64:
		return true
	}
	return false
}

// value makes a placeholder's value fit to print.
func (w *words) value(v any, marked bool) any {
	switch v := v.(type) {
	case int, int64:
		return v
	case Text:
		return w.fill(v, marked)
	case *Text:
		return w.fill(*v, marked)
	case time.Time:
		return moment{at: v, words: w, marked: marked}
	case template.HTML:
		if marked {
			return string(v)
		}
	}
	s := fmt.Sprint(v)
	if marked {
		return html.EscapeString(s)
	}
	return s
}
