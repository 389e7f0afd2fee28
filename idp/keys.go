package idp

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/storage"
)

// Algorithms that ID tokens are signed with (RFC 7518 section 3.1).
const (
	RS256 = "RS256"
	ES256 = "ES256"
	PS256 = "PS256"
	EdDSA = "EdDSA"
)

var algorithms = []string{RS256, ES256, PS256, EdDSA}

func signatureAlgorithms() (all []jose.SignatureAlgorithm) {
	for _, alg := range algorithms {
		all = append(all, jose.SignatureAlgorithm(alg))
	}
	return all
}

// A new key is published for publishAhead before it signs, so that products
// who cache keys know it by then; the one before it stays published for
// keepAfter: an hour more than the last token it signed is good. For
// rememberAfter we know it ourselves: an ID token comes back as an
// id_token_hint long after it expired, for as long as a product can hold the
// grant that it was minted for.
const (
	publishAhead  = time.Hour
	keepAfter     = max(idTokenLifetime, accessLifetime) + time.Hour
	rememberAfter = refreshLifetime
)

// firstAlgorithms have keys from the first start on. The others get one as soon
// as a product is registered for them: see [Provider.keysForClients].
var firstAlgorithms = []string{RS256, ES256}

// keyring keeps keys parsed. Keys never change, so they are kept by id.
type keyring struct {
	signers sync.Map // kid + typ → jose.Signer
	public  sync.Map // kid → crypto.PublicKey
	jwks    atomic.Pointer[publishedKeys]
	// making is held while a first key is made, which takes a while.
	making sync.Mutex
	// clients is the identity of the list that keysForClients saw last.
	clients atomic.Pointer[*storage.Client]
}

// publishedKeys is the JWKS made from one list of keys.
type publishedKeys struct {
	first **storage.SigningKey // identity of the cached list
	body  []byte
	until time.Time
}

// ensureKeys makes the first keys.
func (p *Provider) ensureKeys(ctx context.Context) error {
	keys, err := p.DB.SigningKeys(ctx)
	if err != nil {
		return err
	}
	for _, alg := range firstAlgorithms {
		if hasAlg(keys, alg) {
			continue
		}
		if err := p.makeFirstKey(ctx, alg); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provider) makeFirstKey(ctx context.Context, alg string) error {
	p.keys.making.Lock()
	defer p.keys.making.Unlock()
	if keys, err := p.DB.SigningKeysNow(ctx); err != nil || hasAlg(keys, alg) {
		return err
	}
	private, err := newPrivateKey(alg)
	if err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *storage.Tx) error {
		// Another replica may be doing the same; its key is as good.
		if keys, err := tx.SigningKeysNow(ctx); err != nil || hasAlg(keys, alg) {
			return err
		}
		return tx.InsertSigningKey(ctx, storage.SigningKey{ID: storage.NewID(), Alg: alg, Private: private, CreatedAt: p.Now(), SignsFrom: p.Now()})
	})
}

func hasAlg(keys []*storage.SigningKey, alg string) bool {
	for _, k := range keys {
		if k.Alg == alg {
			return true
		}
	}
	return false
}

// RotateKeys publishes a new key of each algorithm in use, which signs an hour
// from now; those before it retire then, and are forgotten when nothing they
// signed is good for anything any more. With atOnce, for a key that leaked, the new keys sign
// immediately and the old ones are forgotten.
func RotateKeys(ctx context.Context, db *storage.DB, now time.Time, atOnce bool) error {
	rotate, err := PrepareRotation(ctx, db.Reader, now, atOnce)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(tx *storage.Tx) error { return rotate(ctx, tx) })
}

// PrepareRotation makes the keys of RotateKeys, which is slow, and returns what
// remains to be done in a transaction, which waits for nothing.
func PrepareRotation(ctx context.Context, r storage.Reader, now time.Time, atOnce bool) (func(context.Context, *storage.Tx) error, error) {
	have, err := r.SigningKeysNow(ctx)
	if err != nil {
		return nil, err
	}
	made, err := newKeys(inUse(have))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *storage.Tx) error { return rotateTo(ctx, tx, made, now, atOnce) }, nil
}

// inUse are the algorithms that have keys, with those that always have.
func inUse(have []*storage.SigningKey) (algs []string) {
	for _, alg := range algorithms {
		if slices.Contains(firstAlgorithms, alg) || hasAlg(have, alg) {
			algs = append(algs, alg)
		}
	}
	return algs
}

// newKey is a key that no database knows yet.
type newKey struct {
	alg     string
	private []byte
}

func newKeys(algs []string) (made []newKey, err error) {
	for _, alg := range algs {
		private, err := newPrivateKey(alg)
		if err != nil {
			return nil, err
		}
		made = append(made, newKey{alg, private})
	}
	return made, nil
}

func rotateTo(ctx context.Context, tx *storage.Tx, made []newKey, now time.Time, atOnce bool) error {
	from, forget := now.Add(publishAhead), now.Add(-rememberAfter)
	if atOnce {
		from, forget = now, now.Add(time.Millisecond)
	}
	for _, m := range made {
		k := storage.SigningKey{ID: storage.NewID(), Alg: m.alg, Private: m.private, CreatedAt: now, SignsFrom: from}
		if err := tx.InsertSigningKey(ctx, k); err != nil {
			return err
		}
		if err := tx.RetireSigningKeys(ctx, m.alg, k.ID, from); err != nil {
			return err
		}
	}
	_, err := tx.DeleteSigningKeys(ctx, forget)
	return err
}

func newPrivateKey(alg string) ([]byte, error) {
	var key crypto.PrivateKey
	var err error
	switch alg {
	case RS256, PS256:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = errors.New("unknown algorithm")
	}
	if err != nil {
		return nil, fmt.Errorf("make %s key: %w", alg, err)
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// sign returns payload as a JWS of type typ, by the algorithm's current key.
func (p *Provider) sign(ctx context.Context, alg, typ string, payload any) (string, error) {
	keys, err := p.DB.SigningKeys(ctx)
	if err != nil {
		return "", err
	}
	current := signingNow(keys, alg, p.Now())
	if current == nil && slices.Contains(algorithms, alg) && !hasAlg(keys, alg) {
		if err := p.makeFirstKey(ctx, alg); err != nil {
			return "", err
		}
		// Past the cache: another replica may have been quicker.
		if keys, err = p.DB.SigningKeysNow(ctx); err != nil {
			return "", err
		}
		current = signingNow(keys, alg, p.Now())
	}
	if current == nil {
		return "", fmt.Errorf("no signing key for %s: run 'sallyport keys rotate --now'", alg)
	}
	signer, err := p.keys.signer(current, typ)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(body)
	if err != nil {
		return "", fmt.Errorf("sign %s: %w", typ, err)
	}
	return jws.CompactSerialize()
}

// signingNow is the key of an algorithm that signs at a moment; nil: none.
func signingNow(keys []*storage.SigningKey, alg string, now time.Time) (current *storage.SigningKey) {
	for _, k := range keys {
		if k.Alg == alg && !k.SignsFrom.After(now) && (k.RetiredAt.IsZero() || k.RetiredAt.After(now)) {
			current = k
		}
	}
	return current
}

func (r *keyring) signer(k *storage.SigningKey, typ string) (jose.Signer, error) {
	if s, ok := r.signers.Load(k.ID + typ); ok {
		return s.(jose.Signer), nil
	}
	key, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Alg), Key: jose.JSONWebKey{Key: key, KeyID: k.ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err == nil {
		r.signers.Store(k.ID+typ, s)
	}
	return s, err
}

func (r *keyring) publicKey(k *storage.SigningKey) (crypto.PublicKey, error) {
	if pub, ok := r.public.Load(k.ID); ok {
		return pub, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	pub := key.(crypto.Signer).Public()
	r.public.Store(k.ID, pub)
	return pub, nil
}

func published(k *storage.SigningKey, now time.Time) bool {
	return k.RetiredAt.IsZero() || k.RetiredAt.Add(keepAfter).After(now)
}

// serveKeys is the JWKS (RFC 7517 section 5): every key that signs, will sign,
// or signed what may still be checked.
func (p *Provider) serveKeys(w http.ResponseWriter, r *http.Request) {
	body, err := p.publishedKeys(r.Context())
	if err != nil {
		e := p.asOAuth(r.Context(), err)
		http.Error(w, e.description, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Write(body)
}

func (p *Provider) publishedKeys(ctx context.Context) ([]byte, error) {
	if err := p.keysForClients(ctx); err != nil {
		p.Log.ErrorContext(ctx, "make signing keys", "error", err) // those that are there are still good
	}
	keys, err := p.DB.SigningKeys(ctx)
	if err != nil || len(keys) == 0 {
		return []byte(`{"keys":[]}`), err
	}
	now := p.Now()
	if have := p.keys.jwks.Load(); have != nil && have.first == &keys[0] && now.Before(have.until) {
		return have.body, nil
	}
	var set jose.JSONWebKeySet
	until := now.Add(time.Minute)
	for _, k := range keys {
		if !published(k, now) {
			continue
		}
		pub, err := p.keys.publicKey(k)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: pub, KeyID: k.ID, Algorithm: k.Alg, Use: "sig"})
	}
	body, err := json.Marshal(set)
	p.keys.jwks.Store(&publishedKeys{first: &keys[0], body: body, until: until})
	return body, err
}
