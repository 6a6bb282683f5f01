#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""bench xdp runs, both ways in, and prints one object with what is promised. Speed is not judged, but counts
are: valid packets all get through beside what is dropped early, and no source gets more than its limit."""
import json
import os
import subprocess
import sys

from _init import ROOT, check, equal

for enter in ("hook", "veth"):
	done = subprocess.run([sys.executable, ROOT / "bench" / "xdp", "--quick", "--json", "--enter", enter],
		capture_output=True, text=True, env=os.environ)
	equal(done.returncode, 0, f"exit code: {done.stderr}")
	report = json.loads(done.stdout)
	equal((report["bench"], report["key"]), ("xdp", ["case"]), "head")
	check(any("not wire rate" in note for note in report["notes"]), "the label in the notes")
	check(not {"windows", "repeated", "core"} & report.keys(), "what only other benches have is not in the head")
	rows = {row["case"]: row for row in report["result"]}
	equal(list(rows), ["alone", "early_drop", "no_early_drop"], "rows")
	for case, row in rows.items():
		check(row["pps_min"] <= row["pps_q1"] <= row["pps"] <= row["pps_q3"], f"spread of {case}")
		equal(row["flood_pps"] > 0, case != "alone", f"flood of {case}")
		equal(row["dropped_early"] > 0, case == "early_drop", f"early drops of {case}")
	check(rows["early_drop"]["times_without"] > 0, "early drop against none")
	equal(len(report["buckets"]), 6, "buckets")
	for one in report["buckets"]:
		equal(one["passed"] + one["dropped"], one["sent"], f"frames of {one['bucket']}")
		check(one["passed"] <= one["allowed"] or not one["limited"], f"{one['bucket']}: {one}")
	for one in report["buckets"][-2:]:
		equal(one["dropped"], 0, f"frames dropped: {one['bucket']}")
