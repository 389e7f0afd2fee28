package policy

// LocksOut says whether the rules in f.Company would keep the person of f from
// signing in the next time, by their password and the second factors they have,
// from where they are now; and why.
func LocksOut(f Facts) (Reason, bool) {
	f.Began, f.NotNow, f.Silent, f.SetUpLater = f.Now, false, false, false
	f.Proofs = Proofs{{Method: Password, At: f.Now}}
	d := Decide(f)
	if d.Do == Prove && len(d.Methods) == 1 && d.Methods[0] == RecoveryCode {
		return d.Reason, true
	}
	return d.Reason, d.Do == Refuse
}
