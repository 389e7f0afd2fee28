package idp

import (
	"context"
	"net/http"
	"slices"
)

// anyOrigin lets scripts of any site read what is public.
func anyOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		next.ServeHTTP(w, r)
	})
}

// registeredOrigins lets scripts call from the origins of registered redirect
// URIs, without cookies.
func (p *Provider) registeredOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get("Origin"); from != "" {
			w.Header().Add("Vary", "Origin")
			if p.knownOrigin(r.Context(), from) {
				w.Header().Set("Access-Control-Allow-Origin", from)
				w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
				w.Header().Set("Access-Control-Expose-Headers", "DPoP-Nonce, WWW-Authenticate")
				w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
				w.Header().Set("Access-Control-Max-Age", "600")
			}
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Provider) knownOrigin(ctx context.Context, from string) bool {
	clients, err := p.DB.Clients(ctx)
	if err != nil {
		p.Log.ErrorContext(ctx, "read products", "error", err)
		return false
	}
	for _, c := range clients {
		if slices.Contains(c.Origins, from) {
			return true
		}
	}
	return false
}
