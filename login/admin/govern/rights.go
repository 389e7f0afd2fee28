package govern

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Operator is the role of who runs the instance, beside those in a company.
const Operator = "operator"

// Action is something one may be allowed to do.
type Action string

// What can be done in a company.
const (
	SeePeople     Action = "see people"
	ChangePeople  Action = "change people"
	ChangeRole    Action = "change somebody's role"
	ChangeAddress Action = "change somebody's address"
	ChangeFactors Action = "turn off or reset somebody's second factors"
	IssueRecovery Action = "issue a recovery code"
	AllowChanges  Action = "allow changes after This wasn't me"
	SeeRules      Action = "see requirements"
	ChangeRules   Action = "change requirements"
	SeeProducts   Action = "see the company's products"
	SeeMachines   Action = "see API clients"
	ChangeMachine Action = "change API clients"
	SeeAudit      Action = "see the audit"
)

// What can be done with the instance.
const (
	SeeCompanies     Action = "see companies"
	ChangeCompanies  Action = "change companies"
	SeeAllProducts   Action = "see all products"
	ChangeProducts   Action = "change products"
	SeeKeys          Action = "see keys"
	ChangeKeys       Action = "change keys"
	SeeDelivery      Action = "see what is on its way"
	ChangeDelivery   Action = "change what is on its way"
	SeeInstanceAudit Action = "see the whole audit"
)

// right says who may do something.
type right struct {
	// scope a token needs.
	scope string
	// least is the least role in the own company; empty: none will do.
	least string
	// operator: the operator may, in every company.
	operator bool
	// vouch: it changes how somebody else signs in, so that a second factor
	// must have been proved just now.
	vouch bool
	// persons: no machine may.
	persons bool
}

// rights is the one place that says who may do what.
var rights = map[Action]right{
	SeePeople:     {scope: "people:read", least: policy.Administrator, operator: true},
	ChangePeople:  {scope: "people:write", least: policy.Administrator, operator: true},
	ChangeRole:    {scope: "people:write", least: policy.Owner, operator: true, vouch: true, persons: true},
	ChangeAddress: {scope: "people:write", least: policy.Administrator, operator: true, vouch: true, persons: true},
	ChangeFactors: {scope: "people:write", least: policy.Administrator, operator: true, vouch: true, persons: true},
	IssueRecovery: {scope: "people:write", least: policy.Owner, vouch: true, persons: true},
	AllowChanges:  {scope: "people:write", least: policy.Administrator, operator: true, vouch: true, persons: true},
	SeeRules:      {scope: "rules:read", least: policy.Administrator, operator: true},
	ChangeRules:   {scope: "rules:write", least: policy.Administrator, operator: true, persons: true},
	SeeProducts:   {scope: "products:read", least: policy.Administrator, operator: true},
	SeeMachines:   {scope: "products:read", least: policy.Administrator, operator: true},
	ChangeMachine: {scope: "products:write", least: policy.Owner, operator: true, vouch: true, persons: true},
	SeeAudit:      {scope: "audit:read", least: policy.Administrator, operator: true},

	SeeCompanies:     {scope: "companies:read", operator: true},
	ChangeCompanies:  {scope: "companies:write", operator: true},
	SeeAllProducts:   {scope: "products:read", operator: true},
	ChangeProducts:   {scope: "products:write", operator: true},
	SeeKeys:          {scope: "keys:read", operator: true},
	ChangeKeys:       {scope: "keys:write", operator: true, vouch: true},
	SeeDelivery:      {scope: "delivery:read", operator: true},
	ChangeDelivery:   {scope: "delivery:write", operator: true},
	SeeInstanceAudit: {scope: "audit:read", operator: true},
}

var ranks = map[string]int{policy.Member: 1, policy.Administrator: 2, policy.Owner: 3}

// may says whether the actor may do something in a company, or with the
// instance where org is empty: nil, ErrNotFound for what they mustn't know of,
// or a *Refused with the reason.
func (a Actor) may(do Action, org string) error {
	r, known := rights[do]
	if !known {
		panic("govern: no right says who may " + string(do))
	}
	if a.CommandLine {
		return nil
	}
	role := a.in(org)
	switch {
	case org != "" && role == "":
		return notFound("company")
	case role == Operator && !r.operator && a.OrgID == org && ranks[a.role] >= ranks[r.least] && r.least != "":
		// An operator who is an owner of the company, too.
	case role == Operator && !r.operator, role != Operator && (r.least == "" || ranks[role] < ranks[r.least]):
		return &Refused{Code: "role", Action: do}
	}
	switch {
	case !a.scoped(r.scope):
		return &Refused{Code: "scope", Action: do, Scope: r.scope}
	case r.persons && a.machine():
		return &Refused{Code: "machine", Action: do}
	case (r.vouch || do == ChangeRules) && a.locked:
		// It may be somebody else in their chair.
		return &Refused{Code: "locked", Action: do}
	case r.vouch && !a.machine() && !a.Vouches:
		return ErrNotFresh
	}
	return nil
}

// notToOneself are actions that nobody does to themselves here: for how one
// signs in there is the account.
var notToOneself = map[Action]bool{ChangeRole: true, ChangeAddress: true, IssueRecovery: true, AllowChanges: true}

// mayTo says whether the actor may do to a person what they may do in the
// person's company: administrators look after members, owners after everybody.
func (a Actor) mayTo(do Action, u *storage.User) error {
	if a.CommandLine {
		return nil
	}
	switch role := a.in(u.OrgID); {
	case u.ID == a.UserID && notToOneself[do]:
		return &Refused{Code: "self", Action: do}
	case role == policy.Administrator && u.ID != a.UserID && ranks[u.Role] > ranks[policy.Member]:
		return &Refused{Code: "person_role", Action: do}
	case u.Operator && !a.operator:
		return &Refused{Code: "operator", Action: do}
	}
	return nil
}
