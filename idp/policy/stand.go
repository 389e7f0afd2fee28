package policy

// Held is all that decides whether what was given out still stands.
type Held struct {
	PersonDisabled bool
	// SessionEnded: signed out, ended by somebody, or over.
	SessionEnded bool
	// Offline: it was granted beyond the session.
	Offline bool
	Revoked bool
	// ProductClosed to this person since.
	ProductClosed bool
	ProductName   string
	// Level is what the sign-in was worth, MinLevel what the product demands
	// of everybody now.
	Level, MinLevel Level
}

// Stands says whether a code, a token or a session still stands: Pass, or
// Refuse with the reason. What is demanded of a sign-in is not asked again.
func Stands(h Held) Decision {
	refuse := func(code ReasonCode) Decision {
		return Decision{Do: Refuse, Reason: Reason{Code: code, Who: h.ProductName}}
	}
	switch {
	case h.Revoked:
		return refuse(GrantRevoked)
	case h.PersonDisabled:
		return refuse(PersonDisabled)
	case h.SessionEnded && !h.Offline:
		return refuse(SessionEnded)
	case h.ProductClosed:
		return refuse(ProductClosed)
	case h.Level < h.MinLevel:
		return refuse(ByProduct)
	}
	return Decision{Do: Pass}
}
