package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// TestConcurrentLinks presses the button of one link by many callers at once.
func TestConcurrentLinks(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		id, p, c := idOf(t, d, ana), servertest.NewPerson(t), newCrowd(t)
		for _, k := range kinds() {
			n, many, done := callers, rounds, http.StatusOK
			if k.path == "/set-up" {
				// Each caller has a password hashed; the crowd is in the test below.
				n, many, done = 8, 1, http.StatusSeeOther
			}
			for round := range many {
				fresh(t, d, id)
				link := mailLink(t, d, id, k)
				form := url.Values{"token": {tokenOf(link)}, "form_token": {fieldOf(t, p.Go(link), "form_token")}, "password": {phrase}, "repeat": {phrase}}
				replies := c.send(n, func(int) *http.Request { return request(t, p.Client().Jar, link, form) })
				replies = slices.DeleteFunc(replies, func(r reply) bool { return strings.Contains(r.body, "Very many people") })
				once(t, round, replies, func(r reply) bool { return r.status == done }, http.StatusGone)
				if !k.does(person(t, d, id)) {
					t.Fatalf("%s, round %d: %+v", k.purpose, round, person(t, d, id))
				}
			}
		}
	})
}

// TestConcurrentSpending is the same, at the storage, of what a link to a
// password rests on.
func TestConcurrentSpending(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		id := idOf(t, d, ana)
		for _, k := range kinds() {
			for round := range rounds {
				hash := storage.Hash(tokenOf(mailLink(t, d, id, k)))
				done, begin := make(chan error, callers), make(chan struct{})
				for range callers {
					go func() {
						<-begin
						done <- d.DB.Write(t.Context(), func(tx *storage.Tx) error { return tx.SpendLink(t.Context(), hash, d.Clock.Now()) })
					}()
				}
				close(begin)
				spent := 0
				for range callers {
					switch err := <-done; {
					case err == nil:
						spent++
					case !storage.IsSpent(err):
						t.Fatal(err)
					}
				}
				if spent != 1 {
					t.Fatalf("%s, round %d: %d times", k.purpose, round, spent)
				}
			}
		}
	})
}

func tokenOf(link string) string {
	_, token, _ := strings.Cut(link, "token=")
	return token
}
