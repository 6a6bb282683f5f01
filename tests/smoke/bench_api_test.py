#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""bench api runs and prints one object with what is promised; its speed is not judged, but that every request with
a good token is answered and none with a revoked one."""
import json
import os
import subprocess
import sys

from _init import ROOT, check, equal

done = subprocess.run([sys.executable, ROOT / "bench" / "api", "--quick", "--json"], capture_output=True, text=True,
	env=os.environ)
equal(done.returncode, 0, f"exit code: {done.stderr}")
report = json.loads(done.stdout)
equal((report["bench"], report["key"]), ("api", ["path"]), "head")
check(any("not wire rate" in note for note in report["notes"]), "the label in the notes")
(row,) = report["result"]
equal((row["path"], row["label"], row["refused"], row["broken"]), ("/v1/status", "not wire rate", 0, 0), "row")
check(row["requests"] > 0 and row["rps"] > 0 and row["p99_ms"] >= row["p50_ms"] > 0, "requests and their latency")
check(row["worker_pps"] > 0 and row["worker_share"] > 0, "packets of the worker meanwhile")
check(row["revoked"]["requests"] > 0, "requests after the session's end")
equal(row["revoked"]["refused"], row["revoked"]["requests"], "refused after the session's end")
