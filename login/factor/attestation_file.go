package factor

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-webauthn/webauthn/metadata"
)

// readModels reads FIDO metadata from a file, which is one of
//
//   - the BLOB of the FIDO Metadata Service, version 3, as downloaded: its
//     signature must lead to the service's root. Entries that can't be read are
//     passed over, for it lists every model there is.
//   - JSON of the operator's own: {"entries": [{"metadataStatement": {…}}]},
//     each a FIDO Metadata Statement as vendors hand it out. All must be
//     readable.
//
// Nothing is fetched. How old the file may be is up to the operator: so the
// service's certificates are judged by the time they were made, not by today's.
func readModels(file string) (*models, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	root, err := certificate(metadata.ProductionMDSRoot)
	if err != nil {
		return nil, fmt.Errorf("root of the metadata service: %w", err)
	}
	return parseModels(raw, root)
}

func parseModels(raw []byte, root *x509.Certificate) (*models, error) {
	raw = bytes.TrimSpace(raw)
	signed := !bytes.HasPrefix(raw, []byte("{"))
	if signed {
		var err error
		if raw, err = openBlob(string(raw), root); err != nil {
			return nil, err
		}
	}
	var list struct {
		Entries []json.RawMessage `json:"entries"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var entries []metadata.Entry
	for i, raw := range list.Entries {
		e, err := parseEntry(raw)
		switch {
		case err == nil:
			entries = append(entries, e)
		case !signed:
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	if len(entries) == 0 {
		return nil, errors.New("it has no entries")
	}
	return newModels(entries)
}

// parseEntry reads an entry of either kind of file. What only the service adds
// to a statement may be missing.
func parseEntry(raw []byte) (metadata.Entry, error) {
	var e metadata.EntryJSON
	if err := json.Unmarshal(raw, &e); err != nil {
		return metadata.Entry{}, err
	}
	if e.TimeOfLastStatusChange == "" {
		e.TimeOfLastStatusChange = "1970-01-01"
	}
	if e.AaGUID == "" {
		e.AaGUID = e.MetadataStatement.AaGUID
	}
	return e.Parse()
}

// openBlob checks the signature of a BLOB (FIDO Metadata Service section 3.2)
// and returns its payload. The library's own function asks the network whether
// certificates were revoked; this one doesn't.
func openBlob(blob string, root *x509.Certificate) ([]byte, error) {
	header, _, _ := strings.Cut(blob, ".")
	raw, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return nil, errors.New("it is neither JSON nor a signed BLOB")
	}
	var signer struct {
		X5C []string `json:"x5c"`
	}
	if err := json.Unmarshal(raw, &signer); err != nil {
		return nil, errors.New("it is neither JSON nor a signed BLOB")
	}
	leaf, err := checkChain(signer.X5C, root)
	if err != nil {
		return nil, fmt.Errorf("certificates of the BLOB: %w", err)
	}
	jws, err := jose.ParseSignedCompact(blob, []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.RS256, jose.PS256})
	if err != nil {
		return nil, fmt.Errorf("read the BLOB: %w", err)
	}
	payload, err := jws.Verify(leaf.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("signature of the BLOB: %w", err)
	}
	return payload, nil
}

// checkChain returns the first of the certificates once the others lead from
// it to root.
func checkChain(x5c []string, root *x509.Certificate) (*x509.Certificate, error) {
	if len(x5c) == 0 {
		return nil, errors.New("there are none")
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	var leaf *x509.Certificate
	for i, encoded := range x5c {
		cert, err := certificate(encoded)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			leaf = cert
		} else {
			between.AddCert(cert)
		}
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: leaf.NotBefore,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return leaf, err
}

func certificate(encoded string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
