package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/sallyport-id/sallyport/config"
)

// healthTimeout is what a container's health check can wait for.
const healthTimeout = 3 * time.Second

type healthcheckCommand struct{ settings }

// Run asks the server of this machine, which has the same configuration, for /healthz. It is for a container's
// HEALTHCHECK, where there is no curl.
func (c *healthcheckCommand) Run(ctx context.Context, p *process) error {
	loaded, err := c.load(p)
	if err != nil {
		return err
	}
	target, err := healthURL(loaded)
	if err != nil {
		return err
	}
	client, err := healthClient(loaded)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, healthTimeout, fmt.Errorf("no answer within %s", healthTimeout))
	defer cancel()
	if err := checkHealth(ctx, client, target); err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	_, err = fmt.Fprintln(p.stdout, "healthy")
	return err
}

// healthURL is where the server listens; one that listens on every interface is asked on loopback.
func healthURL(c config.Config) (string, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	if port == "0" {
		return "", errors.New("can't find the server: listen leaves the port to the system; give it one")
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "localhost"
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/healthz"}
	if c.TLSCertFile != "" {
		u.Scheme = "https"
	}
	return u.String(), nil
}

// healthClient goes straight to the server, without proxy or redirects. With TLS it knows the server by the very
// certificate that it was given: that one names the public host, not localhost, and may come from anyone.
func healthClient(c config.Config) (*http.Client, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	if c.TLSCertFile != "" {
		own, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls_cert_file: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{
			InsecureSkipVerify: true, // VerifyConnection is stricter
			VerifyConnection: func(state tls.ConnectionState) error {
				if !bytes.Equal(state.PeerCertificates[0].Raw, own.Certificate[0]) {
					return fmt.Errorf("the server has another certificate than %s; restart it if the file is new", c.TLSCertFile)
				}
				return nil
			},
		}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// checkHealth is nil if the answer is 200.
func checkHealth(ctx context.Context, client *http.Client, target string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if refused, ok := errors.AsType[*net.OpError](err); ok && refused.Op == "dial" {
		return fmt.Errorf("nothing answers at %s (%w); is the server running, with the same configuration?", target, refused.Err)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // what could be read is enough for a hint
		return fmt.Errorf("%s answers %s: %s", target, response.Status, bytes.TrimSpace(reason))
	}
	return nil
}
