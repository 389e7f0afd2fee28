-- What the whole protocol needs: bound tokens, JWT access tokens, pushed
-- requests, devices, registration.
-- +goose Up

-- audience: the resource (RFC 8707) of a token, empty for this provider;
-- cnf: what it is bound to, as the JSON of RFC 7800, empty for a bearer token.
ALTER TABLE tokens ADD COLUMN audience TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN cnf TEXT NOT NULL DEFAULT '';
ALTER TABLE machine_tokens ADD COLUMN kind TEXT NOT NULL DEFAULT 'access';
ALTER TABLE machine_tokens ADD COLUMN audience TEXT NOT NULL DEFAULT '';
ALTER TABLE machine_tokens ADD COLUMN cnf TEXT NOT NULL DEFAULT '';

-- The secrets themselves, sealed, of products that sign with theirs
-- (client_secret_jwt); null for all others.
ALTER TABLE clients ADD COLUMN secret BYTEA;
ALTER TABLE clients ADD COLUMN old_secret BYTEA;

-- The token by which a product that registered itself changes its
-- registration (RFC 7592), hashed; empty for all others.
ALTER TABLE clients ADD COLUMN registration_hash TEXT NOT NULL DEFAULT '';

-- The grant whose access token a grant was exchanged for (RFC 8693), empty for
-- all others: it ends with that one.
ALTER TABLE grants ADD COLUMN parent TEXT NOT NULL DEFAULT '';
CREATE INDEX grants_parent ON grants (parent) WHERE parent <> '';

-- A product's rows are found by it: when it goes, and when fewer may use it.
CREATE INDEX auth_requests_client ON auth_requests (client_id);
CREATE INDEX grants_client ON grants (client_id, expires_at);
CREATE INDEX consents_client ON consents (client_id);

-- jti of client assertions and DPoP proofs, until they would be refused anyway.
CREATE TABLE used_ids (
    id         TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_ids_expires ON used_ids (expires_at);

-- Authorization requests that a product pushed (RFC 9126).
CREATE TABLE pushed_requests (
    hash            TEXT PRIMARY KEY,
    client_id       TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    params          TEXT NOT NULL,
    auth_request_id TEXT NOT NULL DEFAULT '',
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    used_at         BIGINT
);
CREATE INDEX pushed_requests_expires ON pushed_requests (expires_at);
CREATE INDEX pushed_requests_client ON pushed_requests (client_id);

-- Devices that wait for a person elsewhere (RFC 8628). grant_id is set when the
-- person allowed it; redeemed_at when the device fetched its tokens.
CREATE TABLE device_codes (
    hash           TEXT PRIMARY KEY,
    user_code_hash TEXT NOT NULL UNIQUE,
    client_id      TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    params         TEXT NOT NULL,
    ip             TEXT NOT NULL,
    user_agent     TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    every          BIGINT NOT NULL,
    polled_at      BIGINT,
    grant_id       TEXT NOT NULL DEFAULT '',
    denied_at      BIGINT,
    redeemed_at    BIGINT
);
CREATE INDEX device_codes_expires ON device_codes (expires_at);
CREATE INDEX device_codes_client ON device_codes (client_id);

-- Initial access tokens for dynamic registration (RFC 7591 section 3), hashed.
CREATE TABLE initial_access_tokens (
    hash       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    uses_left  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX initial_access_tokens_expires ON initial_access_tokens (expires_at);

-- Secrets of the instance that never change, sealed.
CREATE TABLE instance_secrets (
    name   TEXT PRIMARY KEY,
    secret BYTEA NOT NULL
);

-- +goose Down
DROP TABLE instance_secrets;
DROP TABLE initial_access_tokens;
DROP TABLE device_codes;
DROP TABLE pushed_requests;
DROP TABLE used_ids;
DROP INDEX consents_client;
DROP INDEX grants_client;
DROP INDEX auth_requests_client;
DROP INDEX grants_parent;
ALTER TABLE grants DROP COLUMN parent;
ALTER TABLE clients DROP COLUMN registration_hash;
ALTER TABLE clients DROP COLUMN old_secret;
ALTER TABLE clients DROP COLUMN secret;
ALTER TABLE machine_tokens DROP COLUMN cnf;
ALTER TABLE machine_tokens DROP COLUMN audience;
ALTER TABLE machine_tokens DROP COLUMN kind;
ALTER TABLE tokens DROP COLUMN cnf;
ALTER TABLE tokens DROP COLUMN audience;
