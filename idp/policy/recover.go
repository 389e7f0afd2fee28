package policy

// MayIssueRecoveryCode says whether one person may issue a recovery code for
// another: an owner of the same company, never for oneself. That the owner
// proved a second factor within [FreshFor] is asked where codes are issued.
func MayIssueRecoveryCode(issuer Person, issuerID, issuerOrg, forID, forOrg string) bool {
	return issuer.Role == Owner && !issuer.Disabled && issuerOrg == forOrg && issuerID != forID
}
