package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// PersonClass is what the state of a person's two-step verification depends
// on, and what people are counted and chosen by.
type PersonClass struct {
	Kind, Role               string
	TwoStep, TwoStepRequired bool
	// SecondFactors are the kinds of their factors as the row has them: sorted,
	// once each, separated by a space.
	SecondFactors string
	EmailVerified bool
}

// ClassCount is how many people of a company are of a class.
type ClassCount struct {
	PersonClass
	Disabled bool
	Count    int
}

// PeopleClasses counts the people of a company by class, from an index alone.
func (r Reader) PeopleClasses(ctx context.Context, orgID string) ([]ClassCount, error) {
	type row struct {
		PersonClass
		enabled, disabled int
	}
	rows, err := list(r.run, ctx, "classes of people", func(s scanner) (*row, error) {
		var c row
		err := s.Scan(&c.Kind, &c.Role, &c.TwoStep, &c.TwoStepRequired, &c.SecondFactors, &c.EmailVerified, &c.enabled, &c.disabled)
		return found(&c, err, "class of people")
	}, `
		SELECT kind, role, two_step, two_step_required, second_factors, email_verified,
			SUM(CASE WHEN disabled_at IS NULL THEN 1 ELSE 0 END), SUM(CASE WHEN disabled_at IS NULL THEN 0 ELSE 1 END)
		FROM users WHERE org_id = $1
		GROUP BY kind, role, two_step, two_step_required, second_factors, email_verified
		ORDER BY kind, role, two_step, two_step_required, second_factors, email_verified`, orgID)
	var all []ClassCount
	for _, c := range rows {
		if c.enabled > 0 {
			all = append(all, ClassCount{PersonClass: c.PersonClass, Count: c.enabled})
		}
		if c.disabled > 0 {
			all = append(all, ClassCount{PersonClass: c.PersonClass, Disabled: true, Count: c.disabled})
		}
	}
	return all, err
}

// PeopleQuery chooses people of one company. Its conditions hold all at once.
type PeopleQuery struct {
	// OrgID must be set: nobody lists across companies by mistake.
	OrgID string
	// Search holds words, each of which must begin a word of the person's name
	// or address, in any order and without regard to case and accents. The
	// first six count.
	Search string
	// Classes are those to choose from; nil: any; empty and not nil: nobody.
	Classes []PersonClass
	// Kind and Role: any where empty.
	Kind, Role string
	// Unconfirmed: only people whose address isn't confirmed.
	Unconfirmed bool
	// Disabled, Enabled: only those. Both: nobody.
	Disabled, Enabled bool
	// After is the address that the page before ended with; Limit bounds this
	// page (at least 1).
	After string
	Limit int
}

// ErrNoCompany says that a PeopleQuery names no company.
var ErrNoCompany = errors.New("no company was named")

const (
	maxSearched = 6
	// rare is how many people a word may find to be where the search begins;
	// with more of them, going through the company by address finds a page
	// sooner. Several words may have none of these in common, so that going
	// through the company finds nothing for long: of these it is more.
	rare, rareOfSeveral = 1000, 8000
	// maxArms bounds how many classes are looked up one by one; SQLite takes
	// 500 parts of a query.
	maxArms = 256
)

// People lists the people a query chooses, by address: a page.
func (r Reader) People(ctx context.Context, q PeopleQuery) ([]*User, error) {
	keys, err := r.peopleKeys(ctx, q)
	if err != nil || keys == nil {
		return nil, err
	}
	return list(r.run, ctx, "people", r.scanUser, `
		WITH page AS MATERIALIZED (`+keys.text()+`)
		SELECT `+userColumns+` FROM page CROSS JOIN users u WHERE u.email_key = page.email_key ORDER BY u.email_key`, keys.args...)
}

// CountPeople counts the people a query chooses, whatever its After, but no
// further than Limit.
func (r Reader) CountPeople(ctx context.Context, q PeopleQuery) (n int, err error) {
	q.After = ""
	keys, err := r.peopleKeys(ctx, q)
	if err != nil || keys == nil {
		return 0, err
	}
	err = r.run.queryRow(ctx, `SELECT COUNT(*) FROM (`+keys.text()+`) page`, keys.args...).Scan(&n)
	return n, wrap(err, "count people")
}

// peopleKeys is the query for the address keys of a page; nil: nobody is in it.
// It begins where there is least to read: at a word that few people have, else
// at the classes in question, else at the addresses.
func (r Reader) peopleKeys(ctx context.Context, q PeopleQuery) (*statement, error) {
	if q.OrgID == "" {
		return nil, fmt.Errorf("list people: %w", ErrNoCompany)
	}
	q.Limit = max(q.Limit, 1)
	words := wholeWords(fold(q.Search))
	if len(words) == 0 && strings.TrimSpace(q.Search) != "" {
		return nil, nil // signs alone begin no word
	}
	words = slices.Compact(slices.Sorted(slices.Values(words[:min(len(words), maxSearched)])))
	classes, chosen, err := r.classesOf(ctx, q)
	if err != nil || chosen && len(classes) == 0 || q.Disabled && q.Enabled {
		return nil, err
	}
	first, err := r.rarest(ctx, q.OrgID, words)
	if err != nil {
		return nil, err
	}
	s := &statement{q: q}
	switch {
	case first >= 0:
		s.byWord(words, first, classes)
	case chosen && len(classes) <= maxArms:
		s.byClass(words, classes)
	default:
		s.byAddress(words, classes)
	}
	return s, nil
}

// classesOf are the classes that a query chooses from; chosen is false where
// it takes any.
func (r Reader) classesOf(ctx context.Context, q PeopleQuery) (classes []PersonClass, chosen bool, err error) {
	fits := func(c PersonClass) bool {
		return (q.Kind == "" || c.Kind == q.Kind) && (q.Role == "" || c.Role == q.Role) && !(q.Unconfirmed && c.EmailVerified)
	}
	if q.Classes != nil {
		for _, c := range q.Classes {
			if fits(c) && !slices.Contains(classes, c) {
				classes = append(classes, c)
			}
		}
		return classes, true, nil
	}
	if q.Kind == "" && q.Role == "" && !q.Unconfirmed && !q.Disabled {
		return nil, false, nil
	}
	counts, err := r.PeopleClasses(ctx, q.OrgID)
	for _, c := range counts {
		if fits(c.PersonClass) && (c.Disabled || !q.Disabled) && !slices.Contains(classes, c.PersonClass) {
			classes = append(classes, c.PersonClass)
		}
	}
	return classes, true, err
}

// rarest is the place of the word that fewest people have, -1 where none is rare.
func (r Reader) rarest(ctx context.Context, orgID string, words []string) (place int, err error) {
	place = -1
	most := rare
	if len(words) > 1 {
		most = rareOfSeveral
	}
	for i, fewest := 0, most; i < len(words); i++ {
		var n int
		err := r.run.queryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM user_words WHERE org_id = $1 AND word >= $2 AND word < $3 LIMIT $4) h`,
			orgID, []byte(words[i]), after(words[i]), most).Scan(&n)
		if err != nil {
			return -1, wrap(err, "look for a word")
		}
		if n < fewest {
			place, fewest = i, n
		}
	}
	return place, nil
}

// after is the least that no longer begins with the word.
func after(word string) []byte {
	b := []byte(word)
	b[len(b)-1]++ // UTF-8 has no byte 0xff
	return b
}
