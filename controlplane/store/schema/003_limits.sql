-- SPDX-License-Identifier: BSD-3-Clause
-- Copyright (c) 2026 the Fogline authors
-- Rates that several control planes share, and what users use in a day (controlplane/limits).

-- One clock for all who use the store.
-- only sqlite
CREATE VIEW store_clock AS SELECT CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER) * 1000 AS now_us;
-- only postgresql
CREATE VIEW store_clock AS SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT AS now_us;
-- both

-- When the bucket of an identity will be full again, by that clock.
CREATE TABLE rate_window(
	bucket $BYTES PRIMARY KEY,
	full_us $INT NOT NULL,
	changed_us $INT NOT NULL
) $STRICT;
CREATE INDEX rate_window_changed ON rate_window(changed_us);
CREATE INDEX rate_window_full ON rate_window(full_us);

CREATE TABLE tier_limit(
	tier $TEXT NOT NULL,
	metric $TEXT NOT NULL,
	daily $INT CHECK(daily >= 0), -- NULL: no limit
	PRIMARY KEY(tier, metric)
) $STRICT;
INSERT INTO tier_limit(tier, metric, daily) VALUES
	('free', 'deployments', 10),
	('free', 'api_calls', 5000),
	('free', 'compute_seconds', 36000),
	('free', 'storage_bytes', 5000000000),
	('pro', 'deployments', 50),
	('pro', 'api_calls', 50000),
	('pro', 'compute_seconds', 360000),
	('pro', 'storage_bytes', 50000000000),
	('enterprise', 'deployments', NULL),
	('enterprise', 'api_calls', NULL),
	('enterprise', 'compute_seconds', NULL),
	('enterprise', 'storage_bytes', NULL);

-- 'day' counts from 1970-01-01, UTC.
CREATE TABLE daily_usage(
	user_id $TEXT NOT NULL,
	day $INT NOT NULL,
	metric $TEXT NOT NULL,
	used $INT NOT NULL CHECK(used >= 0),
	PRIMARY KEY(user_id, day, metric)
) $STRICT;
CREATE INDEX daily_usage_day ON daily_usage(day);
