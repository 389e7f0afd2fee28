package storage_test

import (
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// A secret that signs is as long as the hash of HS512, whichever it signs by.
func TestNewClientSecret(t *testing.T) {
	for method, long := range map[string]int{storage.ClientSecretJWT: 64, storage.ClientSecretBasic: 43, storage.ClientSecretPost: 43} {
		secret := storage.NewClientSecret(method)
		if len(secret) != long || secret == storage.NewClientSecret(method) {
			t.Errorf("%s: %d characters", method, len(secret))
		}
	}
}
