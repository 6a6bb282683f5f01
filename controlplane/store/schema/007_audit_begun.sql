-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- Rows of what is about to be done ('begun'), and of what was begun by a process that died ('unknown'). SQLite changes no
-- condition of a table: it becomes a new one.
-- only sqlite
ALTER TABLE audit RENAME TO audit_before;
CREATE TABLE audit(
	id $ID,
	chain $TEXT NOT NULL,
	sequence $INT NOT NULL CHECK(sequence > 0),
	time_us $INT NOT NULL,
	status $INT NOT NULL,
	duration_us $INT NOT NULL,
	body_digest $BYTES,
	actor_kind $TEXT NOT NULL,
	actor_id $TEXT NOT NULL,
	actor_name $TEXT NOT NULL,
	action $TEXT NOT NULL,
	object $TEXT NOT NULL,
	source $TEXT NOT NULL,
	request_id $TEXT NOT NULL,
	correlation_id $TEXT NOT NULL,
	method $TEXT NOT NULL,
	path $TEXT NOT NULL,
	outcome $TEXT NOT NULL CHECK(outcome IN ('begun', 'done', 'refused', 'failed', 'unknown')),
	details $TEXT NOT NULL,
	previous $BYTES NOT NULL CHECK(length(previous) = 32),
	hash $BYTES NOT NULL CHECK(length(hash) = 32),
	UNIQUE(chain, sequence)
) $STRICT;
INSERT INTO audit SELECT * FROM audit_before ORDER BY id;
-- A number whose row is gone is not given again.
INSERT INTO sqlite_sequence(name, seq) SELECT 'audit', seq FROM sqlite_sequence
	WHERE name = 'audit_before' AND NOT EXISTS(SELECT 1 FROM sqlite_sequence WHERE name = 'audit');
UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM sqlite_sequence WHERE name IN ('audit', 'audit_before')) WHERE name = 'audit';
DELETE FROM sqlite_sequence WHERE name = 'audit' AND seq = 0;
DROP TABLE audit_before;
CREATE INDEX audit_time ON audit(time_us);
CREATE INDEX audit_object ON audit(object);
CREATE INDEX audit_correlation ON audit(correlation_id);
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN
	SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN
	SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER audit_replace BEFORE INSERT ON audit
WHEN EXISTS(SELECT 1 FROM audit WHERE chain = NEW.chain AND sequence = NEW.sequence)
	OR EXISTS(SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN
	SELECT RAISE(ABORT, 'the audit is append-only');
END;
-- only postgresql
ALTER TABLE audit DROP CONSTRAINT audit_outcome_check;
ALTER TABLE audit ADD CONSTRAINT audit_outcome_check CHECK(outcome IN ('begun', 'done', 'refused', 'failed', 'unknown'));
-- both
