package govern

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// RulesPreview says what other rules would change, and for whom. Disabled
// people aren't counted.
type RulesPreview struct {
	// Was and Is are the rules before and after, Changes where they differ.
	Was     policy.Rules        `json:"-"`
	Is      policy.Rules        `json:"-"`
	Changes []apply.FieldChange `json:"changes"`
	// MustEnrol are people who become Pending; Unconfirmed of them have no
	// confirmed address.
	MustEnrol   int `json:"must_enrol"`
	Unconfirmed int `json:"unconfirmed"`
	// Mail are all who are Pending then and can be reminded.
	Mail int `json:"mail"`
	// AlreadyOn are people who are On before and after, Asked those who become
	// On, NoLonger those who become Off.
	AlreadyOn int `json:"already_on"`
	Asked     int `json:"asked"`
	NoLonger  int `json:"no_longer"`
	// MethodLost are people whose second factors all cease to count.
	MethodLost int `json:"method_lost"`
	// RecoveryOnly are people who get in only with a recovery code, and could
	// set up a second factor before.
	RecoveryOnly int `json:"recovery_only"`
	// EmailOnly are people of whom a second factor is required and whose e-mail
	// codes cease to be enough.
	EmailOnly int `json:"email_only"`
	// Machines are API clients that are refused while the rules name no networks
	// for them.
	Machines []Machine `json:"machines"`
	// SessionsShort are running sessions that don't meet the rules; SessionsMore:
	// there are more than were counted.
	SessionsShort int  `json:"sessions_short"`
	SessionsMore  bool `json:"sessions_more"`
	// LockedOut is why the actor could not get in any more; nil: they could.
	LockedOut *policy.Reason `json:"-"`
	// Lifts: something is no longer required of somebody.
	Lifts bool `json:"lifts"`
}

// Machine is an API client.
type Machine struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// mostSessions bounds how many sessions a preview looks at.
const mostSessions = 5000

// PreviewRules says what SaveRules would change. The error is *apply.Problems
// where the rules make no sense. It is no part of [Govern.Within], for it takes
// its transaction back.
func (g *Govern) PreviewRules(ctx context.Context, by Actor, org string, rules policy.Rules, part RulesPart) (p RulesPreview, err error) {
	err = g.write(ctx, by, ChangeRules, org, func(tx *storage.Tx, by Actor) error {
		c, err := g.putRules(ctx, tx, by, org, rules, SaveRulesOptions{Part: part})
		if err != nil {
			return err
		}
		p = RulesPreview{Was: c.was.Rules, Is: c.is.Rules, Changes: append([]apply.FieldChange{}, c.fields...)}
		if err := g.touched(ctx, tx.Reader, org, c, &p); err != nil {
			return err
		}
		if p.Machines, err = stopped(ctx, tx.Reader, org, c.is); err != nil {
			return err
		}
		if err := g.countShort(ctx, tx.Reader, org, c.is, &p); err != nil {
			return err
		}
		reason, out, err := g.locksOut(ctx, tx.Reader, by, org, c.is)
		if err == nil && !out {
			reason, out, err = g.locksOutOwners(ctx, tx.Reader, by, org, c.is)
		}
		if err != nil {
			return err
		}
		if out {
			p.LockedOut = &reason
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return p, err
}

// touched counts the people whom a change touches, by their classes.
func (g *Govern) touched(ctx context.Context, r storage.Reader, org string, c rulesChange, p *RulesPreview) error {
	classes, err := r.PeopleClasses(ctx, org)
	for _, class := range classes {
		if class.Disabled {
			continue
		}
		p.count(class, c)
	}
	if p.MustEnrol == 0 || !g.MailGoesOut {
		p.Mail = 0
	}
	return err
}

func (p *RulesPreview) count(class storage.ClassCount, c rulesChange) {
	person := classPerson(class.PersonClass)
	was, is := policy.TwoFactorState(person, c.was), policy.TwoFactorState(person, c.is)
	add := func(to *int, when bool) {
		if when {
			*to += class.Count
		}
	}
	pending := is == policy.StatePending && was != policy.StatePending
	add(&p.MustEnrol, pending)
	add(&p.Unconfirmed, pending && !class.EmailVerified)
	add(&p.Mail, is == policy.StatePending && class.EmailVerified)
	add(&p.AlreadyOn, is == policy.StateOn && was == policy.StateOn)
	add(&p.Asked, is == policy.StateOn && was != policy.StateOn)
	add(&p.NoLonger, is == policy.StateOff && was != policy.StateOff)
	counts := func(c policy.Company) bool { return slices.ContainsFunc(person.Methods, c.Allows) }
	add(&p.MethodLost, counts(c.was) && !counts(c.is))
	add(&p.RecoveryOnly, c.is.Rules.RecoveryOnly && is == policy.StatePending && len(person.Methods) == 0 && (pending || !c.was.Rules.RecoveryOnly))
	onlyMail := slices.Equal(strings.Fields(class.SecondFactors), []string{string(policy.Email)})
	add(&p.EmailOnly, onlyMail && is != policy.StateOff && !c.is.Rules.EmailCodeFulfils && (c.was.Rules.EmailCodeFulfils || was == policy.StateOff))
	p.Lifts = p.Lifts || is == policy.StateOff && was != policy.StateOff
}

// stopped are the API clients of a company that its rules refuse wherever they
// call from.
func stopped(ctx context.Context, r storage.Reader, org string, c policy.Company) ([]Machine, error) {
	all := []Machine{}
	reason, may := policy.MachineMayEnter(c, netip.Addr{})
	if may || reason.Code != policy.MachineNetworks {
		return all, nil
	}
	clients, err := r.Clients(ctx)
	for _, client := range clients {
		if client.Org == org && slices.Contains(client.GrantTypes, "client_credentials") {
			all = append(all, Machine{ID: client.ID, Name: client.Name})
		}
	}
	return all, err
}

// countShort counts the running sessions that don't meet the rules.
func (g *Govern) countShort(ctx context.Context, r storage.Reader, org string, c policy.Company, p *RulesPreview) error {
	seen, after := 0, ""
	for {
		sessions, err := r.OrgSessions(ctx, org, ownPages, after, g.idle(c), g.Now(), stepSize)
		if err != nil || len(sessions) == 0 {
			return err
		}
		for _, in := range sessions {
			short, err := g.fallsShort(in, c)
			if err != nil {
				return err
			}
			if short {
				p.SessionsShort++
			}
		}
		after = sessions[len(sessions)-1].User.Email
		if seen += len(sessions); seen >= mostSessions {
			p.SessionsMore = true
			return nil
		}
	}
}

// fallsShort says whether a session lacks what the company demands of its
// person at every sign-in, and from the network that it was begun from.
func (g *Govern) fallsShort(in *storage.SignedIn, c policy.Company) (bool, error) {
	proofs, err := session.Decode(in.Session.Proofs)
	if err != nil {
		return false, err
	}
	f := policy.Facts{Now: g.Now(), Known: true, Person: session.PolicyPerson(in), Company: c, Product: policy.Product{ID: ownPages}, Proofs: proofs}
	f.Network.Addr, _ = netip.ParseAddr(in.Session.IP)
	return slices.ContainsFunc(policy.Decide(f).Demands, func(d policy.Demand) bool {
		company := d.Reason.Code == policy.ByCompany || d.Reason.Code == policy.ByAdministrator || d.Reason.Code == policy.ByNetwork
		return company && !d.Met && !d.Voluntary
	}), nil
}
