#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The API's description: Redocly's linter finds no error in build/openapi.json by its recommended rules, and finds one
that was put in; a control plane serves the same document. (That answers keep to it, each lab checks at its end.)"""
import json
import subprocess

from _init import Lab, check, equal
from answers import modules


def lint(folder, path):
	done = subprocess.run(
		[folder / "node_modules/.bin/redocly", "lint", "--extends", "recommended", "--format", "json", path],
		capture_output=True, text=True, cwd=folder, env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "REDOCLY_TELEMETRY": "off"})
	found = json.loads(done.stdout)
	return [problem for problem in found["problems"] if problem["severity"] == "error"], found["totals"]


with Lab() as lab:
	folder = modules()
	path = lab.bin.parent / "openapi.json"
	document = json.loads(path.read_text())
	errors, totals = lint(folder, path)
	check(not errors and totals["errors"] == 0, f"openapi.json: {errors}")
	check(path.read_text().count("\n") > len(document["paths"]) * 10, "openapi.json is not for people")
	broken = lab.run.folder / "broken.json"
	del document["paths"]["/v1/status"]["get"]["responses"]["200"]["description"]
	broken.write_text(json.dumps(document))
	check(lint(folder, broken)[0], "the linter says yes to everything")

	node = lab.add("mix1", "mix", 1)
	lab.start()
	served = node.rest.get("/v1/openapi.json")
	equal(served, json.loads(path.read_text()), "what is served")
	for path, methods in served["paths"].items():
		for method, operation in methods.items():
			check(operation["x-audit-action"] and operation["x-rate-class"], f"{method} {path} lacks a word")
			equal(bool(operation["security"]), bool(operation["x-roles"]), f"rights of {method} {path}")
	for method, path in (("GET", "/v1/nothing"), ("PUT", "/v1/status"), ("GET", "/v1/messages?limit=0")):
		check(node.rest.call(method, path)[0] >= 400, f"{method} {path}")
