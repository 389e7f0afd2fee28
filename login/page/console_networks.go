package page

// ConsoleNetworks is from where people and machines may come: …/networks.
// Fields, each one range a line with a comment after #: sign_in_from and
// machines. Before it is saved the handler shows a ConsoleConfirm.
type ConsoleNetworks struct {
	Console
	SignInFrom, Machines string
	// You is the address the reader comes from; Inside, whether it is among
	// those to sign in from as they are saved (true where there are none).
	You    string
	Inside bool
	// Stops are the names of API clients that stop working while the list for
	// machines is empty and two factors are required.
	Stops []string
	May   map[string]bool // "change"
	// Version is that of the networks the form is based on. Field: version.
	Version string
	Test    NetworkTest
}

// NetworkTest is the test box: a form that gets the page's own address with
// test_from.
type NetworkTest struct {
	From   string
	Result *NetworkResult
}

// NetworkResult is what may be done from an address.
type NetworkResult struct {
	// SignIn and Machines: people may sign in, machines may call.
	SignIn, Machines bool
	// Asked: by the network alone a second factor is asked for.
	Asked bool
}

func (ConsoleNetworks) template() string { return "console_networks" }
