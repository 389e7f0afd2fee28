package policy

import "slices"

// Company is the person's company.
type Company struct {
	Name  string
	Rules Rules
	// Plan is what the operator lets the company choose from.
	Plan Plan
}

// Plan is the second factors that a company's plan includes. A nil Plan
// includes all, an empty one none.
type Plan []Method

// Includes says whether a method is in the plan.
func (p Plan) Includes(m Method) bool { return p == nil || slices.Contains(p, m) }

// Allows says whether a method counts for the company: its plan includes it
// and its rules name it, or name none.
func (c Company) Allows(m Method) bool {
	return c.Plan.Includes(m) && (len(c.Rules.Methods) == 0 || slices.Contains(c.Rules.Methods, m))
}

// counting are the proofs that count towards the company's own demands.
func (c Company) counting(ps Proofs) Proofs {
	var out Proofs
	for _, p := range ps {
		if p.Method == Password || p.Method == BackupCode || p.Method == RecoveryCode || c.Allows(p.Method) {
			out = append(out, p)
		}
	}
	return out
}
