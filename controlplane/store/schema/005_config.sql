-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- Configurations that came into force, of each node that uses this store. No text has a secret in it.
CREATE TABLE config_revision(
	node $TEXT NOT NULL,
	number $INT NOT NULL CHECK (number > 0),
	time_us $INT NOT NULL,
	actor $TEXT NOT NULL,
	comment $TEXT NOT NULL,
	digest $TEXT NOT NULL,
	text $BYTES NOT NULL,
	reverts $INT,
	state $TEXT NOT NULL CHECK (state IN ('applying', 'pending', 'applied', 'rolled_back', 'failed')),
	confirm_by_us $INT,
	PRIMARY KEY (node, number)
) $STRICT;
