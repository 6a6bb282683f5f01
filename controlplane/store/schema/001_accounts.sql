-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- Accounts and how they show who they are. Secrets are hashed, or sealed under platform.key (accounts/seal.h).

-- What only the right platform.key comes to.
CREATE TABLE platform_key(
	only_row $INT NOT NULL PRIMARY KEY CHECK (only_row = 1),
	proof $BYTES NOT NULL
) $STRICT;

CREATE TABLE account(
	id $ID,
	name $TEXT NOT NULL UNIQUE,
	version $INT NOT NULL,
	roles $INT NOT NULL CHECK (roles BETWEEN 1 AND 15),
	tier $INT NOT NULL CHECK (tier BETWEEN 0 AND 2),
	disabled $INT NOT NULL CHECK (disabled BETWEEN 0 AND 1),
	rate_auth $INT NOT NULL,
	rate_write $INT NOT NULL,
	rate_read $INT NOT NULL,
	password $TEXT, -- Argon2id with its parameters; NULL: none until a reset
	password_at $INT NOT NULL,
	created_at $INT NOT NULL,
	changed_at $INT NOT NULL,
	login_at $INT NOT NULL,
	totp_secret $BYTES, -- sealed
	totp_on $INT NOT NULL CHECK (totp_on BETWEEN 0 AND 1), -- 0 with a secret: not confirmed yet
	totp_step $INT NOT NULL -- the newest one that was used
) $STRICT;

CREATE TABLE backup_code(
	account_id $INT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	hash $BYTES NOT NULL,
	PRIMARY KEY (account_id, hash)
) $STRICT;

CREATE TABLE session(
	id $ID,
	account_id $INT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	created_at $INT NOT NULL,
	used_at $INT NOT NULL,
	ends_at $INT NOT NULL,
	revoked_at $INT NOT NULL, -- 0: good
	source $TEXT NOT NULL
) $STRICT;
CREATE INDEX session_account ON session (account_id, id);
CREATE INDEX session_ends ON session (ends_at);

-- All of a session, used ones too: one that comes again is a theft.
CREATE TABLE refresh_token(
	hash $BYTES NOT NULL PRIMARY KEY,
	session_id $INT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
	ends_at $INT NOT NULL,
	used_at $INT NOT NULL -- 0: not yet
) $STRICT;
CREATE INDEX refresh_token_session ON refresh_token (session_id);
CREATE INDEX refresh_token_ends ON refresh_token (ends_at);

-- Logins that wait for their code.
CREATE TABLE login_step(
	hash $BYTES NOT NULL PRIMARY KEY,
	account_id $INT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	tries $INT NOT NULL,
	ends_at $INT NOT NULL
) $STRICT;
CREATE INDEX login_step_account ON login_step (account_id);

CREATE TABLE reset_token(
	hash $BYTES NOT NULL PRIMARY KEY,
	account_id $INT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	ends_at $INT NOT NULL
) $STRICT;
CREATE INDEX reset_token_account ON reset_token (account_id);

-- Failed logins by name (hashed: somebody may have typed a password there) and network; network '' stands for all of them.
CREATE TABLE login_failure(
	who $BYTES NOT NULL,
	network $TEXT NOT NULL,
	failures $INT NOT NULL,
	failed_at $INT NOT NULL,
	locked_until $INT NOT NULL,
	PRIMARY KEY (who, network)
) $STRICT;
CREATE INDEX login_failure_failed ON login_failure (failed_at);

-- Where an account has logged in from: others' failures elsewhere don't delay it there.
CREATE TABLE known_network(
	account_id $INT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	network $TEXT NOT NULL,
	login_at $INT NOT NULL,
	PRIMARY KEY (account_id, network)
) $STRICT;

CREATE TABLE api_key(
	id $ID,
	account_id $INT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
	hash $BYTES NOT NULL UNIQUE,
	name $TEXT NOT NULL,
	scopes $INT NOT NULL,
	rate_auth $INT NOT NULL,
	rate_write $INT NOT NULL,
	rate_read $INT NOT NULL,
	created_at $INT NOT NULL,
	ends_at $INT NOT NULL, -- 0: never
	used_at $INT NOT NULL,
	revoked_at $INT NOT NULL
) $STRICT;
CREATE INDEX api_key_account ON api_key (account_id, id);

CREATE TABLE signing_key(
	kid $TEXT NOT NULL PRIMARY KEY,
	public_key $BYTES NOT NULL,
	sealed $BYTES NOT NULL, -- the seed
	created_at $INT NOT NULL,
	retired_at $INT NOT NULL -- 0: the present one
) $STRICT;

-- What all control planes must know within a second. The number grows in the transaction of each change.
CREATE TABLE rights_version(
	id $INT NOT NULL PRIMARY KEY CHECK (id = 1),
	version $INT NOT NULL
) $STRICT;
INSERT INTO rights_version (id, version) VALUES (1, 0);

CREATE TABLE rights_change(
	version $INT NOT NULL PRIMARY KEY,
	kind $INT NOT NULL, -- enum rights_kind
	object $INT NOT NULL,
	changed_at $INT NOT NULL
) $STRICT;
CREATE INDEX rights_change_changed ON rights_change (changed_at);
