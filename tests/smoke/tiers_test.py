#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Tiers: what they allow, an account that gets another one, what it has used of its day under each."""
import datetime
import pathlib
import sys
import tempfile

from _init import ROOT, check, equal

sys.path.insert(0, str(ROOT / "tests"))
from control import Control

LIMITS = {
	"free": (10, 5000, 36000, 5_000_000_000), "pro": (50, 50000, 360000, 50_000_000_000),
	"enterprise": (None, None, None, None),
}
METRICS = ("deployments", "api_calls", "compute_seconds", "storage_bytes")


def midnight(stamp):
	at = datetime.datetime.fromisoformat(stamp)
	left = at - datetime.datetime.now(datetime.timezone.utc)
	check((at.hour, at.minute, at.second) == (0, 0, 0) and left <= datetime.timedelta(days=1), f"the next day begins {stamp}")


def lists(control, token):
	answer = control.call("GET", "/v1/tiers", token).json
	midnight(answer["resets_at"])
	found = {one["tier"]: tuple(one["limits"][metric] for metric in METRICS) for one in answer["tiers"]}
	equal(found, LIMITS, "tiers")


def gets_another(control, user, token):
	before = control.call("GET", "/v1/usage", token).json
	midnight(before["resets_at"])
	calls = before["metrics"]["api_calls"]
	equal((before["tier"], calls["limit"], calls["remaining"]), ("free", 5000, 5000 - calls["used"]), "a new account")
	path = f"/v1/users/{user}"
	equal(control.call("PATCH", path, token, {"tier": "enterprise"}, {"If-Match": "*"}).status, 403, "an account that serves itself")
	for tier, (_, limit, _, _) in LIMITS.items():
		equal(control.local.call("PATCH", path, {"tier": tier}, {"If-Match": "*"})[0], 200, f"tier {tier}")
		usage = control.local.get(path + "/usage")
		equal((usage["tier"], usage["metrics"]["api_calls"]["limit"]), (tier, limit), f"usage under {tier}")
		check(usage["metrics"]["api_calls"]["used"] >= calls["used"], f"what was used stays: {usage}")
	equal(control.call("GET", "/v1/usage", control.login("walker")["access_token"]).json["tier"], "enterprise", "his own view")


def main():
	with tempfile.TemporaryDirectory() as folder:
		pathlib.Path(folder).chmod(0o755)
		with Control(folder, "one") as control:
			user = control.add_user("walker", ["user"])["id"]
			token = control.login("walker")["access_token"]
			lists(control, token)
			equal(control.call("GET", "/v1/tiers").status, 401, "a stranger")
			gets_another(control, user, token)


main()
