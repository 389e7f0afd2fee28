-- People at scale: who operates the instance, whom a search finds, how many
-- there are of each class, and long work on many of them.
-- +goose Up

-- Whoever may govern every company of this instance.
ALTER TABLE users ADD COLUMN operator BOOLEAN NOT NULL DEFAULT FALSE;
-- The kinds of a person's factors, sorted, once each, separated by a space:
-- what lists and counts would otherwise have to look up person by person.
ALTER TABLE users ADD COLUMN second_factors TEXT NOT NULL DEFAULT '';
UPDATE users SET second_factors = COALESCE((
    SELECT string_agg(k.kind, ' ' ORDER BY k.kind) FROM (SELECT DISTINCT kind FROM factors WHERE user_id = users.id) k), '');

-- The words by which a person is found. Bytes, so that both engines order them
-- alike.
CREATE TABLE user_words (
    org_id  TEXT NOT NULL,
    word    BYTEA NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (org_id, word, user_id)
);
CREATE INDEX user_words_user ON user_words (user_id, word);
-- Whose words are yet to be written: people of before, which SQL can't do.
ALTER TABLE users ADD COLUMN indexed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX users_unindexed ON users (id) WHERE NOT indexed;

-- Counts and filters read this index alone.
CREATE INDEX users_classes ON users (org_id, kind, role, two_step, two_step_required, second_factors, email_verified, email_key, disabled_at);

-- Long work, done in steps by whichever replica is free.
CREATE TABLE tasks (
    id          TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    params      TEXT NOT NULL,
    created_by  TEXT NOT NULL,
    total       BIGINT NOT NULL,
    done        BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    cursor      TEXT NOT NULL,
    tries       BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT,
    error       TEXT NOT NULL
);
CREATE INDEX tasks_due ON tasks (next_at) WHERE finished_at IS NULL;
CREATE INDEX tasks_org ON tasks (org_id, created_at);

-- The task that a message was sent for.
ALTER TABLE outbox ADD COLUMN task_id TEXT NOT NULL DEFAULT '';
CREATE INDEX outbox_task ON outbox (task_id) WHERE task_id <> '';

-- +goose Down
DROP INDEX outbox_task;
ALTER TABLE outbox DROP COLUMN task_id;
DROP TABLE tasks;
DROP INDEX users_classes;
DROP INDEX users_unindexed;
ALTER TABLE users DROP COLUMN indexed;
DROP TABLE user_words;
ALTER TABLE users DROP COLUMN second_factors;
ALTER TABLE users DROP COLUMN operator;
