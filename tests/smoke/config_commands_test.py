#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The history of the configuration by fogctl: a change that waits, confirmed and not, the difference, an earlier one again."""
import json
import tempfile

from _init import check, equal, wait_for
from control import Control

CONFIRM_S = 10  # the least that may be asked for


def level(control):
	return control.local.get("/v1/config")["log"]["level"]


def main():
	with tempfile.TemporaryDirectory() as folder, Control(folder, "one") as control:
		def fogctl(*words, code=0):
			got, out, err = control.fogctl(*words)
			equal(got, code, f"fogctl {words}: {out}{err}")
			return out

		other = control.folder / "other.yaml"
		other.write_text(json.dumps({**json.loads(control.config_path.read_text()), "log": {"level": "debug"}}))
		fogctl("config", "put", other, "--confirm-within", str(CONFIRM_S), "--comment", "more & more words")
		check("more & more words" in fogctl("config", "history"), "the comment of a change is not shown")
		check("revision 2 is taken back in" in fogctl("config", "history"), "the change that waits is not shown")
		equal(level(control), "debug", "level at once")
		wait_for("the change to be taken back", lambda: level(control) == "info", 6 * CONFIRM_S)
		fogctl("config", "confirm", code=1)
		fogctl("config", "put", other, "--confirm-within", "3600")
		fogctl("config", "confirm")
		fogctl("config", "confirm", code=1)
		check("taken back in" not in fogctl("config", "history"), "it waits although it is confirmed")
		newest = json.loads(fogctl("config", "history", "-j"))["revisions"][0]["revision"]
		check('"debug"' in fogctl("config", "diff", "1", str(newest)), "the difference does not show the change")
		fogctl("config", "revert", "1", "--comment", "as it was")
		check("as it was" in fogctl("config", "history"), "the comment is not shown")
		equal(level(control), "info", "level after the revert")
		for wrong in (["put", other, "--confirm-within", "soon"], ["revert", "first"], ["diff", "1"], ["confirm", "1", "2"]):
			fogctl("config", *wrong, code=2)


main()
