package idp

import (
	"maps"
	"slices"
	"strings"
)

// mtlsAliases are the endpoints of m as they are reached with a certificate, by
// the names of m (RFC 8705 section 5); nil where they are no others.
func (p *Provider) mtlsAliases(m metadata) map[string]string {
	if p.MTLS == nil || p.MTLS.URL == p.Issuer {
		return nil
	}
	aliases := map[string]string{}
	for name, address := range map[string]string{
		"token_endpoint": m.TokenEndpoint, "revocation_endpoint": m.RevocationEndpoint, "introspection_endpoint": m.IntrospectionEndpoint,
		"pushed_authorization_request_endpoint": m.PAREndpoint, "device_authorization_endpoint": m.DeviceEndpoint, "userinfo_endpoint": m.UserinfoEndpoint,
	} {
		if path, ok := strings.CutPrefix(address, p.Issuer+"/"); ok {
			aliases[name] = p.MTLS.URL + "/" + path
		}
	}
	return aliases
}

// MTLSPaths are the paths that are served at MTLS.URL.
func (p *Provider) MTLSPaths() (paths []string) {
	for address := range maps.Values(p.mtlsAliases(p.metadata())) {
		paths = append(paths, strings.TrimPrefix(address, p.MTLS.URL))
	}
	slices.Sort(paths)
	return paths
}
