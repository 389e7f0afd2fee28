package page

import "time"

// DeviceCode asks for the code that a device shows (RFC 8628 section 3.3).
// Field: user_code.
type DeviceCode struct {
	// Code is what was entered last, as it was entered.
	Code string
}

// DeviceConfirm says which device asks, so that nobody signs in somebody
// else's (RFC 8628 section 5.4). The product is that of the Frame. Form: go_on=1
// or cancel=1, with user_code.
type DeviceConfirm struct {
	// Code is as the device shows it.
	Code string
	// IP is the device's address; SameNetwork says that this browser is in its
	// network.
	IP          string
	SameNetwork bool
	// Device names the device as [Device] does; empty where it isn't known.
	Device string
	Asked  time.Time
	// SelfRegistered marks a product that nobody here has checked.
	SelfRegistered bool
	// Person is the e-mail of who is signed in in this browser; empty: nobody.
	Person string
}

func (DeviceCode) template() string    { return "device_code" }
func (DeviceConfirm) template() string { return "device_confirm" }
