package session

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// Origin is where a request came from.
type Origin struct {
	Addr      netip.Addr
	UserAgent string
	// RequestID is in the log, in the audit, and on error pages.
	RequestID string
	// Certificate is the client's, by TLS with us or with a trusted proxy; nil:
	// none came. The sender has its key; who vouches for it, nobody has looked
	// at yet. Intermediates came with it.
	Certificate   *x509.Certificate
	Intermediates []*x509.Certificate
	// CertificateProblem says why what the proxy wrote is no certificate.
	CertificateProblem error
}

type originKey struct{}

// OriginOf returns the origin of the request that ctx belongs to.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// WithOrigin is for work that no request asked for, such as the command line.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// TrackOrigin notes where each request came from: the socket's address, or
// what the trusted proxies say in X-Forwarded-For; and with which certificate,
// that of our own TLS or what they say in certificateHeader ("": nothing). A
// header from anyone else is ignored.
func TrackOrigin(trusted []netip.Prefix, certificateHeader string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Headers may hold any bytes; what is kept must be text.
			o := Origin{Addr: clientAddr(r, trusted), UserAgent: strings.ToValidUTF8(r.UserAgent(), "?"), RequestID: storage.NewID()}
			o.certificate(r, trusted, certificateHeader)
			w.Header().Set("X-Request-Id", o.RequestID)
			next.ServeHTTP(w, r.WithContext(WithOrigin(r.Context(), o)))
		})
	}
}

// socketAddr is whom the connection is with; invalid: nobody's.
func socketAddr(r *http.Request) netip.Addr {
	socket, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return socket.Addr().Unmap()
}

func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr := socketAddr(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	// From our own proxy backwards: the first hop that isn't a trusted proxy
	// is the client; what stands before it was written by the client.
	for i := len(hops) - 1; i >= 0 && isTrusted(trusted, addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	return addr
}

func isTrusted(trusted []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Network is what counts as one network: the /24 or /48 of an address.
func Network(addr netip.Addr) string {
	bits := 48
	if addr.Unmap().Is4() {
		addr, bits = addr.Unmap(), 24
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
