package govern

import (
	"errors"

	"github.com/sallyport-id/sallyport/storage/apply"
)

// joinProblems is both errors' problems as one, where both are problems with
// fields; else the first error.
func joinProblems(err, more error) error {
	wrong, ok := errors.AsType[*apply.Problems](err)
	also, too := errors.AsType[*apply.Problems](more)
	if ok && too {
		return &apply.Problems{File: wrong.File, List: append(wrong.List, also.List...)}
	}
	return err
}

// renameField says of problems with an entry's field that they are with that
// of a form that stands for it, as the address of an owner stands for a person.
func renameField(err error, from, to string) error {
	wrong, ok := errors.AsType[*apply.Problems](err)
	if !ok {
		return err
	}
	renamed := &apply.Problems{File: wrong.File}
	for _, p := range wrong.List {
		if p.Field == from {
			p.Field, p.Path = to, to
		}
		renamed.List = append(renamed.List, p)
	}
	return renamed
}

// fieldProblem is one mistake of a form.
func fieldProblem(field string, code apply.Code, wrong, remedy string) error {
	return &apply.Problems{List: []apply.Problem{{Path: field, Field: field, Code: code, Wrong: wrong, Remedy: remedy}}}
}
