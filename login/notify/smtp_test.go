package notify_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
)

const (
	mailUser     = "sallyport"
	mailPassword = "hunter2-hidden"
)

var notice = notify.Mail{To: "olga@acme.example", Subject: "Ihr Code für Grüße — ¡hola!", Body: "Dein Code: 482913\n.\nGrüße"}

// MustSMTP sends to the server, as a user with a password.
func MustSMTP(t *testing.T, s *mailServer, change func(*notify.SMTPOptions)) *notify.SMTP {
	t.Helper()
	o := notify.SMTPOptions{
		Server: s.Addr, Username: mailUser, Password: mailPassword, From: "Acme Sign-in <no-reply@acme.example>",
		Hello: "id.acme.example", RootCAs: s.Roots,
	}
	if change != nil {
		change(&o)
	}
	sender, err := notify.NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func TestSMTPDelivers(t *testing.T) {
	for name, test := range map[string]struct {
		server  *mailServer
		options func(*notify.SMTPOptions)
		tls     bool
		user    string
	}{
		"STARTTLS":              {server: &mailServer{Auth: "PLAIN"}, tls: true, user: mailUser},
		"STARTTLS, LOGIN":       {server: &mailServer{Auth: "GSSAPI LOGIN"}, tls: true, user: mailUser},
		"TLS":                   {server: &mailServer{Implicit: true, Auth: "LOGIN PLAIN"}, options: func(o *notify.SMTPOptions) { o.TLS = "tls" }, tls: true, user: mailUser},
		"none, on this machine": {server: &mailServer{Plain: true, Auth: "PLAIN"}, options: func(o *notify.SMTPOptions) { o.TLS = "none" }, user: mailUser},
		"nobody":                {server: &mailServer{}, options: func(o *notify.SMTPOptions) { o.Username, o.Password = "", "" }, tls: true},
		"no good-bye":           {server: &mailServer{Auth: "PLAIN", Answers: map[string]string{"QUIT": "500 no"}}, tls: true, user: mailUser},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.server
			s.Start(t)
			if err := MustSMTP(t, s, test.options).Send(t.Context(), notice); err != nil {
				t.Fatal(err)
			}
			mails := s.Mails()
			if len(mails) != 1 {
				t.Fatalf("%d mails", len(mails))
			}
			m := mails[0]
			if m.TLS != test.tls || m.User != test.user || (m.Password == mailPassword) != (test.user != "") {
				t.Errorf("TLS %v, user %q, password %q", m.TLS, m.User, m.Password)
			}
			if m.Hello != "id.acme.example" || !strings.HasPrefix(m.From, "FROM:<no-reply@acme.example>") || m.To != "TO:<olga@acme.example>" {
				t.Errorf("envelope: hello %q, %q, %q", m.Hello, m.From, m.To)
			}
			if strings.Contains(m.From, "SMTPUTF8") {
				t.Error("ASCII addresses need no extension")
			}
			checkNotice(t, m.Data)
		})
	}
}

// checkNotice reads the mail as a mail program does.
func checkNotice(t *testing.T, data string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	header := func(name string) string {
		text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return text
	}
	if header("Subject") != notice.Subject {
		t.Errorf("subject %q", header("Subject"))
	}
	if from := header("From"); from != `"Acme Sign-in" <no-reply@acme.example>` {
		t.Errorf("from %q", from)
	}
	if to := header("To"); to != "<olga@acme.example>" {
		t.Errorf("to %q", to)
	}
	if header("Auto-Submitted") != "auto-generated" {
		t.Errorf("Auto-Submitted %q", header("Auto-Submitted"))
	}
	if id := header("Message-ID"); !strings.HasSuffix(id, "@acme.example>") || len(id) < 30 {
		t.Errorf("Message-ID %q", id)
	}
	if _, err := m.Header.Date(); err != nil {
		t.Errorf("Date: %v", err)
	}
	if kind := header("Content-Type"); kind != "text/plain; charset=UTF-8" {
		t.Errorf("Content-Type %q", kind)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")); got != notice.Body {
		t.Errorf("body %q", got)
	}
}

// The text of a server may repeat all that it was told; the error's doesn't.
func TestSMTPAnswers(t *testing.T) {
	echo := " 5.7.9 you said: %s"
	for name, test := range map[string]struct {
		command, answer string
		step            notify.Step
		code            string
		rejected        bool
	}{
		"greeting says no":   {"hello", "554" + echo, notify.StepConnect, "554 5.7.9", false},
		"too busy":           {"hello", "421 come back", notify.StepConnect, "421", false},
		"STARTTLS says no":   {"STARTTLS", "454" + echo, notify.StepConnect, "454 5.7.9", false},
		"wrong password":     {"AUTH", "535" + echo, notify.StepSignIn, "535 5.7.9", false},
		"the same by LOGIN":  {"AUTH", "535" + echo, notify.StepSignIn, "535 5.7.9", false},
		"sender refused":     {"MAIL", "553" + echo, notify.StepSender, "553 5.7.9", false},
		"mailbox full":       {"RCPT", "452" + echo, notify.StepRecipient, "452 5.7.9", false},
		"nobody there":       {"RCPT", "550" + echo, notify.StepRecipient, "550 5.7.9", true},
		"without a code":     {"RCPT", "550 nobody", notify.StepRecipient, "550", true},
		"sign in first":      {"RCPT", "530" + echo, notify.StepRecipient, "530 5.7.9", false},
		"no data":            {"DATA", "451" + echo, notify.StepHandOver, "451 5.7.9", false},
		"message refused":    {".", "554" + echo, notify.StepHandOver, "554 5.7.9", true},
		"message put off":    {".", "451" + echo, notify.StepHandOver, "451 5.7.9", false},
		"two lines, no code": {"RCPT", "550-nobody\r\n550 here", notify.StepRecipient, "550", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &mailServer{Auth: "PLAIN", Answers: map[string]string{test.command: test.answer}}
			if strings.HasSuffix(name, "LOGIN") {
				s.Auth = "LOGIN"
			}
			s.Start(t)
			err := MustSMTP(t, s, nil).Send(t.Context(), notice)
			f, ok := errors.AsType[*notify.Failure](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if f.Step != test.step || f.Code != test.code || errors.Is(err, notify.ErrRejected) != test.rejected {
				t.Errorf("step %q, code %q, rejected %v: %v", f.Step, f.Code, errors.Is(err, notify.ErrRejected), err)
			}
			if f.Said() == "" {
				t.Error("what the server said is lost")
			}
			mustHide(t, err, s)
			for _, secret := range credentials {
				if strings.Contains(f.Said(), secret) {
					t.Errorf("%q is in what the server said: %s", secret, f.Said())
				}
			}
			if len(s.Mails()) != 0 {
				t.Error("a mail arrived")
			}
		})
	}
}

var credentials = []string{
	mailPassword, base64.StdEncoding.EncodeToString([]byte(mailPassword)),
	base64.StdEncoding.EncodeToString([]byte("\x00" + mailUser + "\x00" + mailPassword)),
}

// mustHide fails if a secret, the message or its reader is in the error.
func mustHide(t *testing.T, err error, in any) {
	t.Helper()
	text := fmt.Sprintf("%v\n%+v\n%q", err, err, errors.Unwrap(err))
	if f, ok := errors.AsType[*notify.Failure](err); ok {
		for _, cause := range f.Unwrap() {
			text += fmt.Sprintf("\n%+v", cause)
		}
	}
	for _, secret := range append([]string{"482913", "Grüße", "olga"}, credentials...) {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the error of %T: %s", secret, in, text)
		}
	}
}

func TestSMTPWantsTLS(t *testing.T) {
	for name, test := range map[string]struct {
		server  *mailServer
		options func(*notify.SMTPOptions)
	}{
		"STARTTLS is not offered":    {server: &mailServer{Plain: true, Auth: "PLAIN"}},
		"the certificate is unknown": {server: &mailServer{Auth: "PLAIN"}, options: func(o *notify.SMTPOptions) { o.RootCAs = nil }},
		"unknown from the start":     {server: &mailServer{Implicit: true, Auth: "PLAIN"}, options: func(o *notify.SMTPOptions) { o.TLS, o.RootCAs = "tls", nil }},
		"TLS where there is none":    {server: &mailServer{Auth: "PLAIN"}, options: func(o *notify.SMTPOptions) { o.TLS = "tls" }},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.server
			s.Start(t)
			err := MustSMTP(t, s, test.options).Send(t.Context(), notice)
			if f, ok := errors.AsType[*notify.Failure](err); !ok || f.Step != notify.StepTLS || errors.Is(err, notify.ErrRejected) {
				t.Errorf("got %v, want a failure of TLS that may pass", err)
			}
			mustHide(t, err, s)
			if told := s.Told(); strings.Contains(told, "AUTH") || strings.Contains(told, "MAIL") {
				t.Errorf("the server was told:\n%s", told)
			}
		})
	}
}

func TestSMTPWithoutAWayToSignIn(t *testing.T) {
	for _, offered := range []string{"", "GSSAPI"} {
		s := &mailServer{Auth: offered}
		s.Start(t)
		err := MustSMTP(t, s, nil).Send(t.Context(), notice)
		if f, ok := errors.AsType[*notify.Failure](err); !ok || f.Step != notify.StepSignIn {
			t.Errorf("%q offered: %v", offered, err)
		}
	}
}

// Wherever a server falls silent, whoever waits can go away at once.
func TestSMTPServerFallsSilent(t *testing.T) {
	for _, command := range []string{"hello", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "."} {
		t.Run(command, func(t *testing.T) {
			s := &mailServer{Auth: "PLAIN", Silent: command}
			s.Start(t)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-s.Hung
				cancel()
			}()
			err := MustSMTP(t, s, nil).Send(ctx, notice)
			if _, ok := errors.AsType[*notify.Failure](err); !ok || !errors.Is(err, context.Canceled) || errors.Is(err, notify.ErrRejected) {
				t.Errorf("got %v", err)
			}
			mustHide(t, err, s)
		})
	}
}

func TestSMTPTimeout(t *testing.T) {
	s := &mailServer{Silent: "hello"}
	s.Start(t)
	err := MustSMTP(t, s, func(o *notify.SMTPOptions) { o.Timeout = 20 * time.Millisecond }).Send(t.Context(), notice)
	if err == nil || !strings.Contains(err.Error(), "no answer within 20ms") || errors.Is(err, notify.ErrRejected) {
		t.Errorf("got %v", err)
	}
}

func TestSMTPNobodyListens(t *testing.T) {
	s := &mailServer{Silent: "hello"}
	s.Start(t)
	sender := MustSMTP(t, s, func(o *notify.SMTPOptions) { o.Server = "127.0.0.1:1" })
	err := sender.Send(t.Context(), notice)
	if f, ok := errors.AsType[*notify.Failure](err); !ok || f.Step != notify.StepConnect || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

func TestSMTPSomethingElseAnswers(t *testing.T) {
	s := &mailServer{Answers: map[string]string{"hello": "HTTP/1.1 400 " + mailPassword}}
	s.Start(t)
	err := MustSMTP(t, s, nil).Send(t.Context(), notice)
	if err == nil || !strings.Contains(err.Error(), "does not speak SMTP") {
		t.Errorf("got %v", err)
	}
	mustHide(t, err, s)
}

// Nothing that somebody wrote into a name or an address becomes a command or a header.
func TestSMTPNoLineBreaksGetThrough(t *testing.T) {
	s := &mailServer{Auth: "PLAIN"}
	s.Start(t)
	sender := MustSMTP(t, s, nil)
	for _, to := range []string{"", "olga", "olga@acme.example>\r\nRCPT TO:<eve@evil.example", "olga@acme.example\r\nBcc: eve@evil.example"} {
		err := sender.Send(t.Context(), notify.Mail{To: to, Subject: "x", Body: "y"})
		if !errors.Is(err, notify.ErrRejected) {
			t.Errorf("to %q: %v", to, err)
		}
		mustHide(t, err, s)
	}
	if told := s.Told(); told != "" {
		t.Errorf("the server was told:\n%s", told)
	}
	subject := "Hello\r\nBcc: eve@evil.example\r\n\r\nbody"
	if err := sender.Send(t.Context(), notify.Mail{To: notice.To, Subject: subject, Body: "y"}); err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(strings.NewReader(s.Mails()[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Bcc") != "" {
		t.Errorf("a header got in: %v", m.Header)
	}
}

// A mail to an address beyond ASCII needs the extension, and says so.
func TestSMTPAddressBeyondASCII(t *testing.T) {
	s := &mailServer{Auth: "PLAIN"}
	s.Start(t)
	if err := MustSMTP(t, s, nil).Send(t.Context(), notify.Mail{To: "jürgen@acme.example", Subject: "x", Body: "y"}); err != nil {
		t.Fatal(err)
	}
	if m := s.Mails()[0]; m.To != "TO:<jürgen@acme.example>" || !strings.Contains(m.From, "SMTPUTF8") {
		t.Errorf("%q, %q", m.From, m.To)
	}
}

func TestSMTPOptionsThatCannotWork(t *testing.T) {
	for name, o := range map[string]notify.SMTPOptions{
		"no port":                  {Server: "mail.example.com", From: "a@b.example"},
		"no host":                  {Server: ":25", From: "a@b.example"},
		"no sender":                {Server: "mail.example.com:25"},
		"sender no address":        {Server: "mail.example.com:25", From: "Acme"},
		"TLS unknown":              {Server: "mail.example.com:25", From: "a@b.example", TLS: "ssl"},
		"user without password":    {Server: "mail.example.com:25", From: "a@b.example", Username: mailUser},
		"password without user":    {Server: "mail.example.com:25", From: "a@b.example", Password: mailPassword},
		"password for all to read": {Server: "mail.example.com:25", From: "a@b.example", Username: mailUser, Password: mailPassword, TLS: "none"},
	} {
		_, err := notify.NewSMTP(o)
		if err == nil || strings.Contains(err.Error(), mailPassword) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSendersHideTheirSecrets(t *testing.T) {
	s := &mailServer{Addr: "127.0.0.1:1"}
	text := ""
	for _, sender := range []any{
		MustSMTP(t, s, nil), notify.NewWebhook("https://user:hidden@gateway.example/hidden", "hidden", client),
		notify.NewTwilio(notify.TwilioOptions{Account: "AC1", Token: "hidden"}, client),
		notify.NewWebhookInbound("hidden"), notify.NewTwilioInbound("hidden", "https://id.example"),
	} {
		text += fmt.Sprintf("%v %+v %s\n", sender, sender, sender)
	}
	if strings.Contains(text, "hidden") {
		t.Error(text)
	}
}
