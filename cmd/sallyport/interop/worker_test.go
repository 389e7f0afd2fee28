//go:build interop

package interop

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const worker = `
products:
  - id: machines
    name: Machines
    secret_hash: %[1]s
    redirect_uris: ["https://machines.example/callback"]
    api: {resource: "https://machines.example/api", scopes: [{id: "machines:read", name: "See machines"}]}
  - id: worker
    name: Worker
    auth_method: private_key_jwt
    jwks: %[2]s
    grant_types: [client_credentials]
    resources: ["https://machines.example/api"]
    scopes: ["machines:read"]
`

// Python, with Authlib: private_key_jwt, client credentials for an API, and the
// API's own check of the token.
func TestPythonWorker(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), Use: "sig", Algorithm: "RS256"}}})
	if err != nil {
		t.Fatal(err)
	}
	i := servertest.Start(t, "sqlite")
	i.Apply(fmt.Sprintf(worker, storage.Hash(storage.NewSecret()), set))
	input, err := json.Marshal(map[string]string{
		"issuer": i.URL, "resource": "https://machines.example/api",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("python")); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), installed(t, "INTEROP_PYTHON"), "worker_story.py")
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var got struct {
		Claims struct {
			Subject  string `json:"sub"`
			ClientID string `json:"client_id"`
			Scope    string `json:"scope"`
		} `json:"claims"`
		Refused string `json:"refused"`
	}
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatal(err)
	}
	if got.Claims.Subject != "worker" || got.Claims.ClientID != "worker" || got.Claims.Scope != "machines:read" || got.Refused != "InvalidClaimError" {
		t.Errorf("%s", output)
	}
}
