package notify

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// SMTPOptions says which server takes our mails, and how to talk to it.
type SMTPOptions struct {
	// Server is HOST:PORT.
	Server string
	// TLS is "starttls" (also when empty: a server that doesn't offer it gets no mail), "tls" from the first byte, or
	// "none".
	TLS string
	// Username and Password are set together or not at all. Without TLS they go to this machine alone.
	Username, Password string
	// From is what people see as the sender: "Name <address>".
	From string
	// Hello is the name by which this machine introduces itself. Empty: its own.
	Hello string
	// Timeout is how long handing over one mail may take. Zero: 10 s.
	Timeout time.Duration
	// RootCAs are the authorities believed. Nil: the system's.
	RootCAs *x509.CertPool
}

// SMTP hands mails over to a mail server, each over a connection of its own: mails are few, and a connection kept open is
// one that may be dead.
type SMTP struct {
	o    SMTPOptions
	host string
	from *netmail.Address
}

// smtpTimeout is how long a mail takes at most. Servers that greylist or look up names answer within seconds.
const smtpTimeout = 10 * time.Second

// NewSMTP checks the options; it doesn't connect.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	host, _, err := net.SplitHostPort(o.Server)
	if err != nil || host == "" {
		return nil, fmt.Errorf("mail server %q is no host and port", o.Server)
	}
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("sender %q is no address", o.From)
	}
	switch o.TLS {
	case "":
		o.TLS = "starttls"
	case "starttls", "tls":
	case "none":
		if o.Username != "" && !thisMachine(host) {
			return nil, errors.New("a password must not go to a mail server without TLS")
		}
	default:
		return nil, fmt.Errorf("TLS %q is none of starttls, tls and none", o.TLS)
	}
	if (o.Username == "") != (o.Password == "") {
		return nil, errors.New("user name and password of the mail server are set together or not at all")
	}
	if o.Timeout == 0 {
		o.Timeout = smtpTimeout
	}
	if o.Hello == "" {
		if o.Hello, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("this machine's name: %w", err)
		}
	}
	return &SMTP{o: o, host: host, from: from}, nil
}

// thisMachine has the names to which go-mail gives a password without TLS.
func thisMachine(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// String names the server, and hides the password from whatever formats the value.
func (s *SMTP) String() string { return "mail server " + s.o.Server }

// Send implements [Sender]. Its errors are [*Failure].
func (s *SMTP) Send(ctx context.Context, m Mail) error {
	to, err := netmail.ParseAddress(m.To)
	if err != nil {
		return &Failure{Carrier: s.String(), Step: StepRecipient, cause: errors.New("this is no address"), rejected: true}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Timeout, fmt.Errorf("no answer within %s", s.o.Timeout))
	defer cancel()
	client, err := s.connect(ctx, to)
	if err != nil {
		return s.failure(ctx, stepOf(err), err)
	}
	if err := client.Mail(bracketed(s.from)); err != nil {
		return s.failure(ctx, StepSender, err)
	}
	if err := client.Rcpt(bracketed(to)); err != nil {
		return s.failure(ctx, StepRecipient, err)
	}
	content, err := client.Data()
	if err != nil {
		return s.failure(ctx, StepHandOver, err)
	}
	if _, err := s.message(to, m).WriteTo(content); err != nil {
		return s.failure(ctx, StepHandOver, err)
	}
	if err := content.Close(); err != nil {
		return s.failure(ctx, StepHandOver, err)
	}
	// The server has taken the mail. Whatever happens while saying good-bye, sending it again would be wrong.
	if client.UpdateDeadline(time.Second) == nil {
		_ = client.Quit()
	}
	return nil
}

func bracketed(a *netmail.Address) string { return "<" + a.Address + ">" }

// message writes the mail down. Line breaks in a subject are encoded and so can't begin a header of their own.
func (s *SMTP) message(to *netmail.Address, m Mail) *mail.Msg {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(to)
	msg.Subject(m.Subject)
	_, domain, _ := strings.Cut(s.from.Address, "@")
	msg.SetMessageIDWithValue(rand.Text() + "@" + domain)
	// RFC 3834: nobody's holiday notice answers.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	msg.SetBodyString(mail.TypeTextPlain, m.Body)
	return msg
}

// mechanisms are the ways to sign in, the ones that work nearly everywhere first: TLS keeps the password from others.
var mechanisms = []mail.SMTPAuthType{
	mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthCramMD5,
}

// connect returns a server that is ready for a mail. The connection ends with ctx, whatever it is doing.
func (s *SMTP) connect(ctx context.Context, to *netmail.Address) (*smtp.Client, error) {
	secure := &tls.Config{ServerName: s.host, RootCAs: s.o.RootCAs, MinVersion: tls.VersionTLS12}
	dial := func(context.Context, string, string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.o.Server)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		if s.o.TLS != "tls" {
			return conn, nil
		}
		private := tls.Client(conn, secure)
		if err := private.HandshakeContext(ctx); err != nil {
			return nil, tlsError{err}
		}
		return private, nil
	}
	options := []mail.Option{
		mail.WithDialContextFunc(dial),
		mail.WithHELO(s.o.Hello),
		// ctx is the only clock.
		mail.WithTimeout(2 * s.o.Timeout),
	}
	switch s.o.TLS {
	case "starttls":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(secure))
	case "tls":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if s.o.Username != "" {
		options = append(options, mail.WithUsername(s.o.Username), mail.WithPassword(s.o.Password),
			mail.WithOpportunisticSMTPAuth(mechanisms...))
	}
	// A mail that doesn't need the extension would only be refused further on by servers that don't have it.
	if isASCII(s.from.Address + to.Address) {
		options = append(options, mail.WithoutSMTPUTF8())
	}
	client, err := mail.NewClient(s.host, options...)
	if err != nil {
		return nil, err
	}
	return client.DialToSMTPClientWithContext(ctx)
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e })
}

// tlsError is one of a connection that is encrypted from its first byte.
type tlsError struct{ error }

func (e tlsError) Unwrap() error { return e.error }

// noSTARTTLS is how go-mail's error begins for a server without STARTTLS; it has no type.
const noSTARTTLS = "STARTTLS mode set"

// stepOf tells how far connecting came. go-mail has a text but no type for some of its errors.
func stepOf(err error) Step {
	text := err.Error()
	_, implicit := errors.AsType[tlsError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case implicit || untrusted || strings.HasPrefix(text, noSTARTTLS) || strings.Contains(text, "tls: "):
		return StepTLS
	case strings.HasPrefix(text, "SMTP AUTH failed") || strings.HasPrefix(text, "server does not support SMTP AUTH") ||
		errors.Is(err, mail.ErrNoSupportedAuthDiscovered):
		return StepSignIn
	}
	return StepConnect
}

var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// failure makes a Failure of an error at the step, and leaves behind what must not be in it.
func (s *SMTP) failure(ctx context.Context, step Step, err error) error {
	f := &Failure{Carrier: s.String(), Step: step}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		f.Code = fmt.Sprintf("%d", answer.Code)
		if enhanced := enhancedCode.FindString(answer.Msg); enhanced != "" {
			f.Code += " " + enhanced
		}
		f.said = oneLine(answer.Msg, s.o.Password, base64.StdEncoding.EncodeToString([]byte(s.o.Password)),
			base64.StdEncoding.EncodeToString([]byte("\x00"+s.o.Username+"\x00"+s.o.Password)))
		// 530 and 535 want us to sign in first: that is for the operator to mend, and no fault of the message.
		permanent := answer.Code >= 500 && answer.Code != 530 && answer.Code != 535
		f.rejected = permanent && (step == StepRecipient || step == StepHandOver)
		return f
	}
	switch {
	case ctx.Err() != nil:
		f.cause = context.Cause(ctx)
	case strings.HasPrefix(err.Error(), noSTARTTLS):
		f.cause = errors.New("the server does not offer STARTTLS")
	case isProtocolError(err):
		f.cause = errors.New("what answers there does not speak SMTP") // the error quotes the line
	default:
		f.cause = err
	}
	return f
}

func isProtocolError(err error) bool {
	_, ok := errors.AsType[textproto.ProtocolError](err)
	return ok
}
