package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"
)

// patience is how long one answer may take.
const patience = 30 * time.Second

// Connection is one kept-alive connection to a server, for one caller at a
// time. It reads only what the operations look at: net/http's client would
// cost about as much as the server it measures.
type Connection struct {
	host string
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	body bytes.Buffer
}

// Dial connects to HOST:PORT.
func Dial(address string) (*Connection, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Connection{host: address, conn: c, in: bufio.NewReaderSize(c, 16<<10), out: bufio.NewWriterSize(c, 16<<10)}, nil
}

// Close ends the connection.
func (c *Connection) Close() error { return c.conn.Close() }

// Send implements Sender.
func (c *Connection) Send(r Request) (*Answer, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	c.write(r)
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	a, err := c.read()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.Target, err)
	}
	return a, nil
}

func (c *Connection) write(r Request) {
	w := c.out // its error is kept until Flush
	line := func(name, value string) {
		if value != "" {
			w.WriteString(name)
			w.WriteString(": ")
			w.WriteString(value)
			w.WriteString("\r\n")
		}
	}
	w.WriteString(r.Method)
	w.WriteByte(' ')
	w.WriteString(r.Target)
	w.WriteString(" HTTP/1.1\r\n")
	line("Host", c.host)
	line("Authorization", r.Authorization)
	line("Cookie", r.Cookie)
	if r.Method == http.MethodPost {
		line("Content-Type", "application/x-www-form-urlencoded")
		line("Content-Length", strconv.Itoa(len(r.Form)))
	}
	w.WriteString("\r\n")
	w.WriteString(r.Form)
}

var errNotHTTP = errors.New("the answer is not HTTP/1.1")

func (c *Connection) read() (*Answer, error) {
	first, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(first) < len("HTTP/1.1 200") || !bytes.HasPrefix(first, []byte("HTTP/1.1 ")) {
		return nil, errNotHTTP
	}
	a := new(Answer)
	if a.Status, err = strconv.Atoi(string(first[9:12])); err != nil {
		return nil, errNotHTTP
	}
	length, chunked := int64(0), false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		// net/http writes names in their canonical form.
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Location":
			a.Location = string(value)
		case "Set-Cookie":
			cookie, err := http.ParseSetCookie(string(value))
			if err != nil {
				return nil, err
			}
			a.Cookies = append(a.Cookies, cookie)
		case "Content-Length":
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return nil, errNotHTTP
			}
		case "Transfer-Encoding":
			chunked = true
		}
	}
	c.body.Reset()
	if chunked {
		if _, err = c.body.ReadFrom(httputil.NewChunkedReader(c.in)); err == nil {
			_, err = c.in.Discard(len("\r\n")) // after the last chunk; net/http sends no trailers unasked
		}
	} else {
		_, err = io.CopyN(&c.body, c.in, length)
	}
	a.Body = c.body.Bytes()
	return a, err
}
