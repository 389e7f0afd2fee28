package policy

import "testing"

func TestMayIssueRecoveryCode(t *testing.T) {
	boss := Person{Kind: Staff, Role: Owner}
	for _, tt := range []struct {
		situation         string
		issuer            Person
		issuerID, issuers string
		forID, theirs     string
		may               bool
	}{
		{"an owner for a colleague", boss, "olga", "acme", "ana", "acme", true},
		{"for another owner", boss, "olga", "acme", "otto", "acme", true},
		{"never for oneself", boss, "olga", "acme", "olga", "acme", false},
		{"never for somebody of another company", boss, "olga", "acme", "zoe", "zenith", false},
		{"an administrator is no owner", Person{Role: Administrator}, "adam", "acme", "ana", "acme", false},
		{"a member is none either", Person{Role: Member}, "ben", "acme", "ana", "acme", false},
		{"an owner who was disabled", Person{Role: Owner, Disabled: true}, "olga", "acme", "ana", "acme", false},
	} {
		if may := MayIssueRecoveryCode(tt.issuer, tt.issuerID, tt.issuers, tt.forID, tt.theirs); may != tt.may {
			t.Errorf("%s: %v", tt.situation, may)
		}
	}
}
