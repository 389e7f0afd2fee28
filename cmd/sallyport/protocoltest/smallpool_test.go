package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// Whoever holds a connection for a transaction never waits for a second one:
// many token requests at once, just after a product changed, are all answered
// by a pool that is smaller than their number.
func TestTokenRequestsShareASmallPool(t *testing.T) {
	for engine, pool := range map[string]string{"sqlite": "", "postgres": "&pool_max_conns=2"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			db := storagetest.Open(t, storagetest.URL(t, engine)+pool, storage.Options{})
			w := &world{Demo: &servertest.Demo{Instance: servertest.StartOn(t, db)}, t: t}
			w.Apply(demo.Declaration(site, site, storage.Hash))
			w.Apply(strings.ReplaceAll(first, "${SECRET_HASH}", storage.Hash(secret)))
			w.Apply(strings.ReplaceAll(tokenProducts, "${SECRET_HASH}", storage.Hash(secret)))
			p, rp := w.member(t, ana), w.rp(t, "shop")

			forms := make([]url.Values, 24)
			for i := range forms {
				code := codeFor(t, p, rp, forOrders())
				forms[i] = url.Values{
					"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {rp.Verifier}, "resource": {orders},
				}
			}
			again := w.atOnce(t, rp, forms)
			for i, a := range again {
				forms[i] = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.String("refresh_token")}, "resource": {orders}}
			}
			w.atOnce(t, rp, forms)
		})
	}
}

// atOnce sends all forms to the token endpoint in parallel, with nothing in the
// provider's memory, and fails unless every one is answered with tokens.
func (w *world) atOnce(t testing.TB, rp *servertest.RP, forms []url.Values) []servertest.Answer {
	t.Helper()
	w.put(t, "stock", func(*storage.Client) {})
	answers := make([]servertest.Answer, len(forms))
	var all sync.WaitGroup
	for i, form := range forms {
		all.Go(func() {
			var status int
			if status, answers[i] = rp.Post("/token", form); status != http.StatusOK {
				t.Errorf("%d: %d %v", i, status, answers[i])
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return answers
}
