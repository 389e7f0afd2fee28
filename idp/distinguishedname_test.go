package idp

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
)

// subjectOf is the DER of a name with these attributes, each a part of its own
// unless it begins with a plus.
func subjectOf(t testing.TB, attributes ...any) []byte {
	t.Helper()
	var n pkix.RDNSequence
	for i := 0; i+1 < len(attributes); i += 2 {
		oid, joined := strings.CutPrefix(attributes[i].(string), "+")
		var id asn1.ObjectIdentifier
		for arc := range strings.SplitSeq(oid, ".") {
			v := 0
			for _, c := range arc {
				v = v*10 + int(c-'0')
			}
			id = append(id, v)
		}
		a := pkix.AttributeTypeAndValue{Type: id, Value: attributes[i+1]}
		if joined {
			n[len(n)-1] = append(n[len(n)-1], a)
		} else {
			n = append(n, pkix.RelativeDistinguishedNameSET{a})
		}
	}
	der, err := asn1.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

const (
	commonName = "2.5.4.3"
	country    = "2.5.4.6"
	org        = "2.5.4.10"
	unit       = "2.5.4.11"
	domain     = "0.9.2342.19200300.100.1.25"
)

// RFC 8705 section 2.1.2: names are the same by what they mean, whichever way
// they are written.
func TestRFC8705Section2_1_2SubjectDN(t *testing.T) {
	plain := subjectOf(t, country, "CH", org, "Acme AG", commonName, "client.example")
	for name, test := range map[string]struct {
		text string
		raw  []byte
		is   bool
	}{
		"as RFC 4514 writes it":       {"CN=client.example,O=Acme AG,C=CH", plain, true},
		"spaces beside commas":        {"CN = client.example, O = Acme AG , C=CH", plain, true},
		"another case":                {"cn=Client.Example,o=ACME ag,c=ch", plain, true},
		"more spaces":                 {"CN=client.example,O=Acme   AG,C=CH", plain, true},
		"OIDs":                        {"2.5.4.3=client.example,2.5.4.10=Acme AG,2.5.4.6=CH", plain, true},
		"values in DER":               {"CN=client.example,O=#130741636d65204147,C=CH", plain, true},
		"another kind of text":        {"CN=client.example,O=#0c0741636d65204147,C=CH", plain, true},
		"escapes":                     {`CN=client\2eexample,O=Acme\20AG,C=CH`, plain, true},
		"the order of openssl":        {"C=CH,O=Acme AG,CN=client.example", plain, false},
		"a part less":                 {"CN=client.example,O=Acme AG", plain, false},
		"a part more":                 {"CN=client.example,O=Acme AG,C=CH,DC=example", plain, false},
		"another name":                {"CN=client.example.org,O=Acme AG,C=CH", plain, false},
		"another type":                {"CN=client.example,OU=Acme AG,C=CH", plain, false},
		"all of it in one value":      {`CN=client.example\,O\=Acme AG\,C\=CH`, plain, false},
		"a value that looks like it":  {"CN=client.example,O=Acme AG,C=CH", subjectOf(t, commonName, "client.example,O=Acme AG,C=CH"), false},
		"several values":              {"OU=a+CN=b,C=CH", subjectOf(t, country, "CH", commonName, "b", "+"+unit, "a"), true},
		"several values, apart":       {"OU=a,CN=b,C=CH", subjectOf(t, country, "CH", commonName, "b", "+"+unit, "a"), false},
		"special characters":          {`CN=\"Acme\"\, \#1\+2 \<x\>\;\\,DC=a\=b`, subjectOf(t, domain, "a=b", commonName, `"Acme", #1+2 <x>;\`), true},
		"letters beyond ASCII":        {"CN=Zürich", subjectOf(t, commonName, "ZÜRICH"), true},
		"letters as bytes":            {`CN=Z\c3\bcrich`, subjectOf(t, commonName, "Zürich"), true},
		"a value that is no text":     {"2.5.4.45=#03020780", subjectOf(t, "2.5.4.45", asn1.BitString{Bytes: []byte{0x80}, BitLength: 1}), true},
		"another that is no text":     {"2.5.4.45=#03020700", subjectOf(t, "2.5.4.45", asn1.BitString{Bytes: []byte{0x80}, BitLength: 1}), false},
		"of nobody":                   {"CN=client.example", subjectOf(t), false},
		"an empty value for a name":   {"CN=", plain, false},
		"numbers of another type too": {"serialNumber=7", subjectOf(t, "2.5.4.5", "7"), true},
	} {
		is, err := isDN(test.text, test.raw)
		if err != nil || is != test.is {
			t.Errorf("%s: %v %v", name, is, err)
		}
	}
	for _, text := range []string{"", "client.example", "CN=a,", "CN=a+", "FOO=a", "2=a", "2.x=a", `CN=a\`, `CN=a\z1`, `CN="a"`, "CN=a;C=CH", "CN=#0x", `CN=\ff`, `CN=\ff,C=CH`, "CN=a\x00"} {
		if is, err := isDN(text, plain); err == nil || is {
			t.Errorf("%q was read", text)
		}
	}
}

// What the log says of a certificate can be registered as it stands.
func TestSubjectDNIsWrittenAsItIsRead(t *testing.T) {
	for _, raw := range [][]byte{
		subjectOf(t, country, "CH", org, "Acme AG", commonName, "client.example"),
		subjectOf(t, commonName, ` #"a",b+c\<d>;e= `, "+"+unit, "#x", "1.2.3.4", "y\n"),
		subjectOf(t, "2.5.4.45", asn1.BitString{Bytes: []byte{0x80}, BitLength: 1}),
	} {
		n, err := readDN(raw)
		if err != nil {
			t.Fatal(err)
		}
		if is, err := isDN(n.String(), raw); err != nil || !is {
			t.Errorf("%s: %v %v", n, is, err)
		}
	}
}

func FuzzSubjectDN(f *testing.F) {
	for _, s := range []string{"CN=a,O=b", `CN=\2c+OU=#0c0161`, "2.5.4.3= a ", "CN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseDN(text)
		if err != nil {
			return
		}
		again, err := parseDN(n.String())
		if err != nil || !n.is(again) {
			t.Errorf("%q was read as %s, and that as %s (%v)", text, n, again, err)
		}
	})
}
