package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

type explainCommand struct {
	settings
	answer
	User      string     `required:"" placeholder:"EMAIL" help:"Who signs in."`
	Client    string     `required:"" placeholder:"ID" help:"Which product they sign in to."`
	IP        netip.Addr `name:"ip" placeholder:"ADDR" help:"Where from. Without it: an address in no network of anybody's."`
	ACR       []string   `name:"acr" placeholder:"ACR" sep:" " help:"The acr_values the product asks for, best first."`
	Essential bool       `help:"The product asks for them as essential."`
	Proofs    []string   `default:"password" placeholder:"METHOD,..." help:"What the person has proved: password, totp, backup_code …, or none. Default: password."`
	At        string     `placeholder:"TIME" help:"When, such as 2026-01-31T08:00:00Z. Without it: now."`
}

// Run says what would happen to a sign-in, and why. It asks the same facts and the same policy as the server.
func (c *explainCommand) Run(ctx context.Context, p *process) error {
	now := present()
	if c.At != "" {
		at, err := time.Parse(time.RFC3339, c.At)
		if err != nil {
			return usageError{fmt.Errorf("--at %s: write a moment such as 2026-01-31T08:00:00Z", c.At)}
		}
		now = at.UTC()
	}
	proofs, err := c.proofs(now)
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		client, err := findClient(ctx, db, c.Client)
		if err != nil {
			return err
		}
		if session.MachineOnly(client) {
			return fmt.Errorf("%s acts for itself: nobody signs in to it", client.ID)
		}
		user, err := findUser(ctx, db, c.User)
		if err != nil {
			return err
		}
		person, err := db.Person(ctx, user.ID, client.ID)
		if err != nil {
			return err
		}
		sessions := server.Sessions(conf, db, func() time.Time { return now })
		facts, err := sessions.Facts(session.WithOrigin(ctx, session.Origin{Addr: c.IP}), session.Asked{
			Client: client, Person: person, Proofs: proofs,
			Began:  now,
			Params: session.Params{Scope: strings.Join(client.Scopes, " "), ACRValues: c.ACR, ACREssential: c.Essential && len(c.ACR) > 0},
		})
		if err != nil {
			return err
		}
		e := explain(facts)
		return c.print(p, e, c.head(user, client, facts)+e.words())
	})
}

var methods = []policy.Method{policy.Password, policy.TOTP, policy.SMS, policy.Email, policy.WebAuthn, policy.BackupCode, policy.RecoveryCode}

func (c *explainCommand) proofs(now time.Time) (policy.Proofs, error) {
	var proofs policy.Proofs
	for _, name := range c.Proofs {
		method := policy.Method(name)
		if name == "none" && len(c.Proofs) == 1 {
			return nil, nil
		}
		if !slices.Contains(methods, method) {
			return nil, usageError{fmt.Errorf("--proofs %s: write any of %s, or none", name, joined(methods))}
		}
		proofs = proofs.With(policy.Proof{Method: method, At: now, UserVerified: method == policy.WebAuthn})
	}
	return proofs, nil
}

// explanation is a decision in words and for scripts.
type explanation struct {
	Decision policy.Action   `json:"decision"`
	Methods  []policy.Method `json:"methods,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Code     string          `json:"reason_code,omitempty"`
	// Later: the person may put it off, until Until where that is set.
	Later bool      `json:"later,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Recovery: an owner's recovery code would do too.
	Recovery bool `json:"recovery,omitempty"`
	// ACR and AMR are what tokens would say of the proofs so far.
	ACR     string            `json:"acr,omitempty"`
	AMR     []string          `json:"amr,omitempty"`
	Demands []explainedDemand `json:"demands"`
}

type explainedDemand struct {
	Reason    string    `json:"reason"`
	Code      string    `json:"reason_code"`
	ACR       string    `json:"acr"`
	Met       bool      `json:"met"`
	Voluntary bool      `json:"voluntary,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	Since     time.Time `json:"since,omitzero"`
}

func explain(f policy.Facts) explanation {
	d, worth := policy.Decide(f), f.Assurance()
	e := explanation{
		Decision: d.Do, Methods: d.Methods, Reason: d.Reason.String(), Code: string(d.Reason.Code), Later: d.Later, Until: d.Until, Recovery: d.Recovery,
		ACR: worth.ACR, AMR: worth.AMR, Demands: []explainedDemand{},
	}
	for _, demand := range d.Demands {
		acr := "none that is known"
		if demand.Level <= policy.HardwareKey {
			acr = demand.Level.ACR()
		}
		e.Demands = append(e.Demands, explainedDemand{
			Reason: demand.Reason.String(), Code: string(demand.Reason.Code), ACR: acr,
			Met: demand.Met, Voluntary: demand.Voluntary, Until: demand.Until, Since: demand.Since,
		})
	}
	return e
}

func (c *explainCommand) head(u *storage.User, client *storage.Client, f policy.Facts) string {
	from := "an unknown address"
	if c.IP.IsValid() {
		from = c.IP.String()
	}
	proved := "nothing"
	if len(f.Proofs) > 0 {
		proved = strings.Join(c.Proofs, ", ")
	}
	has := "no second factor"
	if len(f.Person.Methods) > 0 {
		has = joined(f.Person.Methods)
	}
	return fmt.Sprintf("%s (%s, %s of %s, has %s) signs in to %s from %s at %s, having proved %s.\n",
		u.Email, f.Person.Kind, f.Person.Role, f.Company.Name, has, client.Name, from, f.Now.Format(time.RFC3339), proved)
}

var actionWords = map[policy.Action]string{
	policy.Pass: "pass: the sign-in is complete", policy.Prove: "prove any of: ", policy.Enrol: "set up any of: ",
	policy.Confirm: "confirm the network by: ", policy.Consent: "ask for consent", policy.ChooseAccount: "choose an account", policy.Refuse: "refuse",
}

func (e explanation) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nDecision  %s%s\n", actionWords[e.Decision], joined(e.Methods))
	if e.Reason != "" {
		fmt.Fprintf(&b, "Reason    %s\n", e.Reason)
	}
	switch {
	case e.Later && e.Until.IsZero():
		b.WriteString("Later     the person may put it off\n")
	case e.Later:
		fmt.Fprintf(&b, "Later     the person may put it off until %s\n", moment(e.Until))
	}
	if e.Recovery {
		b.WriteString("Recovery  an owner's recovery code would do too\n")
	}
	fmt.Fprintf(&b, "Worth     acr %s, amr %s\n", orDash(e.ACR), orDash(strings.Join(e.AMR, " ")))
	if len(e.Demands) == 0 {
		b.WriteString("\nNobody demands more than one factor.\n")
		return b.String()
	}
	rows := [][]string{{"DEMAND", "LEVEL", "MET", ""}}
	for _, d := range e.Demands {
		met, remark := "no", ""
		if d.Met {
			met = "yes"
		}
		switch {
		case !d.Until.IsZero():
			remark = "can wait until " + moment(d.Until)
		case d.Voluntary:
			remark = "voluntary"
		}
		rows = append(rows, []string{d.Reason, d.ACR, met, remark})
	}
	b.WriteString("\n" + table(rows))
	return b.String()
}

func joined[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, t := range all {
		texts[i] = string(t)
	}
	return strings.Join(texts, ", ")
}
