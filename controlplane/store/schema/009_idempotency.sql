-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- Requests with an Idempotency-Key whose effects lie in this store, and their answers (store/answers.h).
CREATE TABLE idempotent_answer(
	caller $TEXT NOT NULL,
	idempotency_key $TEXT NOT NULL,
	request $BYTES NOT NULL CHECK (length(request) = 32), -- its digest
	control_plane $TEXT NOT NULL, -- who answers it
	status $INT, -- NULL: it is at work
	body $TEXT,
	until_us $INT NOT NULL, -- by store_clock; what is older is as good as gone
	PRIMARY KEY (caller, idempotency_key),
	CHECK ((status IS NULL) = (body IS NULL))
) $STRICT;
CREATE INDEX idempotent_answer_until ON idempotent_answer(until_us);
