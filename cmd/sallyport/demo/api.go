package demo

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/sallyport-id/sallyport/idp/stepup"
)

// APIPath is the remote-control product's API, below its BaseURL; the two
// together are the resource that access tokens name (RFC 8707).
const APIPath = "/api"

// StartScope is the scope of access tokens that may start remote sessions.
const StartScope = "sessions:start"

// api adds what other products call: starting and ending remote sessions, for
// whoever signed in there, and on the same terms as on the pages.
func (rc remoteControl) api(mux *http.ServeMux) {
	v := &stepup.Verifier{
		Issuer: rc.Issuer, BaseURL: rc.BaseURL, Now: rc.Clock, HTTP: rc.HTTP, Log: rc.Log,
		// JWTs that were asked for with this resource, and opaque tokens of the product's own sign-ins.
		Audience: []string{rc.BaseURL + APIPath, rc.ClientID},
	}
	if rc.ClientSecret != "" {
		// A stolen machine is worse than one more request: what was revoked counts at once.
		v.ClientID, v.ClientSecret, v.AlwaysIntrospect = rc.ClientID, rc.ClientSecret, true
	}
	outer, inner := stepup.RequireBearer(v, StartScope, stepup.Need{}), stepup.RequireBearer(v, "", toStart)
	mux.Handle("POST "+APIPath+"/machines/{name}/sessions", outer(rc.apiMay(inner(http.HandlerFunc(rc.apiStart)))))
	// Whoever has started one may end it, however long ago they proved anything.
	mux.Handle("DELETE "+APIPath+"/sessions/{id}", outer(http.HandlerFunc(rc.apiEnd)))
}

// apiOwner stands for the browser where a session was started by a call.
func apiOwner(t *stepup.Token) string { return "product " + t.ClientID }

// startedSession is what a caller learns of the session it started.
type startedSession struct {
	ID      string    `json:"id"`
	Machine string    `json:"machine"`
	Started time.Time `json:"started"`
	By      string    `json:"by"`
}

// tokenClaims is what the API looks at in a token beside the sign-in.
type tokenClaims struct {
	SID   string    `json:"sid"`
	Roles oneOrMany `json:"roles"`
}

// apiMay lets calls through for people who may start remote sessions. It stands
// before the second door: nobody sets up an authenticator to be told no.
func (rc remoteControl) apiMay(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var claims tokenClaims
		if err := stepup.FromContext(r.Context()).Decode(&claims); err != nil {
			apiRefuse(w, http.StatusForbidden, "the token's sid or roles can't be read")
			return
		}
		if claims.Roles == nil { // an opaque token: the roles are at UserInfo
			claims.Roles = rc.rolesOf(r)
		}
		switch {
		case !slices.Contains(claims.Roles, RemoteOperator):
			apiRefuse(w, http.StatusForbidden, "the person doesn't have the role "+RemoteOperator+", or the token not the scope roles")
		case !slices.Contains(rc.machines, r.PathValue("name")):
			apiRefuse(w, http.StatusNotFound, "there is no such machine")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (rc remoteControl) apiStart(w http.ResponseWriter, r *http.Request) {
	token, machine := stepup.FromContext(r.Context()), r.PathValue("name")
	var claims tokenClaims
	if err := token.Decode(&claims); err != nil {
		apiRefuse(w, http.StatusForbidden, "the token's sid can't be read")
		return
	}
	by := &session{
		Subject: token.Subject, SID: claims.SID, Name: token.Subject, ACR: token.ACR, AMR: token.AMR,
		AuthTime: unixTime(token.AuthTime), MFATime: unixTime(token.MFATime), Since: rc.Clock(),
	}
	id := rc.running.start(machine, apiOwner(token), by)
	rc.Log.InfoContext(r.Context(), "remote session started by a call", "machine", machine, "subject", token.Subject, "client", token.ClientID, "acr", token.ACR)
	w.Header().Set("Location", APIPath+"/sessions/"+url.PathEscape(id))
	answerJSON(w, http.StatusCreated, startedSession{ID: id, Machine: machine, Started: rc.Clock().UTC(), By: token.Subject})
}

func (rc remoteControl) apiEnd(w http.ResponseWriter, r *http.Request) {
	token := stepup.FromContext(r.Context())
	s, ok := rc.running.find(r.PathValue("id"), apiOwner(token), token.Subject)
	if !ok {
		apiRefuse(w, http.StatusNotFound, "there is no such session, or it has ended")
		return
	}
	rc.running.stop(s.ID)
	w.WriteHeader(http.StatusNoContent)
}

// rolesOf asks UserInfo for the roles of whoever a call's token is about; none
// where it doesn't answer.
func (rc remoteControl) rolesOf(r *http.Request) []string {
	p, err := rc.discover(r.Context())
	if err != nil {
		return nil
	}
	_, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	info, err := p.UserInfo(rc.client(r.Context()), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: strings.TrimSpace(raw)}))
	if err != nil || info.Subject != stepup.FromContext(r.Context()).Subject {
		return nil
	}
	var claims claimSet
	if info.Claims(&claims) != nil {
		return nil
	}
	return claims.Roles
}

func apiRefuse(w http.ResponseWriter, status int, why string) {
	answerJSON(w, status, map[string]string{"error_description": why})
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that went away is no error of ours
}
