-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- What was done and what was refused (controlplane/audit/row.h has the meaning and the hash). Rows are only added.
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
	outcome $TEXT NOT NULL CHECK(outcome IN ('done', 'refused', 'failed')),
	details $TEXT NOT NULL,
	previous $BYTES NOT NULL CHECK(length(previous) = 32),
	hash $BYTES NOT NULL CHECK(length(hash) = 32),
	UNIQUE(chain, sequence)
) $STRICT;
CREATE INDEX audit_time ON audit(time_us);
CREATE INDEX audit_object ON audit(object);
CREATE INDEX audit_correlation ON audit(correlation_id);

-- only sqlite
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
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
	RAISE EXCEPTION ''the audit is append-only'';
END';
CREATE TRIGGER audit_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
-- Those who may set session_replication_role get no exception.
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_change;
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_truncate;
-- both
