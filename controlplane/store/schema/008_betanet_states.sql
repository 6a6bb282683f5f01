-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- Which state a managed node was found in, whenever that was another one than before.
CREATE TABLE betanet_state(
	id $ID,
	node $INT NOT NULL REFERENCES betanet_node(id) ON DELETE CASCADE,
	state $TEXT NOT NULL CHECK (state IN ('registered', 'deploying', 'active', 'stopped', 'failed', 'maintenance')),
	before $TEXT, -- NULL: the first one
	found_us $INT NOT NULL
) $STRICT;
CREATE INDEX betanet_state_node ON betanet_state(node, id);
