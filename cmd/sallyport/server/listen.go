package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listen answers requests on l, with TLS where a certificate is given, and
// works in the background, until ctx ends; then it finishes what is under way.
func (s *Server) Listen(ctx context.Context, l net.Listener, certFile, keyFile string) error {
	h := NewHTTP(s.handler)
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { s.Work(work) })
	err := serveUntil(ctx, h, func() error {
		if certFile != "" {
			return h.ServeTLS(l, certFile, keyFile)
		}
		return h.Serve(l)
	})
	stop()
	background.Wait()
	return err
}

// serveUntil serves until ctx ends, and then finishes what is under way.
func serveUntil(ctx context.Context, h *http.Server, serve func() error) error {
	served := make(chan error, 1)
	go func() { served <- serve() }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		err = h.Shutdown(finish)
		cancel()
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// NewHTTP is an http.Server with the limits that any of ours has.
func NewHTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 128 << 10,
		// Of TLS 1.2 what RFC 9325 section 4.2 recommends and FAPI 2.0 permits; 1.3
		// has nothing else.
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		}},
	}
}
