package page

import "time"

// ConsoleAPIClients lists the machines that act for a company, at
// /console/companies/ID/api-clients. Beside it are …/new, …/CLIENT/delete
// (both pages), and the form that posts to …/CLIENT/secret with overlap=0, 24
// or 168: for how many hours the secret before is good besides the new one.
type ConsoleAPIClients struct {
	Console
	// Clients, in the order they are shown.
	Clients []APIClient
	// ReadOnly: the reader may see them and not change them.
	ReadOnly bool
	// NetworksURL is set where the company requires two-step verification of
	// everybody and no addresses are set for machines, so that none gets in: it
	// leads to where that can be set.
	NetworksURL string
}

// APIClient is a machine with a client id and a secret.
type APIClient struct {
	ID, Name string
	Scopes   []string
	// LastUse is when it last got a token; zero: never.
	LastUse time.Time
	// SecretMade is when its secret was made, zero where that isn't known;
	// OldSecretUntil until when the one before is good too, zero where it isn't.
	SecretMade, OldSecretUntil time.Time
}

// ConsoleAPIClientForm makes an API client. Fields: name, scopes (once for
// each).
type ConsoleAPIClientForm struct {
	Console
	Name string
	// Scopes are those chosen of Offered.
	Scopes, Offered []string
}

// ScopesOffered are the scopes with what is chosen.
func (f ConsoleAPIClientForm) ScopesOffered() []tick { return ticks(f.Scopes, f.Offered...) }

// ConsoleAPIClientCreated shows an API client's secret, once: after it was
// made, and after another secret was made for it.
type ConsoleAPIClientCreated struct {
	Console
	ID, Name, Secret string
	// OldSecretUntil is until when the secret before is good too; zero where it
	// isn't, or there was none.
	OldSecretUntil time.Time
	// Example is how it gets a token and lists people (APIClientExample).
	Example string
}

func (ConsoleAPIClients) template() string       { return "console_api_clients" }
func (ConsoleAPIClientForm) template() string    { return "console_api_client_form" }
func (ConsoleAPIClientCreated) template() string { return "console_api_client_created" }
