#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""bench e2e runs and prints one object with what is promised; the figures are not judged, but that
everything which was sent came back is."""
import json
import os
import subprocess
import sys

from _init import ROOT, check, equal

done = subprocess.run([sys.executable, ROOT / "bench" / "e2e", "--quick", "--json"], capture_output=True,
	text=True, env=os.environ)
equal(done.returncode, 0, f"exit code: {done.stderr}")
report = json.loads(done.stdout)
equal((report["bench"], report["key"]), ("e2e", ["isa"]), "head")
check(any("not wire rate" in note for note in report["notes"]), "the label in the notes")
(row,) = report["result"]
equal((row["label"], row["asked_pps"], row["pps"], row["confirmed"], row["tried"], row["early"]),
	("not wire rate", 500, 500, 1, 1, 0), "row")
check(not {"windows", "repeated", "core"} & report.keys(), "what only plain unwraps have is not in the head")
equal(row["lost"], 0, "packets lost at 500/s")
check(row["sphinx_pps"] > 0 and 0 < row["share_of_sphinx"], "share of plain unwraps")
check(row["over_p99_us"] >= row["over_p50_us"] > 0, "lateness")
