-- Second factors of every kind, and the ways back in.
-- +goose Up

-- What only moves up: a TOTP step, or the signature counter of a key.
ALTER TABLE factors RENAME COLUMN last_step TO counter;
-- The hash of a key's credential id: one key belongs to one person.
ALTER TABLE factors ADD COLUMN handle TEXT;
ALTER TABLE factors ADD COLUMN hardware BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE factors ADD COLUMN synced BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX factors_handle ON factors (handle);

-- The word by which a text message finds the set-up it belongs to.
ALTER TABLE enrolments ADD COLUMN word_hash TEXT;
CREATE UNIQUE INDEX enrolments_word ON enrolments (word_hash);
CREATE INDEX enrolments_expires ON enrolments (expires_at);

-- The method the person used last, asked for first the next time.
ALTER TABLE users ADD COLUMN preferred_method TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN skip_new_network_check BOOLEAN NOT NULL DEFAULT FALSE;
-- "This wasn't me": until an owner or the operator lifts it, nothing about how
-- this person signs in can be changed.
ALTER TABLE users ADD COLUMN changes_locked_at BIGINT;

-- A code that was sent: the newest of a sign-in and kind, as a keyed hash.
CREATE TABLE sent_codes (
    bound_to    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    id          TEXT NOT NULL UNIQUE,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash        TEXT NOT NULL,
    gap         TEXT NOT NULL,
    validity    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    accepted_at BIGINT,
    failed_at   BIGINT,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,
    PRIMARY KEY (bound_to, kind)
);
CREATE INDEX sent_codes_expires ON sent_codes (expires_at);

-- A WebAuthn challenge on its way.
CREATE TABLE ceremonies (
    bound_to   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    data       TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (bound_to, kind)
);
CREATE INDEX ceremonies_expires ON ceremonies (expires_at);

-- An owner's recovery code: one alive per person.
CREATE TABLE recovery_codes (
    user_id    TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash       TEXT NOT NULL,
    issued_by  TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

-- How often something was done in a window of time: sending has ceilings.
CREATE TABLE quotas (
    id         TEXT PRIMARY KEY,
    began_at   BIGINT NOT NULL,
    taken      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX quotas_expires ON quotas (expires_at);

-- Text messages that came in, so that none counts twice.
CREATE TABLE inbound_messages (
    id          TEXT PRIMARY KEY,
    received_at BIGINT NOT NULL
);
CREATE INDEX inbound_messages_received ON inbound_messages (received_at);

-- What a link carries, sealed: a new address on its way to being confirmed.
ALTER TABLE links ADD COLUMN data BYTEA;

-- Half-finished sign-ins of a person, which end with their sessions.
CREATE INDEX auth_requests_user ON auth_requests (user_id);

-- Until when a message is worth sending, and the code it carries.
ALTER TABLE outbox ADD COLUMN expires_at BIGINT;
ALTER TABLE outbox ADD COLUMN code_id TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE outbox DROP COLUMN code_id;
ALTER TABLE outbox DROP COLUMN expires_at;
DROP INDEX auth_requests_user;
ALTER TABLE links DROP COLUMN data;
DROP TABLE inbound_messages;
DROP TABLE quotas;
DROP TABLE recovery_codes;
DROP TABLE ceremonies;
DROP TABLE sent_codes;
ALTER TABLE users DROP COLUMN changes_locked_at;
ALTER TABLE users DROP COLUMN skip_new_network_check;
ALTER TABLE users DROP COLUMN preferred_method;
DROP INDEX enrolments_expires;
DROP INDEX enrolments_word;
ALTER TABLE enrolments DROP COLUMN word_hash;
DROP INDEX factors_handle;
ALTER TABLE factors DROP COLUMN synced;
ALTER TABLE factors DROP COLUMN hardware;
ALTER TABLE factors DROP COLUMN handle;
ALTER TABLE factors RENAME COLUMN counter TO last_step;
