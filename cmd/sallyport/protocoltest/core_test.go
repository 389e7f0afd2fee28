package protocoltest_test

import (
	"net/http"
	"testing"
)

// OpenID Connect Core section 3.1: the code flow, from the request to the
// claims.
func TestCoreSection3_1CodeFlow(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		tokens := tokensFor(t, w.member(t, ana), rp, nil)
		if tokens.String("token_type") != "Bearer" || tokens.String("id_token") == "" {
			t.Errorf("%v", tokens)
		}
		if status, claims := rp.Userinfo(tokens.String("access_token")); status != http.StatusOK || claims.String("email") != ana {
			t.Errorf("userinfo: %d %v", status, claims)
		}
		status, a := rp.Exchange("no code", nil)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
	})
}
