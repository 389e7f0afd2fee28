package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// mailServer [COMMAND ANSWER] takes mails without TLS until the script ends, and writes the last one to mail.txt. To the
// command, or at the end of a mail (.), it gives the answer instead of its own. It sets SALLYPORT_MAIL_SERVER.
func mailServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 && len(args) != 2 {
		ts.Fatalf("usage: mail-server [COMMAND ANSWER]")
	}
	answers := map[string]string{
		"hello": "220 mail.test", "EHLO": "250 mail.test", "MAIL": "250 fine", "RCPT": "250 fine", "DATA": "354 go on", ".": "250 queued", "QUIT": "221 bye",
	}
	if len(args) == 2 {
		answers[args[0]] = args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var sessions sync.WaitGroup
	ts.Defer(func() {
		listener.Close()
		sessions.Wait()
	})
	inbox := ts.MkAbs("mail.txt")
	sessions.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() {
				defer conn.Close()
				takeMails(conn, answers, inbox)
			})
		}
	})
	ts.Setenv("SALLYPORT_MAIL_SERVER", listener.Addr().String())
}

// takeMails is one session of the mail server.
func takeMails(conn io.ReadWriter, answers map[string]string, inbox string) {
	lines := bufio.NewScanner(conn)
	fmt.Fprintf(conn, "%s\r\n", answers["hello"])
	for lines.Scan() {
		command, _, _ := strings.Cut(lines.Text(), " ")
		answer, ok := answers[command]
		if !ok {
			answer = "500 what"
		}
		fmt.Fprintf(conn, "%s\r\n", answer)
		if command != "DATA" || !strings.HasPrefix(answer, "3") {
			continue
		}
		var mail strings.Builder
		for lines.Scan() && lines.Text() != "." {
			mail.WriteString(lines.Text() + "\n")
		}
		if err := os.WriteFile(inbox, []byte(mail.String()), 0o600); err != nil {
			fmt.Fprintf(conn, "451 %v\r\n", err)
			continue
		}
		fmt.Fprintf(conn, "%s\r\n", answers["."])
	}
}

// textGateway STATUS [ANSWER] answers each POST until the script ends, and writes the last one's body to text.json. It
// sets SALLYPORT_TEXT_WEBHOOK_URL.
func textGateway(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: text-gateway STATUS [ANSWER]")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	inbox := ts.MkAbs("text.json")
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(inbox, body, 0o600)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
			return
		}
		w.WriteHeader(status)
		if len(args) == 2 {
			io.WriteString(w, args[1])
		}
	}))
	ts.Defer(gateway.Close)
	ts.Setenv("SALLYPORT_TEXT_WEBHOOK_URL", gateway.URL+"/hidden")
}
