package config

import (
	"fmt"
	"net/mail"
)

// Mail says which server carries our mails. Without one they are written to the log, so people get no codes by e-mail.
type Mail struct {
	// Server without a value means that no mail is sent.
	Server string `name:"server" type:"option" placeholder:"HOST:PORT" help:"Mail server (SMTP) that takes our mails, such as smtp.example.com:587. Without it: mails are not sent."`

	// TLS is never given up by itself: a server that doesn't offer STARTTLS gets no mail.
	TLS string `name:"tls" type:"option" preset:"starttls" placeholder:"HOW" help:"starttls, tls (from the first byte, as on port 465) or none (readable by everybody between; never with a password, except on this machine)."`

	// Username and Password are set together or not at all.
	Username string `name:"username" type:"option" placeholder:"NAME" help:"User name at the mail server, if it wants one."`
	Password Secret `name:"password" kong:"-" help:"Password at the mail server."`

	// From is needed with Server.
	From string `name:"from" type:"option" placeholder:"ADDRESS" help:"Sender that people see: Acme Sign-in <no-reply@example.com>."`
}

func (l *loading) checkMail() {
	m := l.config.Mail
	if m.TLS != "starttls" && m.TLS != "tls" && m.TLS != "none" {
		l.report("mail.tls", &mistake{fmt.Sprintf("is %q", m.TLS), "write starttls, tls or none"})
	}
	if m.From != "" {
		if _, err := mail.ParseAddress(m.From); err != nil {
			l.report("mail.from", &mistake{fmt.Sprintf("is %q, which is no address", m.From),
				"write one such as no-reply@example.com or Acme Sign-in <no-reply@example.com>"})
		}
	}
	if m.Server == "" {
		l.refuseWithout("mail.server", map[string]bool{
			"mail.from": m.From != "", "mail.username": m.Username != "", "mail.password": !m.Password.IsZero(),
		})
		return
	}
	host, port, wrong := splitAddress(m.Server)
	switch {
	case wrong != nil || host == "" || port == "0":
		l.report("mail.server", &mistake{fmt.Sprintf("is %q, which is no host and port", m.Server),
			"write HOST:PORT, such as smtp.example.com:587"})
	case port == "465" && m.TLS == "starttls":
		l.report("mail.tls", &mistake{"is starttls, but on port 465 servers speak TLS from the first byte", "write tls, or use port 587"})
	case m.TLS == "none" && m.Username != "" && host != "localhost" && host != "127.0.0.1" && host != "::1":
		l.report("mail.tls", &mistake{"is none, and mail.username set: the password would be readable on the way", "write starttls or tls"})
	}
	if m.From == "" {
		l.report("mail.from", &mistake{"is needed with mail.server", "write the address that mails come from, such as Acme Sign-in <no-reply@example.com>"})
	}
	switch {
	case m.Username != "" && m.Password.IsZero() && !l.refused["mail.password"]:
		l.report("mail.password", &mistake{"is needed with mail.username", "set SALLYPORT_MAIL_PASSWORD, or SALLYPORT_MAIL_PASSWORD_FILE to a file that holds it"})
	case m.Username == "" && !m.Password.IsZero():
		l.report("mail.username", &mistake{"is needed with mail.password", "set both or neither"})
	}
}
