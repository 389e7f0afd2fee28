package govern

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// RulesPart is a part of a company's rules that is seen and changed by itself.
type RulesPart string

// The parts. Nothing is lost by saving one while somebody else saves the other.
const (
	AllRules RulesPart = ""
	// Requirements are all rules but the networks below.
	Requirements RulesPart = "requirements"
	// Networks are those from which people may sign in and machines may call.
	Networks RulesPart = "networks"
)

// over is what there is, with this part of it as wanted.
func (p RulesPart) over(was, wanted policy.Rules) policy.Rules {
	switch p {
	case Requirements:
		wanted.SignInFrom, wanted.MachineFrom = was.SignInFrom, was.MachineFrom
	case Networks:
		was.SignInFrom, was.MachineFrom = wanted.SignInFrom, wanted.MachineFrom
		return was
	}
	return wanted
}

// version changes whenever this part of the rules does.
func (p RulesPart) version(r policy.Rules) (string, error) {
	text, err := json.Marshal(p.over(policy.Rules{}, r))
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12]), err
}

// RulesView is a company's rules, and what they can be chosen from.
type RulesView struct {
	Name  string       `json:"name"`
	Rules policy.Rules `json:"rules"`
	// Plan is the second factors that the operator lets the company choose from;
	// null: all.
	Plan policy.Plan `json:"plan"`
	// Versions are for SaveRulesOptions.IfUnchanged, by part.
	Versions map[RulesPart]string `json:"versions"`
}

// Rules shows the rules of a company.
func (g *Govern) Rules(ctx context.Context, by Actor, org string) (v RulesView, err error) {
	err = g.read(ctx, by, SeeRules, org, func(r storage.Reader) error {
		c, err := g.company(ctx, r, org)
		if err != nil {
			return err
		}
		v = RulesView{Name: c.Name, Rules: c.Rules, Plan: c.Plan, Versions: make(map[RulesPart]string)}
		for _, part := range []RulesPart{AllRules, Requirements, Networks} {
			if v.Versions[part], err = part.version(c.Rules); err != nil {
				return err
			}
		}
		return nil
	})
	return v, err
}

// ErrStale says that somebody else changed something since it was read.
var ErrStale = errors.New("it was changed by somebody else meanwhile")

// SaveRulesOptions say how to change rules, and what to do besides.
type SaveRulesOptions struct {
	// Part is what of the rules is meant; the rest stays as it is.
	Part RulesPart
	// IfUnchanged is the version of the part that the change is based on; empty:
	// whatever there is.
	IfUnchanged string
	// MailAll reminds everybody by mail who must set up a second factor and
	// hasn't.
	MailAll bool
	// EndSessions ends the sessions that don't meet the rules any more.
	EndSessions bool
}

// SaveRules changes the rules of a company, in the way that PreviewRules shows,
// and returns the tasks that it began. It refuses what would keep the author
// out (*Refused, code lockout), and returns ErrStale where somebody else was
// faster.
func (g *Govern) SaveRules(ctx context.Context, by Actor, org string, rules policy.Rules, o SaveRulesOptions) (tasks []string, err error) {
	err = g.write(ctx, by, ChangeRules, org, func(tx *storage.Tx, by Actor) error {
		tasks = nil
		c, err := g.putRules(ctx, tx, by, org, rules, o)
		if err != nil {
			return err
		}
		reason, out, err := g.locksOut(ctx, tx.Reader, by, org, c.is)
		if err != nil {
			return err
		}
		if !out {
			reason, out, err = g.locksOutOwners(ctx, tx.Reader, by, org, c.is)
		}
		if err != nil {
			return err
		}
		if out {
			return &Refused{Code: "lockout", Action: ChangeRules, Why: reason.String()}
		}
		begin := func(kind string) error {
			id, err := g.begin(ctx, tx, by, org, kind, taskParams{})
			tasks = append(tasks, id)
			return err
		}
		if o.MailAll {
			if err := begin(taskRequirements); err != nil {
				return err
			}
		}
		if o.EndSessions {
			return begin(taskEndSessions)
		}
		return nil
	})
	return tasks, err
}

// rulesChange is a change of a company's rules: before, after, and the fields
// that differ.
type rulesChange struct {
	was, is policy.Company
	fields  []apply.FieldChange
}

// putRules writes rules, after they were checked as those of a file are.
func (g *Govern) putRules(ctx context.Context, tx *storage.Tx, by Actor, org string, rules policy.Rules, o SaveRulesOptions) (c rulesChange, err error) {
	// Held first: who saves at the same time sees what this wrote.
	if err := tx.HoldOrg(ctx, org); err != nil {
		return c, err
	}
	if c.was, err = g.company(ctx, tx.Reader, org); err != nil {
		return c, err
	}
	if version, err := o.Part.version(c.was.Rules); err != nil || o.IfUnchanged != "" && o.IfUnchanged != version {
		return c, errors.Join(err, ErrStale)
	}
	entry := apply.Company{ID: org, Rules: o.Part.over(c.was.Rules, rules)}
	if err := g.openProducts(ctx, tx.Reader, org, c.was.Rules, entry.Rules); err != nil {
		return c, err
	}
	report, err := g.apply(ctx, tx, by, apply.File{Companies: []apply.Company{entry.Only("rules")}}, apply.Options{OnlyThere: true})
	if err != nil {
		return c, err
	}
	for _, change := range report.Changes {
		c.fields = append(c.fields, change.Fields...)
	}
	c.is, err = g.company(ctx, tx.Reader, org)
	return c, err
}

// openProducts refuses to name products that aren't open to the company: of
// others it isn't told that they are there.
func (g *Govern) openProducts(ctx context.Context, r storage.Reader, org string, was, wanted policy.Rules) error {
	for i, id := range wanted.TwoFactorProducts {
		if slices.Contains(was.TwoFactorProducts, id) {
			continue
		}
		client, err := r.Client(ctx, id)
		open := false
		if err == nil {
			_, open, err = openToCompany(ctx, r, client, org)
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if !open {
			return apply.Unknown(fmt.Sprintf("rules.two_factor_products[%d]", i), id)
		}
	}
	return nil
}

// locksOut says whether rules would keep the actor themselves out of their own
// account, now or once a date in them has come. It is no question for who is of
// another company, and for machines.
func (g *Govern) locksOut(ctx context.Context, r storage.Reader, by Actor, org string, c policy.Company) (reason policy.Reason, out bool, err error) {
	if by.UserID == "" || by.OrgID != org {
		return reason, false, nil
	}
	return g.keepsOut(ctx, r, by, by.UserID, c)
}

// locksOutOwners says whether rules would keep out every owner of a company, so
// that nobody could help anybody any more. Where an owner signs in from isn't
// known: from where the actor is.
func (g *Govern) locksOutOwners(ctx context.Context, r storage.Reader, by Actor, org string, c policy.Company) (reason policy.Reason, out bool, err error) {
	owners, err := r.Owners(ctx, org)
	if err != nil {
		return reason, false, err
	}
	for _, owner := range owners {
		if !owner.DisabledAt.IsZero() {
			continue
		}
		if reason, out, err = g.keepsOut(ctx, r, by, owner.ID, c); err != nil || !out {
			return policy.Reason{}, false, err
		}
	}
	return reason, out, nil
}

// keepsOut says whether rules would keep a person out of their own account.
func (g *Govern) keepsOut(ctx context.Context, r storage.Reader, by Actor, userID string, c policy.Company) (reason policy.Reason, out bool, err error) {
	f, err := g.nextSignIn(ctx, r, by, userID, c)
	if err != nil {
		return reason, false, err
	}
	moments := []policy.Requirement{{}, c.Rules.Staff, c.Rules.Clients, c.Rules.Administrators}
	now := f.Now
	for _, m := range moments {
		if f.Now = m.From.Add(m.Grace); f.Now.Before(now) {
			f.Now = now
		}
		if reason, out = policy.LocksOut(f); out {
			return reason, true, nil
		}
	}
	return policy.Reason{}, false, nil
}

// nextSignIn are the facts of a person's next sign-in to their own account,
// under rules that needn't hold yet, from where the actor is.
func (g *Govern) nextSignIn(ctx context.Context, r storage.Reader, by Actor, userID string, c policy.Company) (f policy.Facts, err error) {
	in, err := r.Person(ctx, userID, ownPages)
	if err != nil {
		return f, err
	}
	client, err := r.Client(ctx, ownPages)
	if err != nil {
		return f, err
	}
	f, err = g.Sessions.Facts(ctx, session.Asked{Client: client, Person: in})
	f.Company = c
	f.Network.Addr, _ = netip.ParseAddr(by.Address)
	if by.OrgID != in.User.OrgID {
		f.Company.Rules.SignInFrom = nil // where the company's people come from isn't known
	}
	return f, err
}
