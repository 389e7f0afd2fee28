package page

import "time"

// ConsoleDelivery shows how mails, text messages and logout calls are
// delivered. Forms: POST /console/delivery/ID/retry and …/ID/drop; POST
// /console/delivery/test with kind=mail or text, and to.
type ConsoleDelivery struct {
	Console
	// List is that of the failed ones.
	List
	// Kinds: "mail", "text" and "logout".
	Kinds  []DeliveryKind
	Failed []FailedDelivery
	// TestKind and TestTo are what the form for a test was sent with.
	TestKind, TestTo string
}

// DeliveryKind is one way out.
type DeliveryKind struct {
	// Kind is "mail", "text" or "logout".
	Kind string
	// Configured: there is a carrier. Via names it: a host.
	Configured bool
	Via        string
	// Waiting and Failed count messages; Oldest is since when the oldest waits.
	Waiting, Failed int
	Oldest          time.Time
	// LastError is what the far end last said; empty: nothing went wrong.
	LastError string
}

// FailedDelivery is a message that was given up.
type FailedDelivery struct {
	ID, Kind string
	// To is the product, or the address, masked.
	To      string
	Queued  time.Time
	LastTry time.Time
	Tries   int
	Error   string
}

// Testable are the kinds a test can be sent by.
func (d ConsoleDelivery) Testable() []tick {
	var kinds []string
	for _, k := range d.Kinds {
		if k.Configured && k.Kind != "logout" {
			kinds = append(kinds, k.Kind)
		}
	}
	return ticks([]string{d.TestKind}, kinds...)
}

func (ConsoleDelivery) template() string { return "console_delivery" }
