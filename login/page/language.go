package page

import "golang.org/x/text/language"

// defaultLanguage is spoken to those whose language we don't know.
const defaultLanguage = "en"

// Languages lists the languages there are messages for, as BCP 47 tags, the
// default first.
func (r *Renderer) Languages() []string {
	tags := make([]string, len(r.words))
	for i, w := range r.words {
		tags[i] = w.lang
	}
	return tags
}

// Language chooses one of Languages: what the product asks for (ui_locales, in
// its order), else the person's own choice, else the browser's
// Accept-Language, else English. What can't be read is passed over.
func (r *Renderer) Language(uiLocales []string, personal, acceptLanguage string) string {
	var asked []language.Tag
	for _, locale := range uiLocales {
		if tag, err := language.Parse(locale); err == nil {
			asked = append(asked, tag)
		}
	}
	accepted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		accepted = nil
	}
	var own []language.Tag
	if tag, err := language.Parse(personal); err == nil {
		own = append(own, tag)
	}
	for _, wanted := range [][]language.Tag{asked, own, accepted} {
		if len(wanted) == 0 {
			continue
		}
		if _, i, confidence := r.matcher.Match(wanted...); confidence != language.No {
			return r.words[i].lang
		}
	}
	return defaultLanguage
}
