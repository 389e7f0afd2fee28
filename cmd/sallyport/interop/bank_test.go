//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/storage"
)

// Node, with openid-client as FAPI 2.0 wants it: dynamic registration with keys,
// private_key_jwt, signed and pushed requests, JARM, DPoP, signed userinfo.
func TestNodeBank(t *testing.T) {
	t.Parallel()
	dir := nodeDir(t)
	i, _ := withAna(t, fmt.Sprintf(declared, passwordHash, storage.Hash(storage.NewSecret()), "ES256"), "registration-enabled=true")
	token, now := storage.NewSecret(), i.Clock.Now()
	err := i.DB.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.InsertInitialAccessToken(t.Context(), storage.InitialAccessToken{
			Hash: storage.Hash(token), Name: "bank", UsesLeft: 1, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]string{
		"issuer": i.URL, "initial_access_token": token, "product": "https://product.example/", "redirect_uri": "https://product.example/callback",
		"email": "ana@acme.example", "password": demo.Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "node", "bank-story.mjs")
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var got struct {
		Userinfo map[string]any `json:"userinfo"`
		Active   bool           `json:"active"`
		JKT      string         `json:"jkt"`
		Claims   claims         `json:"claims"`
	}
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, output)
	}
	if got.Userinfo["email"] != "ana@acme.example" || got.Userinfo["iss"] != i.URL || !got.Active || got.JKT == "" || got.Claims.ACR != "urn:sallyport:acr:1fa" {
		t.Errorf("%s", output)
	}
}
