-- What the sandbox keeps as an authority: schema 2. Secrets are hashed (SHA-256), the keys that sign excepted. Times are
-- seconds since 1970. What belongs to a client goes when the client is deleted.

-- One row at most: the RSA key that signs access tokens and id tokens, as PKCS #1 in DER, and its public
-- half as it is published. It is made when it is first needed.
CREATE TABLE authority_key (
    kid         TEXT PRIMARY KEY,
    jwk         TEXT NOT NULL,
    private_key BLOB NOT NULL
) STRICT;

-- Browsers in which the account's owner has signed in.
CREATE TABLE sessions (
    hash          BLOB PRIMARY KEY,
    signed_in_at  INTEGER NOT NULL,
    ends_at       INTEGER NOT NULL
) STRICT;

-- What was allowed in a session, so that it isn't asked again: scopes between spaces.
CREATE TABLE consents (
    session   BLOB NOT NULL REFERENCES sessions (hash) ON DELETE CASCADE,
    client_id TEXT NOT NULL REFERENCES oauth_clients (client_id) ON DELETE CASCADE,
    scope     TEXT NOT NULL,
    PRIMARY KEY (session, client_id)
) STRICT;

-- One row for each code that was given. All that comes of the code depends on it: without the row, access tokens and
-- refresh tokens of this authorization are worth nothing.
CREATE TABLE authorizations (
    id           TEXT PRIMARY KEY,
    client_id    TEXT NOT NULL REFERENCES oauth_clients (client_id) ON DELETE CASCADE,
    code_hash    BLOB NOT NULL UNIQUE,
    code_used    INTEGER NOT NULL DEFAULT 0,
    redirect_uri TEXT NOT NULL,
    challenge    TEXT NOT NULL,
    scope        TEXT NOT NULL,
    nonce        TEXT,
    signed_in_at INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL
) STRICT;

-- The refresh tokens of an authorization: the one that works, and those before it, whose use gives them all away.
CREATE TABLE refresh_tokens (
    hash          BLOB PRIMARY KEY,
    authorization TEXT NOT NULL REFERENCES authorizations (id) ON DELETE CASCADE,
    used          INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Access tokens that were revoked before their end, by their `jti`.
CREATE TABLE revoked (
    jti     TEXT PRIMARY KEY,
    ends_at INTEGER NOT NULL
) STRICT;
