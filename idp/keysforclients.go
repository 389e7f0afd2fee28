package idp

import (
	"context"
	"slices"

	"github.com/sallyport-id/sallyport/storage"
)

// keysForClients makes the first key of an algorithm that a client is registered
// for. It is asked before keys are published, so that whoever fetches them after
// the registration knows the key before anything is signed with it.
func (p *Provider) keysForClients(ctx context.Context) error {
	clients, err := p.DB.Clients(ctx)
	if err != nil || len(clients) == 0 || p.keys.clients.Load() == &clients[0] {
		return err
	}
	keys, err := p.DB.SigningKeys(ctx)
	if err != nil {
		return err
	}
	for _, alg := range signedFor(clients) {
		if hasAlg(keys, alg) {
			continue
		}
		if err := p.makeFirstKey(ctx, alg); err != nil {
			return err
		}
	}
	p.keys.clients.Store(&clients[0])
	return nil
}

// signedFor are the algorithms that clients are registered for.
func signedFor(clients []*storage.Client) (algs []string) {
	for _, c := range clients {
		for _, alg := range []string{c.IDTokenAlg, c.UserinfoAlg, c.IntrospectionAlg, c.AuthorizationAlg} {
			if slices.Contains(algorithms, alg) && !slices.Contains(algs, alg) {
				algs = append(algs, alg)
			}
		}
	}
	return algs
}
