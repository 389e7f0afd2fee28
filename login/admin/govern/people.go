package govern

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Person is somebody as lists show them.
type Person struct {
	ID             string              `json:"id"`
	Email          string              `json:"email"`
	EmailConfirmed bool                `json:"email_confirmed"`
	Name           string              `json:"name,omitempty"`
	GivenName      string              `json:"given_name,omitempty"`
	FamilyName     string              `json:"family_name,omitempty"`
	Phone          string              `json:"phone,omitempty"`
	Language       string              `json:"language,omitempty"`
	Kind           string              `json:"kind"`
	Role           string              `json:"role"`
	Operator       bool                `json:"operator,omitempty"`
	Roles          map[string][]string `json:"product_roles,omitempty"`
	// TwoFactor is the state of two-step verification, Methods the second
	// factors that are enrolled.
	TwoFactor policy.State `json:"two_factor"`
	Methods   []string     `json:"methods"`
	// OwnTwoStep is the person's own wish, RequireTwoStep an administrator's.
	OwnTwoStep     bool      `json:"own_two_step"`
	RequireTwoStep bool      `json:"require_two_step"`
	HasPassword    bool      `json:"has_password"`
	Disabled       bool      `json:"disabled"`
	ChangesLocked  bool      `json:"changes_locked"`
	LastSignInAt   time.Time `json:"last_sign_in_at,omitzero"`
	CreatedAt      time.Time `json:"created_at"`
}

func personOf(u *storage.User, c policy.Company) Person {
	return Person{
		ID: u.ID, Email: u.Email, EmailConfirmed: u.EmailVerified, Name: u.Profile.Name, GivenName: u.Profile.GivenName, FamilyName: u.Profile.FamilyName,
		Phone: u.Phone, Language: u.Profile.Locale, Kind: u.Kind, Role: u.Role, Operator: u.Operator, Roles: u.Roles,
		TwoFactor: policy.TwoFactorState(session.PolicyPerson(&storage.SignedIn{User: *u, Methods: u.SecondFactors}), c), Methods: append([]string{}, u.SecondFactors...),
		OwnTwoStep: u.TwoStep, RequireTwoStep: u.TwoStepRequired, HasPassword: u.PasswordHash != "",
		Disabled: !u.DisabledAt.IsZero(), ChangesLocked: !u.ChangesLockedAt.IsZero(), LastSignInAt: u.LastSignInAt, CreatedAt: u.CreatedAt,
	}
}

// PeopleFilter chooses people of a company. Its conditions hold all at once.
type PeopleFilter struct {
	// Search holds words that begin words of names and addresses.
	Search string
	// TwoFactor, Kind and Role: any where empty.
	TwoFactor   policy.State
	Kind, Role  string
	Unconfirmed bool
	// Status is "enabled", "disabled" or empty for both.
	Status string
	// After is the address the page before ended with; Limit is 50 where it is 0,
	// and at most 200.
	After string
	Limit int
}

// PeoplePage is a page of a list.
type PeoplePage struct {
	People []Person
	// Next is the After of the page that follows; empty: there is none.
	Next string
}

const (
	pageUsual = 50
	pageMost  = 200
)

func pageLimit(asked int) int {
	if asked <= 0 {
		return pageUsual
	}
	return min(asked, pageMost)
}

// People lists people of a company, by address.
func (g *Govern) People(ctx context.Context, by Actor, org string, f PeopleFilter) (page PeoplePage, err error) {
	err = g.read(ctx, by, SeePeople, org, func(r storage.Reader) error {
		q, company, err := g.peopleQuery(ctx, r, org, f)
		if err != nil {
			return err
		}
		limit := pageLimit(f.Limit)
		q.Limit = limit + 1
		users, err := r.People(ctx, q)
		if err != nil {
			return err
		}
		if len(users) > limit {
			users = users[:limit]
			page.Next = users[limit-1].Email
		}
		page.People = make([]Person, len(users))
		for i, u := range users {
			page.People[i] = personOf(u, company)
		}
		return nil
	})
	return page, err
}

// countMost is as far as people are counted that match a search.
const countMost = 10_000

// CountPeople counts the people that a filter chooses, no further than 10,000.
func (g *Govern) CountPeople(ctx context.Context, by Actor, org string, f PeopleFilter) (n int, err error) {
	err = g.read(ctx, by, SeePeople, org, func(r storage.Reader) error {
		q, _, err := g.peopleQuery(ctx, r, org, f)
		if err != nil {
			return err
		}
		q.Limit = countMost
		n, err = r.CountPeople(ctx, q)
		return err
	})
	return n, err
}

// peopleQuery is the filter as storage takes it: the state of two-step
// verification is a matter of rules, so people are chosen by the classes of
// which it is that.
func (g *Govern) peopleQuery(ctx context.Context, r storage.Reader, org string, f PeopleFilter) (q storage.PeopleQuery, company policy.Company, err error) {
	if company, err = g.company(ctx, r, org); err != nil {
		return q, company, err
	}
	q = storage.PeopleQuery{
		OrgID: org, Search: f.Search, Kind: f.Kind, Role: f.Role, Unconfirmed: f.Unconfirmed,
		Disabled: f.Status == "disabled", Enabled: f.Status == "enabled", After: f.After,
	}
	if f.TwoFactor == "" {
		return q, company, nil
	}
	classes, err := r.PeopleClasses(ctx, org)
	q.Classes = []storage.PersonClass{}
	for _, c := range classes {
		if stateOf(c.PersonClass, company) == f.TwoFactor && !slices.Contains(q.Classes, c.PersonClass) {
			q.Classes = append(q.Classes, c.PersonClass)
		}
	}
	return q, company, err
}

func (g *Govern) company(ctx context.Context, r storage.Reader, org string) (policy.Company, error) {
	row, err := r.Org(ctx, org)
	if err != nil {
		return policy.Company{}, err
	}
	return session.CompanyOf(row)
}

// stateOf is the state of the two-step verification of everybody of a class.
func stateOf(c storage.PersonClass, company policy.Company) policy.State {
	return policy.TwoFactorState(classPerson(c), company)
}

func classPerson(c storage.PersonClass) policy.Person {
	u := storage.User{Kind: c.Kind, Role: c.Role, TwoStep: c.TwoStep, TwoStepRequired: c.TwoStepRequired, EmailVerified: c.EmailVerified}
	return session.PolicyPerson(&storage.SignedIn{User: u, Methods: strings.Fields(c.SecondFactors)})
}

// PeopleCounts says how many people a company has of each sort. Disabled
// people are counted only as such.
type PeopleCounts struct {
	All         int                  `json:"all"`
	TwoFactor   map[policy.State]int `json:"two_factor"`
	Kind        map[string]int       `json:"kind"`
	Role        map[string]int       `json:"role"`
	Unconfirmed int                  `json:"unconfirmed"`
	Disabled    int                  `json:"disabled"`
}

// PeopleCounts counts the people of a company.
func (g *Govern) PeopleCounts(ctx context.Context, by Actor, org string) (n PeopleCounts, err error) {
	err = g.read(ctx, by, SeePeople, org, func(r storage.Reader) error {
		company, err := g.company(ctx, r, org)
		if err != nil {
			return err
		}
		classes, err := r.PeopleClasses(ctx, org)
		n = countPeople(classes, company)
		return err
	})
	return n, err
}

func countPeople(classes []storage.ClassCount, company policy.Company) PeopleCounts {
	n := PeopleCounts{TwoFactor: make(map[policy.State]int), Kind: make(map[string]int), Role: make(map[string]int)}
	for _, c := range classes {
		if c.Disabled {
			n.Disabled += c.Count
			continue
		}
		n.All += c.Count
		n.TwoFactor[stateOf(c.PersonClass, company)] += c.Count
		n.Kind[c.Kind] += c.Count
		n.Role[c.Role] += c.Count
		if !c.EmailVerified {
			n.Unconfirmed += c.Count
		}
	}
	return n
}
