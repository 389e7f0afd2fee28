package session

import "net/url"

// DeviceDone is where an authorization request that answers a device ends (RFC
// 8628 section 3.3): a page of ours, which goes by the request's id.
func (s *Sessions) DeviceDone(requestID string) string {
	return s.Issuer + "/device/done?" + url.Values{"r": {requestID}}.Encode()
}
