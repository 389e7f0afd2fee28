-- One schema for both engines: TEXT, BIGINT (Unix milliseconds), BYTEA (SQLite
-- keeps blobs as they are whatever the column is called), BOOLEAN.
-- +goose Up

-- What the processes cache (companies, products, signing keys) is numbered by
-- one row; whoever changes any of it counts it up in the same transaction.
CREATE TABLE generation (
    id    INTEGER PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO generation (id, value) VALUES (1, 1);

CREATE TABLE orgs (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    rules      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE clients (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    settings    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE users (
    id              TEXT PRIMARY KEY,
    org_id          TEXT NOT NULL REFERENCES orgs (id),
    email           TEXT NOT NULL,
    email_key       TEXT NOT NULL UNIQUE,
    email_verified  BOOLEAN NOT NULL,
    profile         TEXT NOT NULL,
    phone           BYTEA,
    phone_verified  BOOLEAN NOT NULL,
    kind            TEXT NOT NULL,
    role            TEXT NOT NULL,
    roles           TEXT NOT NULL,
    password_hash   TEXT NOT NULL,
    two_step        BOOLEAN NOT NULL,
    two_step_required BOOLEAN NOT NULL,
    disabled_at     BIGINT,
    last_sign_in_at BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX users_org ON users (org_id, email_key);

CREATE TABLE factors (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    secret       BYTEA NOT NULL,
    last_step    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX factors_user ON factors (user_id);

-- A factor being set up: bound to one sign-in or session, active only once a
-- code was verified.
CREATE TABLE enrolments (
    bound_to   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret     BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (bound_to, kind)
);

CREATE TABLE backup_codes (
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (user_id, hash)
);

-- Failures in a row, counted before the check.
CREATE TABLE attempts (
    id         TEXT PRIMARY KEY,
    failures   BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    locked     BOOLEAN NOT NULL,
    day        BIGINT NOT NULL,
    day_count  BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX attempts_updated ON attempts (updated_at);

CREATE TABLE known_networks (
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network      TEXT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, network)
);

CREATE TABLE auth_requests (
    id           TEXT PRIMARY KEY,
    browser_hash TEXT NOT NULL,
    client_id    TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    params       TEXT NOT NULL,
    user_id      TEXT REFERENCES users (id) ON DELETE CASCADE,
    proofs       TEXT NOT NULL,
    stamps       TEXT NOT NULL,
    fresh_codes  BYTEA,
    wrong        BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    finished_at  BIGINT
);
CREATE INDEX auth_requests_expires ON auth_requests (expires_at);

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    secret_hash  TEXT NOT NULL UNIQUE,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    proofs       TEXT NOT NULL,
    ip           TEXT NOT NULL,
    user_agent   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT
);
CREATE INDEX sessions_user ON sessions (user_id, ended_at);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- What a product holds: first the code, then the refresh family.
CREATE TABLE grants (
    id              TEXT PRIMARY KEY,
    client_id       TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id         TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id      TEXT NOT NULL,
    scope           TEXT NOT NULL,
    code_hash       TEXT UNIQUE,
    code_expires_at BIGINT NOT NULL,
    code_used_at    BIGINT,
    details         TEXT NOT NULL,
    offline         BOOLEAN NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    revoked_at      BIGINT
);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_user ON grants (user_id);
CREATE INDEX grants_expires ON grants (expires_at);

CREATE TABLE tokens (
    hash       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    grant_id   TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    parent     TEXT NOT NULL,
    scope      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    retried_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX tokens_grant ON tokens (grant_id);
CREATE INDEX tokens_parent ON tokens (parent);
CREATE INDEX tokens_expires ON tokens (expires_at);

CREATE TABLE consents (
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);

CREATE TABLE links (
    hash       TEXT PRIMARY KEY,
    purpose    TEXT NOT NULL,
    user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE UNIQUE INDEX links_alive ON links (purpose, COALESCE(user_id, '')) WHERE used_at IS NULL;

CREATE TABLE signing_keys (
    id          TEXT PRIMARY KEY,
    alg         TEXT NOT NULL,
    private     BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    signs_from  BIGINT NOT NULL,
    retired_at  BIGINT
);

CREATE TABLE outbox (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    target      TEXT NOT NULL,
    body        BYTEA,
    created_at  BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    tries       BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    done_at     BIGINT,
    failed      BOOLEAN NOT NULL,
    last_error  TEXT NOT NULL
);
CREATE INDEX outbox_due ON outbox (kind, next_at) WHERE done_at IS NULL;

CREATE TABLE audit (
    id         TEXT PRIMARY KEY,
    at         BIGINT NOT NULL,
    event      TEXT NOT NULL,
    result     TEXT NOT NULL,
    org_id     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    actor      TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    factor     TEXT NOT NULL,
    ip         TEXT NOT NULL,
    reason     TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE INDEX audit_user ON audit (user_id, at);
CREATE INDEX audit_org ON audit (org_id, at);

CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  BIGINT NOT NULL
);

-- +goose Down
DROP TABLE leases;
DROP TABLE audit;
DROP TABLE outbox;
DROP TABLE signing_keys;
DROP TABLE links;
DROP TABLE consents;
DROP TABLE tokens;
DROP TABLE grants;
DROP TABLE sessions;
DROP TABLE auth_requests;
DROP TABLE known_networks;
DROP TABLE attempts;
DROP TABLE backup_codes;
DROP TABLE enrolments;
DROP TABLE factors;
DROP TABLE users;
DROP TABLE clients;
DROP TABLE orgs;
DROP TABLE generation;
