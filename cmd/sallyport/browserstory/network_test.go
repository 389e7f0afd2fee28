package browserstory

import "testing"

// A sign-in from a network where the person was never seen is confirmed by mail.
func TestNewNetwork(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.company("wary", "new_network_check: true")
		nik := s.visitor(t, s.joinAt("wary", "Nik")).toDashboard()
		nik.password().at("/login/email-code").reads("You are signing in from a network where we haven't seen you yet.", "n•••@wary.example")
		nik.enter(s.CodeTo(t, nik.email)).says("#name", "Nik")
		nik.again().says("#name", "Nik") // from the same network
	})
}
