package account

import (
	"encoding/json"
	"net/http"
)

// changePassword is where password managers look for the page that changes a
// password (W3C, A Well-Known URL for Changing Passwords).
func changePassword(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/account/password", http.StatusFound)
}

// passkeyEndpoints is where they look for the pages that add and list passkeys
// (W3C, A Well-Known URL for Relying Party Passkey Endpoints).
func (a *Account) passkeyEndpoints(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	// An error here is of the connection: there is nobody left to tell.
	json.NewEncoder(w).Encode(map[string]string{"enroll": a.Issuer + "/account/passkeys/new", "manage": a.Issuer + "/account"})
}
