-- The tables of schema 1: credentials. What came after them is in files of their own; see `open.rs`.

-- One row: whose credentials these are, and the key that signs their tokens.
CREATE TABLE account (
    id          TEXT PRIMARY KEY,
    signing_key BLOB NOT NULL
) STRICT;

-- `seq` is the order of insertion, which cursors point into: AUTOINCREMENT never gives a number twice.
-- `version` is the row's entity tag. Lists are JSON: they are read and replaced as a whole.
CREATE TABLE tokens (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    version         INTEGER NOT NULL,
    account         TEXT NOT NULL REFERENCES account (id),
    id              TEXT NOT NULL UNIQUE,
    jti             TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    grants          TEXT NOT NULL,
    allowed_apis    TEXT NOT NULL,
    referers        TEXT NOT NULL,
    expiration_date TEXT,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    UNIQUE (account, name)
) STRICT;

-- `secret_hash` is SHA-256. The secret is random and as long as the hash or longer, so that a slow hash would
-- protect nothing more. `urls` is null for an m2m client.
CREATE TABLE oauth_clients (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    version     INTEGER NOT NULL,
    account     TEXT NOT NULL REFERENCES account (id),
    client_id   TEXT NOT NULL UNIQUE,
    secret_hash BLOB NOT NULL,
    type        TEXT NOT NULL CHECK (type IN ('spa', 'm2m')),
    title       TEXT NOT NULL,
    urls        TEXT,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL
) STRICT;
