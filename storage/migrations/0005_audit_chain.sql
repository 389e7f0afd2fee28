-- The audit: searched from several sides, and sealed into a chain.
-- +goose Up

-- Why something was decided as it was: the code of a reason, which pages word
-- in their reader's language.
ALTER TABLE audit ADD COLUMN decision TEXT NOT NULL DEFAULT '';
-- The batch that a row was sealed in; NULL until then.
ALTER TABLE audit ADD COLUMN batch BIGINT;

-- Rows of the same millisecond are few, so their ids, which order them, needn't
-- be in the indexes.
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_client ON audit (client_id, at);
-- Who did something to somebody else: few rows have an actor.
CREATE INDEX audit_actor ON audit (actor, at) WHERE actor <> '';
-- What waits to be sealed (NULL), and what a batch holds.
CREATE INDEX audit_batch ON audit (batch, at);

-- The chain: each hash covers the batch's rows and the hash before it, with a
-- key that the database holds sealed only.
CREATE TABLE audit_batches (
    seq       BIGINT PRIMARY KEY,
    events    BIGINT NOT NULL,
    first_at  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    digest    TEXT NOT NULL,
    previous  TEXT NOT NULL,
    hash      TEXT NOT NULL,
    sealed_at BIGINT NOT NULL,
    -- When retention deleted the rows, and the keyed hash that says so.
    dropped_at BIGINT,
    dropped    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_batches_kept ON audit_batches (last_at) WHERE dropped_at IS NULL;

-- The key of the chain, sealed with the master key: one row.
CREATE TABLE audit_keys (
    id         TEXT PRIMARY KEY,
    key        BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE audit_keys;
DROP TABLE audit_batches;
DROP INDEX audit_batch;
DROP INDEX audit_actor;
DROP INDEX audit_client;
DROP INDEX audit_at;
ALTER TABLE audit DROP COLUMN batch;
ALTER TABLE audit DROP COLUMN decision;
