package stepup

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
)

// RequireBearer lets those calls through to a handler whose access token was
// verified, has all scopes of a space-separated list ("" for none), and shows a
// sign-in that is enough, now. FromContext gives the handler the token. All
// others are answered as RFC 6750 and RFC 9470 say:
//
//   - 401 without an error where there is no token; 400 invalid_request where
//     there are two;
//   - 401 invalid_token where it isn't this provider's, isn't meant for this API,
//     has expired or was revoked, or is bound to a key whose possession the
//     caller didn't prove;
//   - 403 insufficient_scope, before anybody is asked for a second factor;
//   - 401 insufficient_user_authentication with what would do;
//   - 503 where the provider can't be asked, which is not the token's fault.
//
// A token is taken from the Authorization header alone, never from an address
// or a form. Behind another RequireBearer of the same Verifier it takes over the
// token, and checks only its own scope and need: so a handler between the two
// can say who may at all, before anybody is asked for a second factor. It panics
// where the ACR is unknown.
func RequireBearer(v *Verifier, scope string, need Need) func(http.Handler) http.Handler {
	need.must()
	scopes := strings.Fields(scope)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, err := v.enter(r, scopes, need)
			if err != nil {
				v.answer(w, r, err, need, scopes)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, verified{token, v})))
		})
	}
}

type tokenKey struct{}

// verified is a token and who verified it.
type verified struct {
	token *Token
	by    *Verifier
}

// FromContext is the verified token of a call behind RequireBearer, nil
// elsewhere.
func FromContext(ctx context.Context) *Token {
	v, _ := ctx.Value(tokenKey{}).(verified)
	return v.token
}

var (
	errNoToken   = errors.New("no access token")
	errTwoTokens = errors.New("the Authorization header must be sent once, with one token")
	errProof     = errors.New("the DPoP proof doesn't fit")
	errScope     = errors.New("the token's scope doesn't allow this")
)

// b64token is how a token is written (RFC 6750 section 2.1).
var b64token = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

func (v *Verifier) enter(r *http.Request, scopes []string, need Need) (token *Token, err error) {
	if before, _ := r.Context().Value(tokenKey{}).(verified); before.by == v {
		token = before.token
	} else if token, err = v.present(r); err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		if !token.Has(scope) {
			return nil, errScope
		}
	}
	return token, need.Check(token.Claims, v.now())
}

// present verifies the token that a call presents, and that it may.
func (v *Verifier) present(r *http.Request) (*Token, error) {
	sent := r.Header.Values("Authorization")
	if len(sent) == 0 {
		return nil, errNoToken
	}
	scheme, raw, _ := strings.Cut(sent[0], " ")
	bearer, dpop := strings.EqualFold(scheme, "Bearer"), strings.EqualFold(scheme, "DPoP")
	raw = strings.TrimLeft(raw, " ")
	switch {
	case len(sent) > 1:
		return nil, errTwoTokens
	case !bearer && !dpop:
		return nil, errNoToken
	case !b64token.MatchString(raw):
		return nil, errTwoTokens
	}
	token, s, err := v.verify(r.Context(), raw)
	if err != nil {
		return nil, err
	}
	bound := s.Bound != nil || strings.EqualFold(s.Type, "DPoP")
	switch {
	case bound && bearer:
		return nil, refuse("it is bound to a key, and came as a bearer token")
	case dpop && (!bound || s.Bound == nil):
		return nil, refuse("it is bound to no key, and came with a proof")
	case dpop:
		if err := v.proof(r, raw, s.Bound.jkt); err != nil {
			return nil, err
		}
		token.KeyThumbprint = s.Bound.jkt
	}
	return token, nil
}

func (v *Verifier) log(ctx context.Context, what string, err error) {
	if v.Log != nil {
		v.Log.LogAttrs(ctx, slog.LevelWarn, what, slog.String("issuer", v.Issuer), slog.Any("error", err))
	}
}
