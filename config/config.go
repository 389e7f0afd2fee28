// Package config says what an operator can set, and reads it.
//
// Every option is a field of Config and is documented there, nowhere else: the command line's help, the names in the
// file and in the environment, and the printed configuration are made from the fields and their tags. Load reads the
// sources, later ones winning, and reports every mistake at once, each with its place and what to write instead. An
// empty configuration is a working one: a provider on localhost with a SQLite file beside it.
//
// A Config that Load returned without an error has been checked; nothing needs to be checked again by those who use it.
package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is all that an operator decides.
//
// Of the tags, name is the option's flag; the file writes it with underscores (sessions-idle is idle under sessions),
// the environment in capitals behind SALLYPORT_. preset is the value without any setting. type tells the command line
// to hand the text to Load instead of reading it itself.
type Config struct {
	// Issuer is an origin: scheme, host and, where it isn't the scheme's own, a port. Products compare it byte by byte
	// and passkeys are bound to its host, so it can't change later without everybody enrolling anew.
	Issuer string `name:"issuer" type:"option" placeholder:"URL" help:"Address at which people and products reach this provider, such as https://id.example.com. Without it: localhost, with the port of listen."`

	// Listen has a name or an IP address, or nothing for all interfaces, and a port.
	Listen string `name:"listen" type:"option" preset:"localhost:8080" placeholder:"HOST:PORT" help:"Where to accept connections. Beyond this machine, issuer must be set too."`

	// DatabaseURL prints without its password.
	DatabaseURL DatabaseURL `name:"database-url" type:"option" preset:"sqlite:./data/sallyport.db" placeholder:"URL" help:"sqlite:PATH, or postgres://USER:PASSWORD@HOST/NAME."`

	// TLSCertFile and TLSKeyFile are set together or not at all: without them a proxy in front speaks TLS.
	TLSCertFile string `name:"tls-cert-file" type:"option" placeholder:"FILE" help:"Certificate chain (PEM) to serve https with, without a proxy in front."`
	TLSKeyFile  string `name:"tls-key-file" type:"option" placeholder:"FILE" help:"Private key (PEM) of tls_cert_file."`

	// TrustedProxies may say who called: X-Forwarded-For of anybody else is ignored.
	TrustedProxies []netip.Prefix `name:"trusted-proxies" type:"option" placeholder:"CIDR,..." help:"Networks of the proxies in front, whose word about a caller's address is believed."`

	// MasterKey seals seeds and signing keys in the database. It has no flag, because arguments are seen by everybody on
	// the machine. At most one of MasterKey and MasterKeyFile is set by the operator; LoadMasterKey reads either.
	MasterKey Secret `name:"master-key" kong:"-" help:"Key of 32 bytes, in base64 or hex, that seals secrets in the database."`

	// MasterKeyFile without a setting is master.key beside the SQLite file, where the first start writes one. With
	// PostgreSQL there is no such place that all replicas share, so the operator says where the key is.
	MasterKeyFile string `name:"master-key-file" type:"option" placeholder:"FILE" help:"File that holds the master key. Without it, and with SQLite: master.key beside the database, made at the first start."`

	LogLevel  slog.Level `name:"log-level" type:"option" preset:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat string     `name:"log-format" type:"option" preset:"text" placeholder:"FORMAT" help:"text or json."`

	// MetricsListen is apart from Listen so that a firewall can tell them apart.
	MetricsListen string `name:"metrics-listen" type:"option" placeholder:"HOST:PORT" help:"Where to serve Prometheus metrics, without sign-in. Without it: nowhere."`

	Sessions Sessions `embed:"" prefix:"sessions-"`
	Limits   Limits   `embed:"" prefix:"limits-"`
	Outbound Outbound `embed:"" prefix:"outbound-"`
	MTLS     MTLS     `embed:"" prefix:"mtls-"`
	Mail     Mail     `embed:"" prefix:"mail-"`
	Text     Text     `embed:"" prefix:"text-"`
	Codes    Codes    `embed:"" prefix:"codes-"`
	WebAuthn WebAuthn `embed:"" prefix:"webauthn-"`

	Registration Registration `embed:"" prefix:"registration-"`

	Protocol Protocol `embed:"" prefix:"protocol-"`

	Audit Audit `embed:"" prefix:"audit-"`
	Keys  Keys  `embed:"" prefix:"keys-"`

	// ProductName is also the issuer in otpauth: links, so it has no colon.
	ProductName string `name:"product-name" type:"option" placeholder:"NAME" help:"What this provider calls itself, in authenticator apps too. Without it: the host of issuer."`

	// origin tells for each option, by its name in the file, where its value came from.
	origin map[string]string
}

// Sessions says how long a browser stays signed in.
type Sessions struct {
	// Idle is at least a minute and at most Absolute.
	Idle     time.Duration `name:"idle" type:"option" preset:"1h" placeholder:"DURATION" help:"A session ends after this long without use."`
	Absolute time.Duration `name:"absolute" type:"option" preset:"12h" placeholder:"DURATION" help:"A session ends after this long, used or not."`
}

// Limits says who is not slowed down.
type Limits struct {
	// ExemptNetworks lifts limits per address, for an office behind one address or a load test; never those per person.
	ExemptNetworks []netip.Prefix `name:"exempt-networks" type:"option" placeholder:"CIDR,..." help:"Networks without limits per address. Limits per person always hold."`
}

// Outbound says where the provider itself may connect to.
type Outbound struct {
	// AllowPrivate is for products and a text gateway inside a company's own network; elsewhere it would let whoever
	// registers a product reach services that only this machine should. The mail server may be anywhere: only the operator
	// names it.
	AllowPrivate bool `name:"allow-private" type:"option" preset:"false" help:"Send back-channel logouts and text messages (text.webhook_url) to private and loopback addresses too, and fetch products' keys (jwks_uri) from there."`
}
