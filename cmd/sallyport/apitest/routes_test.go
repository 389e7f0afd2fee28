package apitest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/login/admin"
)

// routes are all there are below /api/v1, as "GET /path".
func routes(t testing.TB) (all []string) {
	t.Helper()
	r := chi.NewRouter()
	new(admin.API).Routes(r)
	err := chi.Walk(r, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		all = append(all, method+" "+strings.TrimSuffix(strings.TrimPrefix(path, "/api/v1"), "/"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
