package governtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// object stands for a part of an address: the value of each name that speaks
// of it.
type object map[string]string

var placeholder = regexp.MustCompile(`\{[a-z-]+\}`)

// kindOf is the object that a name speaks of: {member-email} is a part of
// {member}.
func kindOf(name string) string {
	kind, _, _ := strings.Cut(name, "-")
	if kind == "session" {
		return "member"
	}
	return kind
}

// fill puts objects of a company into a text. What is made for it stays until
// it is used up. {n} is another number each time, and {byte} a small one.
func (w *world) fill(text, company string, self string) string {
	w.t.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		switch name := strings.Trim(found, "{}"); name {
		case "company":
			return company
		case "self":
			return self
		case "n":
			w.n++
			return strconv.Itoa(w.n)
		case "byte": // from 50 to 249
			w.n++
			return strconv.Itoa(50 + w.n%200)
		case "requirements", "networks":
			return w.version(company, name)
		default:
			key := kindOf(name) + " of " + company
			if len(w.pool[key]) == 0 {
				w.pool[key] = w.make(kindOf(name), company)
			}
			value := w.pool[key][0][name]
			if value == "" {
				w.t.Fatalf("nothing is called %s", found)
			}
			return value
		}
	})
}

// usedUp has other objects used from now on in place of those in a text.
func (w *world) usedUp(text, company string) {
	used := make(map[string]bool)
	for _, found := range placeholder.FindAllString(text, -1) {
		used[kindOf(strings.Trim(found, "{}"))+" of "+company] = true
	}
	for key := range used {
		if len(w.pool[key]) > 0 {
			w.pool[key] = w.pool[key][1:]
		}
	}
}

// version is that of a company's rules, which their form carries.
func (w *world) version(company, part string) string {
	w.t.Helper()
	a := w.call(w.crane, http.MethodGet, "/companies/"+company+"/"+part, "")
	if a.status != http.StatusOK {
		w.t.Fatalf("%s of %s: %d %s", part, company, a.status, a.body)
	}
	return strings.Trim(a.header.Get("ETag"), `"`)
}

// atOnce is how many objects of a kind are made together.
const atOnce = 10

// make adds some of a kind to a company, or to the instance.
func (w *world) make(kind, company string) (all []object) {
	w.t.Helper()
	err := w.DB.Write(w.t.Context(), func(tx *storage.Tx) error {
		for range atOnce {
			o, err := w.makeOne(tx, kind, company)
			if err != nil {
				return err
			}
			all = append(all, o)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if kind == "message" {
		for _, o := range all {
			w.giveUp(o["message"])
		}
	}
	return all
}

func (w *world) makeOne(tx *storage.Tx, kind, company string) (object, error) {
	w.n++
	id, ctx, now := fmt.Sprintf("%s-%d", kind, w.n), w.t.Context(), w.Clock.Now()
	var err error
	switch kind {
	case "member", "administrator", "owner", "operator", "disabled", "locked":
		return w.makePerson(tx, kind, company, id)
	case "machine":
		p := apply.NewProduct()
		p.ID, p.Name, p.Company, p.SecretHash = id, "Machine "+id, company, apply.Secret(storage.Hash(toolSecret))
		p.GrantTypes, p.Scopes = []string{session.ClientCredentials}, []string{"people:read"}
		err = w.declareIn(tx, apply.File{Products: []apply.Product{p}})
	case "product":
		p := apply.NewProduct()
		p.ID, p.Name, p.SecretHash, p.RedirectURIs = id, "Product "+id, apply.Secret(storage.Hash(toolSecret)), []string{"https://product.example/"}
		err = w.declareIn(tx, apply.File{Products: []apply.Product{p}})
	case "empty":
		c := apply.NewCompany()
		c.ID, c.Name = id, "Empty "+id
		err = w.declareIn(tx, apply.File{Companies: []apply.Company{c}})
	case "task":
		id = storage.NewID()
		err = tx.InsertTask(ctx, storage.Task{ID: id, OrgID: company, Kind: "remind", Params: json.RawMessage(`{}`), CreatedBy: "command line", Total: 1}, now)
	case "message":
		id, err = tx.QueueMessage(ctx, storage.Outgoing{Kind: storage.OutgoingMail, Target: "x…@acme.example", CreatedAt: now}, "to nobody")
	default:
		w.t.Fatalf("nobody knows how to make a %s", kind)
	}
	return object{kind: id}, err
}

// makePerson adds a person who must use two factors and can be reminded of it,
// whose password somebody tried, and who is signed in somewhere.
func (w *world) makePerson(tx *storage.Tx, kind, company, name string) (object, error) {
	ctx, now := w.t.Context(), w.Clock.Now()
	p := apply.NewPerson()
	p.Email, p.Company, p.Name, p.EmailVerified, p.RequireTwoStep = name+"@"+company+".example", company, name, true, true
	switch kind {
	case "administrator", "owner":
		p.Role = kind
	case "operator":
		p.Operator = true
	case "disabled":
		p.Disabled, p.RequireTwoStep = true, false
	}
	if err := w.declareIn(tx, apply.File{People: []apply.Person{p}}); err != nil {
		return nil, err
	}
	u, err := tx.UserByEmail(ctx, p.Email)
	if err != nil {
		return nil, err
	}
	if kind == "locked" {
		if err := tx.LockChanges(ctx, u.ID, now); err != nil {
			return nil, err
		}
	}
	if _, err := tx.CountAttempt(ctx, factor.PasswordCounterPrefix(u.Email), storage.Backoff{}, now); err != nil {
		return nil, err
	}
	s := storage.Session{
		ID: storage.NewID(), SecretHash: storage.Hash(storage.NewSecret()), UserID: u.ID, IP: "192.0.2.1", CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour),
	}
	return object{kind: u.ID, kind + "-email": p.Email, "session": s.ID}, tx.InsertSession(ctx, s)
}

// giveUp fails to deliver a message, for good.
func (w *world) giveUp(id string) {
	w.t.Helper()
	err := w.DB.DeliverNow(w.t.Context(), storage.OutgoingMail, id, time.Hour, w.Clock.Now, func(context.Context, *storage.Outgoing) error { return storage.ErrUndeliverable })
	if err != nil && !errors.Is(err, storage.ErrUndeliverable) {
		w.t.Fatal(err)
	}
}

func (w *world) declareIn(tx *storage.Tx, f apply.File) error {
	_, err := apply.In(w.t.Context(), tx, &f, apply.Options{Now: w.Clock.Now(), OnlyNew: true})
	return err
}
