package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp"
)

// mtls is what the provider must know of certificates; nil: they are not
// looked at.
func mtls(c config.Config) (*idp.MTLS, error) {
	if c.MTLS.URL == "" {
		return nil, nil
	}
	roots, err := c.MTLS.Roots()
	if err != nil {
		return nil, fmt.Errorf("mtls.ca_file %s: %w", c.MTLS.CAFile, err)
	}
	return &idp.MTLS{URL: c.MTLS.URL, Roots: roots}, nil
}

// ListenMTLS answers on l, asking for certificates, until ctx ends; see
// [Server.Listen], which does the work in the background. Whose certificate
// it is and whether that is enough, the protocol decides: a client that comes
// with none, or with one that nobody vouches for, isn't cut off.
func (s *Server) ListenMTLS(ctx context.Context, l net.Listener, certFile, keyFile string) error {
	h := NewHTTP(machinesOnly(s.provider.MTLSPaths(), s.handler))
	h.TLSConfig.ClientAuth = tls.RequestClientCert
	return serveUntil(ctx, h, func() error { return h.ServeTLS(l, certFile, keyFile) })
}

// machinesOnly keeps what is for people away from the address where browsers
// would ask them for a certificate, and where their cookies don't reach.
func machinesOnly(paths []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(paths, r.URL.Path) && !strings.HasPrefix(r.URL.Path, "/api/") {
			http.Error(w, "this address is for programs that present a certificate: see mtls_endpoint_aliases", http.StatusNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}
