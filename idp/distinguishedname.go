package idp

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// dn is a distinguished name: its parts in the order of the certificate, each
// of one attribute or several. Names are compared by these, not as text (RFC
// 8705 section 2.1.2): types by their OIDs, values as people read them, where
// neither case nor the number of spaces matters (RFC 4517 section 4.2.11).
type dn [][]attribute

// attribute is a type and its value: text, or DER where it is none.
type attribute struct {
	oid   string
	value string
	der   bool
}

// key is the same for what counts as the same.
func (a attribute) key() string {
	if a.der {
		return a.oid + "#" + a.value
	}
	return a.oid + "=" + strings.ToLower(strings.Join(strings.Fields(a.value), " "))
}

func (n dn) is(other dn) bool {
	return slices.EqualFunc(n, other, func(a, b []attribute) bool { return slices.Equal(keys(a), keys(b)) })
}

// keys are those of a part, whose attributes have no order.
func keys(part []attribute) (all []string) {
	for _, a := range part {
		all = append(all, a.key())
	}
	slices.Sort(all)
	return all
}

// isDN compares a name in the form of RFC 4514 with the DER of a certificate's.
func isDN(text string, raw []byte) (bool, error) {
	want, err := parseDN(text)
	if err != nil {
		return false, fmt.Errorf("tls_client_auth_subject_dn: %w", err)
	}
	have, err := readDN(raw)
	return err == nil && want.is(have), err
}

// The types whose names RFC 4514 section 3 lists, and those that subjects of
// certificates have besides; all others are written as OIDs.
var attributeNames = []struct{ name, oid string }{
	{"CN", "2.5.4.3"}, {"SN", "2.5.4.4"}, {"SERIALNUMBER", "2.5.4.5"}, {"C", "2.5.4.6"}, {"L", "2.5.4.7"}, {"ST", "2.5.4.8"}, {"STREET", "2.5.4.9"},
	{"O", "2.5.4.10"}, {"OU", "2.5.4.11"}, {"TITLE", "2.5.4.12"}, {"BUSINESSCATEGORY", "2.5.4.15"}, {"POSTALCODE", "2.5.4.17"}, {"GIVENNAME", "2.5.4.42"},
	{"ORGANIZATIONIDENTIFIER", "2.5.4.97"}, {"UID", "0.9.2342.19200300.100.1.1"}, {"DC", "0.9.2342.19200300.100.1.25"}, {"EMAILADDRESS", "1.2.840.113549.1.9.1"},
	{"JURISDICTIONC", "1.3.6.1.4.1.311.60.2.1.3"},
}

// attributeSET is a part of a name in DER; encoding/asn1 knows a set by the end
// of the type's name.
type attributeSET []struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// readDN reads the DER of a name.
func readDN(raw []byte) (n dn, err error) {
	var parts []attributeSET
	if _, err := asn1.Unmarshal(raw, &parts); err != nil {
		return nil, fmt.Errorf("the certificate's subject can't be read: %w", err)
	}
	for _, part := range parts {
		var attributes []attribute
		for _, a := range part {
			attributes = append(attributes, attributeOf(a.Type.String(), a.Value.FullBytes))
		}
		n = append(n, attributes)
	}
	return n, nil
}

func attributeOf(oid string, der []byte) attribute {
	var text string
	if rest, err := asn1.Unmarshal(der, &text); err == nil && len(rest) == 0 {
		return attribute{oid: oid, value: text}
	}
	return attribute{oid: oid, value: string(der), der: true}
}

// parseDN reads the form of RFC 4514, with spaces beside its commas, as many
// write it. That form begins with what the certificate has last.
func parseDN(text string) (n dn, err error) {
	var part []attribute
	for more := true; more; {
		var a attribute
		var end byte
		if a, end, text, err = parseAttribute(text); err != nil {
			return nil, err
		}
		part = append(part, a)
		if more = end != 0; end != '+' {
			n, part = append(n, part), nil
		}
	}
	slices.Reverse(n)
	return n, nil
}

// parseAttribute reads type=value, and what ended it: a comma, a plus or 0.
func parseAttribute(text string) (a attribute, end byte, rest string, err error) {
	name, text, ok := strings.Cut(text, "=")
	if !ok {
		return a, 0, "", fmt.Errorf("%q has no =", name)
	}
	oid, err := oidOf(strings.TrimSpace(name))
	if err != nil {
		return a, 0, "", err
	}
	text = strings.TrimLeft(text, " ")
	if encoded, ok := strings.CutPrefix(text, "#"); ok {
		value, end, rest, err := parseValue(encoded)
		if err != nil {
			return a, 0, "", err
		}
		der, err := hex.DecodeString(value)
		return attributeOf(oid, der), end, rest, err
	}
	value, end, rest, err := parseValue(text)
	if err == nil && !utf8.ValidString(value) {
		err = errors.New("no UTF-8")
	}
	if err != nil {
		return a, 0, "", fmt.Errorf("the value of %s: %w", strings.TrimSpace(name), err)
	}
	return attribute{oid: oid, value: value}, end, rest, nil
}

// parseValue undoes the escapes of RFC 4514 section 3.
func parseValue(text string) (value string, end byte, rest string, err error) {
	var b strings.Builder
	solid := 0 // spaces at the end don't count unless escaped
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ',' || c == '+':
			return b.String()[:solid], c, text[i+1:], nil
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`,+"\<>;=# `, text[i+1]) >= 0:
			i++
			b.WriteByte(text[i])
			solid = b.Len()
		case c == '\\':
			if i+2 >= len(text) {
				return "", 0, "", errors.New("nothing to escape at its end")
			}
			n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return "", 0, "", fmt.Errorf("no escape: %q", text[i:i+3])
			}
			i += 2
			b.WriteByte(byte(n))
			solid = b.Len()
		case c == 0 || strings.IndexByte(`"<>;`, c) >= 0:
			return "", 0, "", fmt.Errorf("%q needs a backslash before it", c)
		default:
			b.WriteByte(c)
			if c != ' ' {
				solid = b.Len()
			}
		}
	}
	return b.String()[:solid], 0, "", nil
}

func oidOf(name string) (string, error) {
	for _, n := range attributeNames {
		if strings.EqualFold(n.name, name) {
			return n.oid, nil
		}
	}
	for arc := range strings.SplitSeq(name, ".") {
		if _, err := strconv.ParseUint(arc, 10, 31); err != nil || !strings.Contains(name, ".") {
			return "", fmt.Errorf("unknown attribute type %q: write its OID", name)
		}
	}
	return name, nil
}

// String is the form of RFC 4514, ready to be registered.
func (n dn) String() string {
	var parts []string
	for _, part := range slices.Backward(n) {
		var attributes []string
		for _, a := range part {
			attributes = append(attributes, a.String())
		}
		parts = append(parts, strings.Join(attributes, "+"))
	}
	return strings.Join(parts, ",")
}

func (a attribute) String() string {
	name := a.oid
	for _, n := range attributeNames {
		if n.oid == a.oid {
			name = n.name
		}
	}
	if a.der {
		return name + "=#" + hex.EncodeToString([]byte(a.value))
	}
	var b strings.Builder
	for i, c := range []byte(a.value) {
		switch {
		case strings.IndexByte(`,+"\<>;=`, c) >= 0, c == '#' && i == 0, c == ' ' && (i == 0 || i == len(a.value)-1):
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return name + "=" + b.String()
}
