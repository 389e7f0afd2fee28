-- Machines: their tokens, and secrets that are replaced without an outage.
-- +goose Up

-- The secret before, and until when it still works.
ALTER TABLE clients ADD COLUMN old_secret_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN old_secret_until BIGINT;

-- An access token of a product that acts for itself.
CREATE TABLE machine_tokens (
    hash       TEXT PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX machine_tokens_client ON machine_tokens (client_id);
CREATE INDEX machine_tokens_expires ON machine_tokens (expires_at);

-- +goose Down
DROP TABLE machine_tokens;
ALTER TABLE clients DROP COLUMN old_secret_until;
ALTER TABLE clients DROP COLUMN old_secret_hash;
