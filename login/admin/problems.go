package admin

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// problems words what is wrong with the entries of a form, by field: an
// *apply.Problems gives one text for each field, named as in a file without
// what comes after a bracket, and "" for an entry as a whole. Any other error
// gives nil.
func problems(err error) map[string]page.Text {
	wrong, ok := errors.AsType[*apply.Problems](err)
	if !ok {
		return nil
	}
	all := make(map[string]page.Text)
	for _, p := range wrong.List {
		field, _, _ := strings.Cut(p.Field, "[")
		if _, twice := all[field]; !twice {
			all[field] = problemText(field, p.Code)
		}
	}
	return all
}

// firstOf words the first problem, for pages without fields. Of any other
// error it says nothing but that it didn't work.
func firstOf(err error) page.Text {
	if wrong, ok := errors.AsType[*apply.Problems](err); ok && len(wrong.List) > 0 {
		field, _, _ := strings.Cut(wrong.List[0].Field, "[")
		return problemText(field, wrong.List[0].Code)
	}
	return page.Say("field_problem.other")
}

// problemText says what is wrong with a field, and where its kind alone
// doesn't say it, what to write.
func problemText(field string, code apply.Code) page.Text {
	t := page.Say("field_problem." + string(code))
	if slices.Contains(remedied, field) && (code == apply.CodeForm || code == apply.CodeMissing || code == apply.CodeNotAllowed) {
		t.With = map[string]any{"Remedy": page.Say("field_remedy." + field)}
	}
	return t
}

// remedied are the fields with a message field_remedy.FIELD.
var remedied = []string{
	"email", "id", "phone", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "policy_uri", "tos_uri", "people", "companies",
	"rules.network.ranges", "rules.sign_in_from", "rules.machine_from",
}
