-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- Appliances of the network that this platform manages. What state one is in follows from its times (betanet/README.md).
CREATE TABLE betanet_node(
	id $ID,
	version $INT NOT NULL,
	name $TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 31),
	node_type $TEXT NOT NULL CHECK (node_type IN ('mixnode', 'gateway', 'service', 'client')),
	region $TEXT NOT NULL CHECK (length(region) <= 31),
	maintenance $INT NOT NULL CHECK (maintenance IN (0, 1)),
	node_id $BYTES UNIQUE CHECK (length(node_id) = 32),
	created_us $INT NOT NULL,
	changed_us $INT NOT NULL,
	seen_us $INT,
	deployed_us $INT,
	enrolment_until_us $INT,
	enrolled_us $INT,
	token_hash $BYTES UNIQUE CHECK (length(token_hash) = 32),
	configuration $TEXT CHECK (length(configuration) <= 4096),
	CHECK ((deployed_us IS NULL) = (token_hash IS NULL)),
	CHECK ((deployed_us IS NULL) = (enrolment_until_us IS NULL)),
	CHECK ((deployed_us IS NULL) = (configuration IS NULL)),
	CHECK (enrolled_us IS NULL OR (deployed_us IS NOT NULL AND node_id IS NOT NULL))
) $STRICT;
