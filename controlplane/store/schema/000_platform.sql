-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- What the platform is called, made with the store: a random text that tokens name as their audience.
CREATE TABLE platform(
	only_row $INT PRIMARY KEY CHECK (only_row = 1),
	name $TEXT NOT NULL CHECK (length(name) >= 16),
	made_us $INT NOT NULL
) $STRICT;

-- only sqlite
INSERT INTO platform VALUES (1, lower(hex(randomblob(16))), unixepoch() * 1000000);
-- only postgresql
INSERT INTO platform VALUES (1, replace(gen_random_uuid()::text, '-', ''),
	(extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
-- both
