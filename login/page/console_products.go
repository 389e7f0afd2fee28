package page

import "time"

// ConsoleProducts lists the products of the instance, for its operator. A
// product is at /console/products/ID, a new one at /console/products/new.
type ConsoleProducts struct {
	Console
	List
	Products []ProductLine
}

// ProductLine is one product in the list.
type ProductLine struct {
	// ID is the client id.
	ID, Name string
	Type     ProductType
	Access   ProductAccess
	TwoStep  ProductTwoStep
	// LastUse is when it last got a token; zero: never.
	LastUse time.Time
}

// ProductType is what a product is to the protocol.
type ProductType string

// The types of products.
const (
	// ConfidentialProduct keeps a secret on its server.
	ConfidentialProduct ProductType = "confidential"
	// PublicProduct runs in a browser and keeps no secret.
	PublicProduct ProductType = "public"
	// NativeProduct is an app on a person's device.
	NativeProduct ProductType = "native"
	// MachineProduct is an API client: it acts for itself.
	MachineProduct ProductType = "machine"
)

// ProductAccess says who may use a product; the zero value: everybody.
type ProductAccess struct {
	// Companies by name, Kinds "staff" or "client".
	Companies, Kinds []string
	// People counts those who are named one by one.
	People int
}

// Everybody reports whether nobody is shut out.
func (a ProductAccess) Everybody() bool {
	return len(a.Companies) == 0 && len(a.Kinds) == 0 && a.People == 0
}

// ProductTwoStep says what it takes to enter a product besides a password.
type ProductTwoStep struct {
	// Required of everybody, or only of the people of the companies Of (names).
	Required bool
	Of       []string
	// MinACR is the least acr to enter with; empty: none.
	MinACR string
}

func (ConsoleProducts) template() string { return "console_products" }
