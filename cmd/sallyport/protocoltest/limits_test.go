package protocoltest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// endpoints are those that products call by themselves, with a form.
var endpoints = []string{"/token", "/introspect", "/revoke", "/par", "/device_authorization"}

// RFC 6749 section 5.2: whatever is sent, the answer is an error in JSON that
// says what to do, and is never kept.
func TestRFC6749Section5_2WhateverIsSent(t *testing.T) {
	w := start(t, "sqlite", "", registering)
	for name, c := range map[string]struct {
		method, query, contentType, body string
		status                           int
		code, says                       string
	}{
		"too large":    {"POST", "", "application/x-www-form-urlencoded", "x=" + strings.Repeat("x", 64<<10), 400, "invalid_request", "64 KiB"},
		"not encoded":  {"POST", "", "application/x-www-form-urlencoded", "x=%zz", 400, "invalid_request", "form"},
		"JSON":         {"POST", "", "application/json", "{}", 400, "invalid_request", "application/x-www-form-urlencoded"},
		"nothing":      {"POST", "", "", "", 400, "invalid_request", "application/x-www-form-urlencoded"},
		"in the query": {"POST", "?client_id=first", "application/x-www-form-urlencoded", "x=y", 400, "invalid_request", "not in the query"},
		"twice":        {"POST", "", "application/x-www-form-urlencoded", "client_id=a&client_id=b", 400, "invalid_request", "more than once"},
		"GET":          {"GET", "", "", "", 405, "invalid_request", "POST"},
		"DELETE":       {"DELETE", "", "", "", 405, "invalid_request", "POST"},
		"a stranger":   {"POST", "", "application/x-www-form-urlencoded", "client_id=nobody&token=x&grant_type=x", 401, "invalid_client", "client_id"},
	} {
		for _, path := range endpoints {
			req, err := http.NewRequestWithContext(t.Context(), c.method, w.URL+path+c.query, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.contentType != "" {
				req.Header.Set("Content-Type", c.contentType)
			}
			status, header, a := w.rp(t, "first").Do(req)
			if status != c.status || a.String("error") != c.code || !strings.Contains(a.String("error_description"), c.says) {
				t.Errorf("%s %s: %d %v", name, path, status, a)
			}
			if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" || status == 401 && header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: %v", name, path, header)
			}
		}
	}
	status, _, a := w.registration(t, http.MethodPost, w.URL+"/register", w.invite(t, 1), `{"client_name": "`+strings.Repeat("x", 64<<10)+`"}`)
	if status != http.StatusBadRequest || !strings.Contains(a.String("error_description"), "64 KiB") {
		t.Errorf("register: %d %v", status, a)
	}
}

// Every endpoint slows down networks that call too often, and says for how long
// to wait; one that is exempt isn't slowed down.
func TestCallsAreLimited(t *testing.T) {
	t.Parallel()
	w := start(t, "sqlite", "", registering, "limits-exempt-networks=192.0.2.0/24")
	call := func(path string) (*http.Response, string) {
		t.Helper()
		resp, err := http.Post(w.URL+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	limited := func(path string, most int) (*http.Response, string) {
		t.Helper()
		for range most {
			if resp, body := call(path); resp.StatusCode == http.StatusTooManyRequests {
				return resp, body
			}
		}
		t.Fatalf("%s answered %d calls", path, most)
		return nil, ""
	}
	resp, body := limited("/register", 200)
	var a map[string]string
	if err := json.Unmarshal([]byte(body), &a); err != nil || a["error"] != "temporarily_unavailable" || !strings.Contains(a["error_description"], "limits.exempt_networks") ||
		resp.Header.Get("Retry-After") == "" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s", resp.Header, body)
	}
	// The others go on.
	if resp, body := call("/token"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("/token: %d %s", resp.StatusCode, body)
	}
	if resp, body := limited("/logout?"+url.Values{"state": {"x"}}.Encode(), 5000); !strings.Contains(body, "<html") || resp.Header.Get("Retry-After") == "" {
		t.Errorf("/logout: %v %s", resp.Header, body)
	}
}
