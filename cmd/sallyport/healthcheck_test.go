package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport-id/sallyport/config"
)

func TestHealthURL(t *testing.T) {
	for listen, want := range map[string]string{
		"localhost:8080": "http://localhost:8080/healthz",
		":8080":          "http://localhost:8080/healthz",
		"0.0.0.0:8080":   "http://localhost:8080/healthz",
		"[::]:8080":      "http://localhost:8080/healthz",
		"10.0.0.5:80":    "http://10.0.0.5:80/healthz",
		"[::1]:8080":     "http://[::1]:8080/healthz",
	} {
		if got, err := healthURL(config.Config{Listen: listen}); err != nil || got != want {
			t.Errorf("listen %s: %s, %v; want %s", listen, got, err, want)
		}
	}
}

// A server that accepts and never answers is waited for no longer than the context says, and the reason is passed on.
func TestHealthOfASilentServer(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer server.Close()
	client, err := healthClient(config.Config{})
	if err != nil {
		t.Fatal(err)
	}
	patience := errors.New("no patience")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-asked
		cancel(patience)
	}()
	if err := checkHealth(ctx, client, server.URL+"/healthz"); !errors.Is(err, patience) {
		t.Errorf("got %v", err)
	}
}
