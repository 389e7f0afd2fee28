package page

// ConsoleCompanyProducts lists the products open to a company: …/products.
// Form, where May "change": always=0|1 to …/products/ID.
type ConsoleCompanyProducts struct {
	Console
	Products []CompanyProduct
	May      map[string]bool
}

// CompanyProduct is a product open to a company.
type CompanyProduct struct {
	ID, Name string
	// Kinds says who may use it: "staff", "client"; none: everyone.
	Kinds []string
	// People is how many are named to use it; 0: nobody by name.
	People int
	// AlwaysByOperator and AlwaysByCompany: who says that it always needs two
	// factors.
	AlwaysByOperator, AlwaysByCompany bool
	// Roles are all that it defines; WithRoles, how many people have any.
	Roles     []string
	WithRoles int
}

func (ConsoleCompanyProducts) template() string { return "console_company_products" }
