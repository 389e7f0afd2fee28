package govern

import (
	"context"
	"io"
	"iter"

	"github.com/sallyport-id/sallyport/login/admin/peoplecsv"
	"github.com/sallyport-id/sallyport/storage"
)

// Export writes the people of a company whom a filter finds, however many, in
// the form of package peoplecsv. What Import doesn't read is there for whoever
// reads the file.
func (g *Govern) Export(ctx context.Context, by Actor, org string, f PeopleFilter, w io.Writer) error {
	// Who took the list along is noted before they get the first line of it.
	err := g.write(ctx, by, SeePeople, org, func(tx *storage.Tx, by Actor) error {
		e := by.event(org, "", g.Now())
		e.Event = "person.exported"
		return tx.Audit(ctx, e)
	})
	if err != nil {
		return err
	}
	return peoplecsv.Write(w, g.everybody(ctx, by, org, f))
}

// everybody goes through a list page by page, and asks at each whether the
// actor may still see it.
func (g *Govern) everybody(ctx context.Context, by Actor, org string, f PeopleFilter) iter.Seq2[peoplecsv.Person, error] {
	f.Limit, f.After = pageMost, ""
	return func(yield func(peoplecsv.Person, error) bool) {
		for {
			page, err := g.People(ctx, by, org, f)
			if err != nil {
				yield(peoplecsv.Person{}, err)
				return
			}
			for _, p := range page.People {
				if !yield(exported(p), nil) {
					return
				}
			}
			if f.After = page.Next; f.After == "" {
				return
			}
		}
	}
}

func exported(p Person) peoplecsv.Person {
	return peoplecsv.Person{
		Row: peoplecsv.Row{
			Email: p.Email, Name: p.Name, GivenName: p.GivenName, FamilyName: p.FamilyName, Kind: p.Kind, Role: p.Role, Phone: p.Phone, Locale: p.Language,
			RequireTwoStep: p.RequireTwoStep,
		},
		TwoFactor: string(p.TwoFactor), Methods: p.Methods, LastSignIn: p.LastSignInAt,
	}
}
