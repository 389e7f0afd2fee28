package notify_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailServer is the far end: it speaks as much SMTP as a test wants of it, on loopback.
type mailServer struct {
	Addr  string
	Roots *x509.CertPool // trust its certificate

	// Implicit TLS from the first byte; else it offers STARTTLS unless Plain.
	Implicit, Plain bool
	// Auth are the mechanisms it offers.
	Auth string
	// Answers replace its own by command ("RCPT"), by "hello" for the greeting and by "." for the end of a mail. They
	// may have %s, for all that it has been told so far.
	Answers map[string]string
	// Silent is the command it doesn't answer; Hung gets a value when it has come.
	Silent string
	Hung   chan struct{}

	certificate tls.Certificate

	mu   sync.Mutex
	got  []delivered
	told []string
}

// delivered is a mail that the server has accepted.
type delivered struct {
	Hello, User, Password, From, To, Data string
	TLS                                   bool
}

// Start listens until the test ends.
func (s *mailServer) Start(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(parsed)
	s.Hung = make(chan struct{}, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = l.Addr().String()
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() {
				defer conn.Close()
				s.session(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		sessions.Wait()
	})
}

// Mails are those it has accepted.
func (s *mailServer) Mails() []delivered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]delivered(nil), s.got...)
}

// Told is every line that clients sent.
func (s *mailServer) Told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.told, "\n")
}

func (s *mailServer) session(conn net.Conn) {
	var m delivered
	config := &tls.Config{Certificates: []tls.Certificate{s.certificate}}
	if s.Implicit {
		conn, m.TLS = tls.Server(conn, config), true
	}
	lines := bufio.NewReader(conn)
	next := func() (string, bool) {
		line, err := lines.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.told = append(s.told, line)
		s.mu.Unlock()
		return line, err == nil
	}
	// answer says what the test wants said, or else its own; it returns false for an answer that is no success.
	answer := func(command, own string) bool {
		text, ok := s.Answers[command]
		switch {
		case s.Silent == command:
			s.Hung <- struct{}{}
			lines.ReadString(0) // until the client hangs up
			return false
		case !ok:
			text = own
		case strings.Contains(text, "%s"):
			text = fmt.Sprintf(text, strings.ReplaceAll(s.Told(), "\n", " "))
		}
		fmt.Fprintf(conn, "%s\r\n", text)
		return text[0] == '2' || text[0] == '3'
	}
	if !answer("hello", "220 mail.test ready") {
		return
	}
	for {
		line, ok := next()
		if !ok {
			return
		}
		command, rest, _ := strings.Cut(line, " ")
		switch command = strings.ToUpper(command); command {
		case "EHLO":
			m.Hello = rest
			extensions := []string{"mail.test", "8BITMIME", "SMTPUTF8"}
			if !m.TLS && !s.Plain {
				extensions = append(extensions, "STARTTLS")
			}
			if s.Auth != "" {
				extensions = append(extensions, "AUTH "+s.Auth)
			}
			last := len(extensions) - 1
			for _, e := range extensions[:last] {
				fmt.Fprintf(conn, "250-%s\r\n", e)
			}
			answer(command, "250 "+extensions[last])
		case "STARTTLS":
			if answer(command, "220 go ahead") {
				conn = tls.Server(conn, config)
				lines, m.TLS = bufio.NewReader(conn), true
			}
		case "AUTH":
			mechanism, first, _ := strings.Cut(rest, " ")
			switch mechanism {
			case "PLAIN":
				parts := strings.Split(decoded(first)+"\x00\x00", "\x00")
				m.User, m.Password = parts[1], parts[2]
			case "LOGIN":
				for _, ask := range []struct {
					prompt string
					into   *string
				}{{"Username:", &m.User}, {"Password:", &m.Password}} {
					fmt.Fprintf(conn, "334 %s\r\n", base64.StdEncoding.EncodeToString([]byte(ask.prompt)))
					text, ok := next()
					if !ok {
						return
					}
					*ask.into = decoded(text)
				}
			}
			answer(command, "235 welcome")
		case "MAIL":
			m.From = rest
			answer(command, "250 fine")
		case "RCPT":
			m.To = rest
			answer(command, "250 fine")
		case "DATA":
			if !answer(command, "354 go on") {
				continue
			}
			m.Data = ""
			for {
				text, ok := next()
				if !ok {
					return
				}
				if text == "." {
					break
				}
				m.Data += strings.TrimPrefix(text, ".") + "\r\n"
			}
			if answer(".", "250 2.0.0 queued") {
				s.mu.Lock()
				s.got = append(s.got, m)
				s.mu.Unlock()
			}
		case "QUIT":
			answer(command, "221 bye")
			return
		default:
			answer(command, "500 what")
		}
	}
}

func decoded(text string) string {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "not base64: " + text
	}
	return string(plain)
}
