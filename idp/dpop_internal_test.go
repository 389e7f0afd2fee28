package idp

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// A jti is remembered for as long as its proof could be used, by its iat or by
// its nonce.
func TestProofEnds(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC)
	p := &Provider{Now: func() time.Time { return now }, DB: storagetest.Open(t, storagetest.URL(t, "sqlite"), storage.Options{})}
	for _, age := range []time.Duration{0, 59 * time.Second, -15 * time.Second} {
		issued := float64(now.Add(-age).Unix())
		until, err := p.proofEnds(t.Context(), proofClaims{Issued: &issued}, http.Header{})
		if want := now.Add(time.Minute - age); err != nil || !until.Equal(want) {
			t.Errorf("made %s ago: until %s, not %s: %v", age, until, want, err)
		}
	}
	p.DPoPNonce = true
	header, began := http.Header{}, now
	p.proofEnds(t.Context(), proofClaims{}, header)
	nonce := header.Get("DPoP-Nonce")
	if nonce == "" {
		t.Fatal("no nonce")
	}
	until, err := p.proofEnds(t.Context(), proofClaims{Nonce: nonce}, header)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil && now.Before(began.Add(time.Hour)) {
		now = now.Add(time.Second)
		_, err = p.proofEnds(t.Context(), proofClaims{Nonce: nonce}, header)
	}
	if lasted := now.Sub(began); err == nil || lasted < nonceStep || until.Before(now) {
		t.Errorf("a nonce is good for %s, its proof's jti is kept for %s: %v", lasted, until.Sub(began), err)
	}
}
