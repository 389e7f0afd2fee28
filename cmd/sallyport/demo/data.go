package demo

import (
	_ "embed"
	"os"
)

// data is the demo's companies, people and products, as an operator would
// declare them.
//
//go:embed demo.yaml
var data string

// Password is everybody's in the demo.
const Password = "open the second door"

// Number is the provider's in the demo: what people text to, in E.164.
const Number = "+41780000042"

// passwordHash is Password as a declared state holds it.
const passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$WmnOnzXLzR+8PMdyq27m6Q$3qwZCqLKOZivrXGKiiYvIFKIkBTno+MmWnLo7aqVj8U"

// Client ids and secrets of the two products. The secrets are known to
// everybody, as the demo's password is: it is for one's own machine.
const (
	DashboardID     = "dashboard"
	DashboardSecret = "demo-dashboard-secret"
	RemoteID        = "remote-control"
	RemoteSecret    = "demo-remote-control-secret"
)

// People are those who can sign in, and what they are good for.
var People = []struct{ Email, About string }{
	{"ana@acme.example", "may start remote sessions; has no second factor yet"},
	{"ben@acme.example", "may not start remote sessions"},
	{"adam@acme.example", "administrator of Acme"},
	{"olga@acme.example", "owner of Acme; may start remote sessions"},
	{"gwen@globex.example", "owner of another company"},
	{"otto@sallyport.example", "operator of this instance"},
}

// Machines to control.
var Machines = []string{"reception-pc", "warehouse-scanner", "ceo-laptop"}

// Declaration is the demo's declared state for products at two addresses.
// hash is how the provider keeps secrets.
func Declaration(dashboard, remote string, hash func(string) string) string {
	values := map[string]string{
		"DASHBOARD": dashboard, "REMOTE": remote, "PASSWORD_HASH": passwordHash,
		"DASHBOARD_SECRET_HASH": hash(DashboardSecret), "REMOTE_SECRET_HASH": hash(RemoteSecret),
	}
	return os.Expand(data, func(name string) string { return values[name] })
}
