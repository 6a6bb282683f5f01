-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- Long work, and what it says while it is at it. 'control_plane' is who does it.
CREATE TABLE operation(
	id $ID,
	kind $TEXT NOT NULL,
	owner $TEXT NOT NULL,
	parameters $TEXT NOT NULL,
	control_plane $TEXT NOT NULL,
	state $TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
	progress $INT NOT NULL CHECK (progress BETWEEN 0 AND 100),
	cancel $INT NOT NULL CHECK (cancel IN (0, 1)),
	created_us $INT NOT NULL,
	started_us $INT,
	ended_us $INT,
	error_code $TEXT,
	error_text $TEXT,
	result $TEXT
) $STRICT;
CREATE INDEX operation_owner ON operation(owner, id);
CREATE INDEX operation_live ON operation(control_plane) WHERE ended_us IS NULL;
CREATE INDEX operation_ended ON operation(ended_us);

CREATE TABLE operation_line(
	operation $INT NOT NULL REFERENCES operation(id) ON DELETE CASCADE,
	number $INT NOT NULL,
	time_us $INT NOT NULL,
	text $TEXT NOT NULL,
	PRIMARY KEY (operation, number)
) $STRICT;
