#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Every route of a node does what the API's description says: it is asked once with success, and its answers are
judged as those of all labs are; bodies with one field that the description forbids are refused, and the answer names
the field."""
import json
import os
import re

from _init import check, equal, wait_for
from consensus import EPOCH_S, consensus, network
from directory_commands import loops, proves, sends

TAGS = {"Health", "Node", "Network", "Configuration", "Messages", "Diagnosis"}
NEEDED = {
	"post_messages": {"to": "service", "text": "x"}, "post_deny": {"prefix": "198.51.100.0/24"},
	"post_config_revert": {"revision": 1}}
STEP_S = 6 * EPOCH_S
SAMPLES = {  # a value of another type for each
	"string": [1, True, {}], "integer": ["1", 1.5, True], "number": ["1", True], "boolean": ["true", 1], "array": ["x", {}],
	"object": ["x", []]}


class Description:
	def __init__(self, lab):
		self.whole = json.loads((lab.bin.parent / "openapi.json").read_text())

	def operations(self):
		"""(method, path, operation) of the routes that a node has without accounts."""
		for path, methods in self.whole["paths"].items():
			for method, operation in methods.items():
				if method in ("get", "post", "put", "patch", "delete") and TAGS & set(operation["tags"]):
					yield method.upper(), path, operation

	def schema(self, schema):
		while "$ref" in schema:
			schema = self.whole["components"]["schemas"][schema["$ref"].split("/")[-1]]
		return schema


def wrong(description, schema):
	"""Values that a schema forbids, one for each of its rules."""
	schema = description.schema(schema)
	types = schema.get("type")
	if types is None:
		yield from (None, 1, {}) if "anyOf" in schema else ()
		return
	types = [types] if isinstance(types, str) else types
	yield from SAMPLES[types[0]]
	if "null" not in types:
		yield None
	if "minimum" in schema:
		yield schema["minimum"] - 1
	if schema.get("maximum", 2 ** 63) < 2 ** 63 - 1:  # the parser takes no more
		yield schema["maximum"] + 1
	if "enum" in schema or "pattern" in schema:
		yield "\n"
	if schema.get("minLength"):
		yield ""
	if "maxLength" in schema:
		yield "x" * (schema["maxLength"] + 1)
	if "items" in schema:
		yield from ([value] for value in wrong(description, schema["items"]))
		if schema.get("minItems"):
			yield []


def refuses(description, rest, method, path, operation):
	"""One wrong field at a time, beside those that are needed."""
	content = operation.get("requestBody", {}).get("content", {})
	needed = NEEDED.get(operation["operationId"], {})
	if not content:
		equal(rest.call(method, path, {})[0], 400, f"{method} {path} with a body")
	schema = description.schema(content.get("application/json", {}).get("schema", {}))
	if "properties" not in schema:  # none, or YAML, which the loader of the configuration judges
		return
	tries = [(name, value) for name, field in schema["properties"].items() for value in wrong(description, field)]
	for name, value in [*tries, ("x", 1), ("a" * 100, 1), ("", 1)]:
		status, _, answer = rest.call(method, path, {**needed, name: value})
		equal((status, answer.get("errors", [{}])[0].get("pointer")),
			(400, "/" + name + ("/0" if isinstance(value, list) and value else "")), f"{method} {path} with {name} = {str(value)[:60]}")
	for name in schema.get("required", []):
		status, _, answer = rest.call(method, path, {key: value for key, value in needed.items() if key != name})
		equal((status, answer["errors"][0]["pointer"]), (400, "/" + name), f"{method} {path} without {name}")
	for body in (b"[]", b"{", b'"x"', b"null", b'{"x":1,"x":1}', b"\xff"):
		equal(rest.call(method, path, body)[0], 400, f"{method} {path} with {body}")


def succeeds(lab, rest, ask):
	"""Each route that has a part in its path or changes something, with all that its body may have."""
	sent = ask("POST", "/v1/messages", 202, {"to": "service", "text": "a\0b", "surb": True, "recipient": "ab" * 32})
	wait_for("the message to leave", lambda: ask("GET", f"/v1/sent/{sent['id']}", 200)["state"] == "handed_over")
	came = wait_for("the message", lambda: lab["service"].rest.get("/v1/messages?wait=5")["messages"])[0]
	lab["service"].rest.post("/v1/messages", {"reply_to": came["id"], "data": "aGk="})
	wait_for("its reply", lambda: rest.get("/v1/messages?limit=1&after=0")["messages"])
	ask("PUT", "/v1/log", 200, {"control_plane": "debug", "data_plane": "info"})
	ask("PATCH", "/v1/filter", 200, {"early_drop": False, "source_rate": 1000, "source_burst": 300})
	ask("PATCH", "/v1/filter", 200, {"early_drop": None, "source_rate": None, "source_burst": None})
	ask("POST", "/v1/filter/deny", 200, {"prefix": "198.51.100.0/24"})
	ask("POST", "/v1/filter/deny", 200, {"prefix": ["203.0.113.0/24", "2001:db8::/32"], "force": True})
	ask("GET", "/v1/filter/deny", 200)
	ask("DELETE", "/v1/filter/deny?prefix=198.51.100.0/24", 200)
	for place in ("/v1/trace", "/v1/capture"):
		ask("POST", place, 201, {"sample": 1, "count": 5, "seconds": 60, "worker": 0})
		wait_for(f"the end of {place}", lambda place=place: ask("GET", place + "?wait=1", 200)["state"] == "ended")
		check(ask("GET", place + "?after=1&limit=2", 200)["next"] == 3, f"pages of {place}")
		ask("DELETE", place, 200)
	ask("POST", "/v1/loops", 201, {"count": 5, "rate": 100, "seconds": 60})
	wait_for("the loops", lambda: ask("GET", "/v1/loops", 200)["state"] == "ended", 60)
	ask("DELETE", "/v1/loops", 200)
	ask("POST", "/v1/links/rekey", 202)


def configurations(node, ask):
	"""A change of the configuration that is confirmed, and taken back."""
	os.chown(node.folder, node.uid, node.uid)  # where it is replaced
	_, headers, config = node.rest.call("GET", "/v1/config")
	ask("PUT", "/v1/config?confirm_within=60&comment=once", 200, {**config, "drain": {"grace": "1ms"}},
		{"If-Match": headers["ETag"], "Content-Type": "application/yaml"})
	ask("POST", "/v1/config/confirm", 200, {})
	revisions = [one["revision"] for one in ask("GET", "/v1/config/history?limit=200", 200)["revisions"]]
	ask("GET", f"/v1/config/history/{revisions[0]}", 200)
	check("grace" in ask("GET", f"/v1/config/diff?from={revisions[1]}&to={revisions[0]}", 200)["diff"], "what has changed")
	ask("POST", "/v1/config/revert", 200, {"revision": revisions[1], "comment": "back"})


def proofs(lab, rest, ask):
	"""What is public of an epoch that is over."""
	epoch = consensus(lab["gateway"])["epoch"]
	ask("GET", f"/v1/consensus?epoch={epoch}", 200)
	check(isinstance(ask("GET", "/v1/consensus?raw", 200), bytes), "the consensus as it was signed")
	for place in (f"/v1/epochs/{epoch}/vrf", f"/v1/nodes/mix1/epochs/{epoch}/vrf"):
		wait_for(f"the proof of {place}", lambda place=place: rest.call("GET", place)[0] == 200, STEP_S, every=0.5)
		equal(ask("GET", place, 200)["epoch"], epoch, f"epoch of {place}")
	proves(lab["gateway"], epoch)
	loops(lab["gateway"])
	sends(lab["gateway"], "service")


def ends(ask):
	ask("POST", "/v1/node/withdraw", 200)
	ask("DELETE", "/v1/node/withdraw", 200)
	ask("POST", "/v1/drain", 202, {"grace_ms": 100})


def main(lab):
	lab.start()
	node = lab["gateway"]
	rest = node.rest

	description, asked = Description(lab), set()

	def ask(method, path, wanted, body=None, headers=None):
		status, _, answer = rest.call(method, path, body, headers)
		equal(status, wanted, f"{method} {path}: {answer}")
		asked.add((method, path.split("?")[0]))
		return answer

	for method, path, operation in description.operations():
		if method != "GET":
			refuses(description, rest, method, path, operation)
	succeeds(lab, rest, ask)
	for method, path, operation in description.operations():
		if method == "GET" and not any(parameter.get("required") for parameter in operation.get("parameters", [])):
			ask(method, path, 200)
	configurations(node, ask)
	proofs(lab, rest, ask)
	ends(ask)
	missed = [
		f"{method} {path}" for method, path, _ in description.operations()
		if not any(verb == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), place) for verb, place in asked)]
	equal(missed, [], "routes that were not asked with success here")


with network() as the_lab:
	main(the_lab)
