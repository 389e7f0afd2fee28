-- What governing needs beside people, machines and the audit.
-- +goose Up

-- The second factors a company may choose from, as a JSON list; null: all.
ALTER TABLE orgs ADD COLUMN plan TEXT NOT NULL DEFAULT 'null';

-- An answer to a creation by the API, given again where the same key comes
-- again: the answer is sealed, for it may hold a new secret.
CREATE TABLE idempotency (
    id          TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    answer      BYTEA,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX idempotency_expires ON idempotency (expires_at);

-- +goose Down
DROP TABLE idempotency;
ALTER TABLE orgs DROP COLUMN plan;
