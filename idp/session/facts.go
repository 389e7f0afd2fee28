package session

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Params are the parameters of an authorization request once idp has checked
// them: what login must know to lead a person through it, and what the answer
// needs.
type Params struct {
	RedirectURI   string `json:"redirect_uri"`
	ResponseType  string `json:"response_type"`
	ResponseMode  string `json:"response_mode"`
	State         string `json:"state,omitempty"`
	Nonce         string `json:"nonce,omitempty"`
	Scope         string `json:"scope"`
	CodeChallenge string `json:"code_challenge,omitempty"`
	// MaxAge is max_age in seconds, which is about whatever session runs in the
	// browser later too: one that began in another tab meanwhile may have grown
	// too old by the time it would answer. nil: any age.
	MaxAge *int64 `json:"max_age,omitempty"`
	// DPoPJKT is the thumbprint of the only key that the code can be redeemed
	// with (RFC 9449 section 10).
	DPoPJKT string `json:"dpop_jkt,omitempty"`
	// Resources are those that tokens are asked for (RFC 8707).
	Resources []string `json:"resources,omitempty"`
	// ACRValues in order of preference, from acr_values or the claims
	// parameter.
	ACRValues    []string `json:"acr_values,omitempty"`
	ACREssential bool     `json:"acr_essential,omitempty"`
	// MFASince is the oldest second-factor proof that is recent enough.
	MFASince     time.Time `json:"mfa_since,omitzero"`
	MFAEssential bool      `json:"mfa_essential,omitempty"`
	// SignInAnew: prompt=login, or max_age is exceeded.
	SignInAnew    bool `json:"sign_in_anew,omitempty"`
	SelectAccount bool `json:"select_account,omitempty"`
	// AskConsent: prompt=consent.
	AskConsent bool     `json:"ask_consent,omitempty"`
	LoginHint  string   `json:"login_hint,omitempty"`
	UILocales  []string `json:"ui_locales,omitempty"`
	// Device is the hash of the device code that this request answers (RFC
	// 8628), in place of a redirect; empty for all others.
	Device string `json:"device,omitempty"`
	// Subject is the person of an id_token_hint, by the sub that the client knows
	// them by: nobody else may be answered.
	Subject string `json:"subject,omitempty"`
	// Claims asked for by name in the claims parameter.
	IDTokenClaims  []string `json:"id_token_claims,omitempty"`
	UserinfoClaims []string `json:"userinfo_claims,omitempty"`
}

// ParamsOf reads the parameters kept with a request.
func ParamsOf(a *storage.AuthRequest) (Params, error) {
	var p Params
	if err := json.Unmarshal(a.Params, &p); err != nil {
		return p, fmt.Errorf("read authorization request %s: %w", a.ID, err)
	}
	return p, nil
}

// Asked is what a decision is about.
type Asked struct {
	Client *storage.Client
	Params Params
	// Person is who is on the way or signed in; nil where nobody is known.
	Person *storage.SignedIn
	// Proofs that count.
	Proofs policy.Proofs
	Stamps storage.Stamps
	// Began is when the kept request began; zero where there is none.
	Began time.Time
	// Session says that a session runs in this browser, whoever's.
	Session bool
	// Silent: prompt=none.
	Silent bool
}

// Facts gathers what [policy.Decide] needs.
func (s *Sessions) Facts(ctx context.Context, a Asked) (policy.Facts, error) {
	f := policy.Facts{
		Now:           s.Now(),
		Began:         a.Began,
		Proofs:        a.Proofs,
		Offered:       s.Offered,
		Product:       policy.Product{ID: a.Client.ID, Name: a.Client.Name, MinLevel: MinLevel(a.Client)},
		Network:       policy.Network{Addr: OriginOf(ctx).Addr},
		ChooseAccount: a.Params.SelectAccount && !a.Stamps.Chosen && a.Session,
		NotNow:        a.Stamps.NotNow,
		SetUpLater:    a.Stamps.SetUpLater,
		Attests:       s.Attests,
		Silent:        a.Silent,
		Request: policy.Request{
			ACRValues: a.Params.ACRValues, ACREssential: a.Params.ACREssential,
			MFASince: a.Params.MFASince, MFAEssential: a.Params.MFAEssential,
			SignInAnew: a.Params.SignInAnew,
		},
	}
	if a.Person == nil {
		return f, nil
	}
	u := &a.Person.User
	company, err := s.Company(ctx, u.OrgID)
	if err != nil {
		return f, err
	}
	f.Known = true
	f.Company = company
	if !u.EmailVerified {
		// Codes are sent to confirmed addresses alone.
		f.Offered = slices.DeleteFunc(slices.Clone(f.Offered), func(m policy.Method) bool { return m == policy.Email })
	}
	f.Person = PolicyPerson(a.Person)
	f.Product.Closed = ProductClosed(a.Client, u)
	f.Product.RequireTwoFactors = RequiresTwoFactors(a.Client, u)
	if f.AskConsent, err = s.asksConsent(ctx, a); err != nil {
		return f, err
	}
	// Without a way to send mail nobody could confirm a network.
	if company.Rules.NewNetworkCheck && slices.Contains(s.Offered, policy.Email) {
		known, err := s.DB.KnowsNetwork(ctx, u.ID, Network(f.Network.Addr))
		if err != nil {
			return f, err
		}
		f.Network.New = !known
	}
	return f, nil
}

// decodedCompany is a company with its rules read, kept as long as storage
// gives out the same row.
type decodedCompany struct {
	row     *storage.Org
	company policy.Company
}

// Company returns a company's name and rules, from memory where it can.
func (s *Sessions) Company(ctx context.Context, orgID string) (policy.Company, error) {
	org, err := s.DB.Org(ctx, orgID)
	if err != nil {
		return policy.Company{}, err
	}
	if have, ok := s.companies.Load(orgID); ok && have.(decodedCompany).row == org {
		return have.(decodedCompany).company, nil
	}
	c, err := CompanyOf(org)
	if err != nil {
		return c, err
	}
	s.companies.Store(orgID, decodedCompany{row: org, company: c})
	return c, nil
}

// CompanyOf reads a company's row.
func CompanyOf(org *storage.Org) (policy.Company, error) {
	c := policy.Company{Name: org.Name}
	if err := json.Unmarshal(org.Rules, &c.Rules); err != nil {
		return c, fmt.Errorf("read rules of company %s: %w", org.ID, err)
	}
	if len(org.Plan) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(org.Plan, &c.Plan); err != nil {
		return c, fmt.Errorf("read plan of company %s: %w", org.ID, err)
	}
	return c, nil
}

// PolicyPerson is a person as the policy sees them: the method used last comes
// first.
func PolicyPerson(in *storage.SignedIn) policy.Person {
	p := policy.Person{
		Kind: in.User.Kind, Role: in.User.Role,
		Disabled: !in.User.DisabledAt.IsZero(),
		TwoStep:  in.User.TwoStep, TwoStepRequired: in.User.TwoStepRequired,
		BackupCodesLeft: in.BackupCodesLeft, HardwareKey: in.HardwareKey, SkipNewNetworkCheck: in.User.SkipNewNetworkCheck,
	}
	for _, m := range in.Methods {
		if m == string(policy.Email) && !in.User.EmailVerified {
			continue // codes are sent to confirmed addresses alone
		}
		if m == in.User.PreferredMethod {
			p.Methods = slices.Insert(p.Methods, 0, policy.Method(m))
		} else {
			p.Methods = append(p.Methods, policy.Method(m))
		}
	}
	return p
}

// ProductClosed says whether a product is not for a person: of its company,
// kind and people all three must let them in.
func ProductClosed(c *storage.Client, u *storage.User) bool {
	return len(c.Orgs) > 0 && !slices.Contains(c.Orgs, u.OrgID) ||
		len(c.Kinds) > 0 && !slices.Contains(c.Kinds, u.Kind) ||
		len(c.People) > 0 && !slices.Contains(c.People, u.ID)
}

// RequiresTwoFactors says whether a product wants a second factor of a person,
// for all or for some companies.
func RequiresTwoFactors(c *storage.Client, u *storage.User) bool {
	return c.RequireTwoFactors && (len(c.RequireTwoFactorsOf) == 0 || slices.Contains(c.RequireTwoFactorsOf, u.OrgID))
}

// MinLevel is the least a product lets anybody enter with.
func MinLevel(c *storage.Client) policy.Level {
	level, _ := policy.ParseACR(c.MinACR)
	return level
}
