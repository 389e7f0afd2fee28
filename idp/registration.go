package idp

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// Error codes of RFC 7591 section 3.2.2.
const (
	invalidRedirectURI    = "invalid_redirect_uri"
	invalidClientMetadata = "invalid_client_metadata"
)

// registrationRoutes are the endpoints of RFC 7591 section 3 and RFC 7592
// section 2.
func (p *Provider) registrationRoutes(r chi.Router) {
	r.Post("/register", p.json(p.register))
	r.Get("/register/{client}", p.json(p.readRegistration))
	r.Put("/register/{client}", p.json(p.changeRegistration))
	r.Delete("/register/{client}", p.deleteRegistration)
}

func (p *Provider) json(answer func(context.Context, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out, err := answer(r.Context(), r)
		if err != nil {
			p.jsonError(w, r, err)
			return
		}
		p.write(w, http.StatusOK, out)
	}
}

// register registers a product for whoever holds an initial access token. The
// same checks are made as for what an operator registers; see
// [registrationMetadata.product] for what a product can't give itself.
func (p *Provider) register(ctx context.Context, r *http.Request) (any, error) {
	token, err := bearerToken(r)
	if err != nil {
		return nil, err
	}
	// Nothing is fetched for strangers.
	good, err := p.DB.InitialAccessTokenGood(ctx, storage.Hash(token), p.Now())
	if err != nil {
		return nil, err
	}
	if !good {
		return nil, wrongRegistrationToken("the initial access token is unknown, expired or used up: ask the operator for another")
	}
	m, err := metadataIn(r)
	if err != nil {
		return nil, err
	}
	id, made := newClientID(), registered{accessToken: storage.NewSecret()}
	entry, err := p.registrable(ctx, m, id)
	if err != nil {
		return nil, err
	}
	made.secret = giveSecret(&entry)
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		name, err := tx.UseInitialAccessToken(ctx, storage.Hash(token), p.Now())
		if storage.IsSpent(err) {
			return wrongRegistrationToken("the initial access token was used up at this moment")
		}
		if err != nil {
			return err
		}
		made.client, err = p.applyRegistration(ctx, tx, entry, "registration: "+name, storage.Hash(made.accessToken))
		return err
	})
	if err != nil {
		return nil, err
	}
	return created{p.clientInformation(made)}, nil
}

// registrable is the entry that metadata ask for. What a product names is
// fetched last, when all else is right.
func (p *Provider) registrable(ctx context.Context, m *registrationMetadata, id string) (apply.Product, error) {
	entry, err := m.product(id)
	if err == nil {
		err = p.notOurs(m)
	}
	if err == nil {
		err = p.checkSector(ctx, m)
	}
	return entry, err
}

// notOurs refuses addresses of this provider: nobody comes back from it to
// itself.
func (p *Provider) notOurs(m *registrationMetadata) error {
	for _, uri := range append(slices.Clone(m.RedirectURIs), m.FrontchannelLogoutURI) {
		if origin(uri) == p.Issuer {
			return oauth(invalidRedirectURI, "%s is an address of this provider", descriptionText(uri))
		}
	}
	return nil
}

// readRegistration shows a product its registration (RFC 7592 section 2.1). Of
// its secret only a hash is kept, so that isn't in it.
func (p *Provider) readRegistration(ctx context.Context, r *http.Request) (any, error) {
	client, token, err := p.registeredClient(ctx, r)
	if err != nil {
		return nil, err
	}
	return p.clientInformation(registered{client: client, accessToken: token}), nil
}

// changeRegistration replaces what a product said of itself (RFC 7592 section
// 2.2): what it leaves out gets its default.
func (p *Provider) changeRegistration(ctx context.Context, r *http.Request) (any, error) {
	was, token, err := p.registeredClient(ctx, r)
	if err != nil {
		return nil, err
	}
	m, err := metadataIn(r)
	switch {
	case err != nil:
		return nil, err
	case m.ClientID != was.ID:
		return nil, oauth(invalidClientMetadata, "client_id is missing or isn't that of this registration")
	case m.ClientSecret != "" && !isSecret(was, m.ClientSecret, p.Now()):
		return nil, oauth(invalidClientMetadata, "client_secret isn't the one that was given out: leave it out, or send that one")
	}
	entry, err := p.registrable(ctx, m, was.ID)
	if err != nil {
		return nil, err
	}
	made, fields := registered{accessToken: token}, slices.Clone(registrableFields)
	if keepsSecret(was, entry.AuthMethod) {
		// Not written again: it may be replaced at this moment.
		fields = slices.DeleteFunc(fields, func(name string) bool { return name == "secret_hash" })
	} else {
		made.secret = giveSecret(&entry)
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		made.client, err = p.applyRegistration(ctx, tx, entry.Only(fields...), "registration: "+was.ID, was.RegistrationHash)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.clientInformation(made), nil
}

// deleteRegistration removes a product with all it holds (RFC 7592 section
// 2.3).
func (p *Provider) deleteRegistration(w http.ResponseWriter, r *http.Request) {
	client, _, err := p.registeredClient(r.Context(), r)
	if err == nil {
		entry := apply.NewProduct()
		entry.ID, entry.Delete = client.ID, true
		err = p.DB.Write(r.Context(), func(tx *storage.Tx) error {
			_, err := p.applyRegistration(r.Context(), tx, entry, "registration: "+client.ID, client.RegistrationHash)
			return err
		})
	}
	if err != nil {
		p.jsonError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// registeredClient is the client of the path, if the request has its
// registration access token. Whether such a client exists is nobody else's to
// know.
func (p *Provider) registeredClient(ctx context.Context, r *http.Request) (*storage.Client, string, error) {
	token, err := bearerToken(r)
	if err != nil {
		return nil, "", err
	}
	refused := wrongRegistrationToken("the registration access token isn't one of this client")
	client, err := p.DB.Client(ctx, chi.URLParam(r, "client"))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, "", refused
	case err != nil:
		return nil, "", err
	case client.RegistrationHash == "" || subtle.ConstantTimeCompare([]byte(storage.Hash(token)), []byte(client.RegistrationHash)) != 1:
		return nil, "", refused
	}
	return client, token, nil
}

// applyRegistration makes the change in the name of a registration access
// token, by its hash, or says which member of the metadata is wrong. It returns
// the client, nil where it was removed.
func (p *Provider) applyRegistration(ctx context.Context, tx *storage.Tx, entry apply.Product, actor, token string) (*storage.Client, error) {
	from := session.OriginOf(ctx)
	_, err := apply.In(ctx, tx, &apply.File{Products: []apply.Product{entry}}, apply.Options{
		Now: p.Now(), Actor: actor, Event: storage.Event{IP: from.Addr.String(), RequestID: from.RequestID}, Registration: token,
	})
	switch {
	case err == nil && entry.Delete:
		return nil, nil
	case err == nil:
		return tx.Client(ctx, entry.ID)
	case errors.Is(err, apply.ErrTakenOver):
		return nil, wrongRegistrationToken("the operator has taken this registration over: ask there for changes")
	}
	problems, ok := errors.AsType[*apply.Problems](err)
	if !ok {
		return nil, err
	}
	first := problems.List[0]
	code, field := invalidClientMetadata, metadataName(first.Field)
	if strings.HasPrefix(field, "redirect_uris") {
		code = invalidRedirectURI
	}
	return nil, oauth(code, "%s %s; %s", field, first.Wrong, first.Remedy)
}

// bearerToken is the token of a request that has it in the Authorization
// header.
func bearerToken(r *http.Request) (string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", &oauthError{code: invalidToken, description: "send the token as Authorization: Bearer", status: http.StatusUnauthorized, challenge: challengeBearer}
	}
	return token, nil
}

func wrongRegistrationToken(description string) *oauthError {
	return &oauthError{code: invalidToken, description: description, status: http.StatusUnauthorized, challenge: challengeBearer + `, error="invalid_token"`}
}

// metadataIn reads the body of a registration.
func metadataIn(r *http.Request) (*registrationMetadata, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, oauth(invalidClientMetadata, "send application/json")
	}
	var m registrationMetadata
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, &oauthError{code: invalidClientMetadata, description: "the body is no JSON object of client metadata, or larger than 64 KiB: " + jsonProblem(err), cause: err}
	}
	return &m, nil
}

// jsonProblem names the member of a wrong type, and no more.
func jsonProblem(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return wrong.Field + " can't be " + wrong.Value
	}
	return "check its syntax"
}
