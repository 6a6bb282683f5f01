#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Services, operations and the history of the configuration over REST, of a control plane in its sandbox."""
import pathlib
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from control import Control  # noqa: E402


class Node(Control):
	"""Its configuration ends in a comment, by which one is told from another."""

	def __init__(self, program, folder):
		super().__init__(folder, "node", programs=(program, None), instance="svcrest", test={"key_seed": 7})
		self.plain = self.config_path.read_text()
		self.config_path.write_text(self.text("one"))

	def text(self, comment):
		return f"{self.plain}\n# {comment}\n"

	def ask(self, method, path, body=None, headers=None):
		status, _, answer = self.local.call(method, path, body, headers)
		return status, answer

	def put(self, comment, query=""):
		return self.ask("PUT", f"/v1/config{query}", self.text(comment).encode(), {"If-Match": "*", "Content-Type": "application/yaml"})

	def says(self, comment):
		return self.config_path.read_text() == self.text(comment)


def refused(answer, status, code):
	assert answer[0] == status and answer[1]["code"] == code, answer


def services(node):
	node.wait("all services are healthy", lambda: node.local.get("/v1/services/health")["health"] == "healthy")
	depend = node.local.get("/v1/services/dependencies")
	order = depend["start_order"]
	assert order == [row["name"] for row in node.local.get("/v1/services")["services"]]
	assert order == list(reversed(depend["stop_order"]))
	for row in depend["services"]:
		for other in row["needs"] + row["uses"]:
			assert order.index(other) < order.index(row["name"]), row
	one = node.local.get("/v1/services/cover")
	assert one["restartable"] and one["critical"] and one["history"][0]["healthy"], one
	assert node.ask("POST", "/v1/services/cover/restart", {})[0] == 202

	def again():
		now = node.local.get("/v1/services/cover")
		return now["restarts"] == 1 and now["state"] == "running" and now["health"] == "healthy"
	node.wait("cover is back", again)
	refused(node.ask("POST", "/v1/services/data_plane/restart", {"force": True}), 422, "not_restartable")
	refused(node.ask("POST", "/v1/services/nobody/restart", {}), 404, "no_service")
	refused(node.ask("GET", "/v1/services/nobody"), 404, "no_service")
	had = node.local.get("/v1/services/node_store")["checks"]
	assert node.ask("POST", "/v1/services/check")[0] == 202
	node.wait("a check that was asked for", lambda: node.local.get("/v1/services/node_store")["checks"] > had)


def operations(node):
	assert node.local.get("/v1/operations") == {"operations": [], "next": None}
	assert node.local.get("/v1/operations?state=done&kind=benchmark&limit=3&before=7")["operations"] == []
	refused(node.ask("GET", "/v1/operations/1"), 404, "no_operation")
	refused(node.ask("POST", "/v1/operations/1/cancel"), 404, "no_operation")
	assert node.ask("GET", "/v1/operations?state=over")[0] == 400


def revisions(node):
	return {row["revision"]: row["state"] for row in node.local.get("/v1/config/history")["revisions"]}


def history(node):
	node.wait("the first revision", lambda: revisions(node) == {1: "applied"})
	assert node.local.get("/v1/config/history/1")["text"] == node.text("one")
	status, body = node.put("two", "?confirm_within=&comment=to%20see")
	assert status == 200 and body["pending"]["revision"] == 2 and 50000 < body["pending"]["left_ms"] <= 60000, body
	refused(node.put("three"), 409, "confirm_pending")
	assert node.put("three", "?confirm_within=5")[0] == 400
	refused(node.ask("POST", "/v1/config/confirm", {"revision": 1}), 409, "other_pending")
	assert node.ask("POST", "/v1/config/confirm", {}) == (200, {"revision": 2})
	refused(node.ask("POST", "/v1/config/confirm", {}), 409, "nothing_pending")
	newest = node.local.get("/v1/config/history?limit=1")
	assert newest["next"] == 2 and newest["revisions"][0]["comment"] == "to see", newest
	assert newest["revisions"][0]["in_force"] and newest["revisions"][0]["state"] == "applied", newest
	refused(node.put("three", "?confirm_within=3601"), 422, "bad_confirm")
	diff = node.local.get("/v1/config/diff?from=1&to=2")["diff"]
	assert diff.endswith("-# one\n+# two\n") and diff.count("\n-") == 1, diff
	refused(node.ask("GET", "/v1/config/diff?from=1&to=9"), 404, "no_revision")
	refused(node.ask("GET", "/v1/config/history/9"), 404, "no_revision")


def rollback(node):
	status, body = node.ask(
		"POST", "/v1/config/revert", {"revision": 1, "comment": "back", "confirm_within": 10})
	assert status == 200 and body["pending"]["revision"] == 3 and node.says("one"), (status, body)
	# Its time goes on while nobody is there.
	node.end(signal.SIGKILL)
	node.start()
	node.wait("the change is taken back", lambda: node.says("two"))
	node.wait("the history says so", lambda: revisions(node) == {1: "applied", 2: "applied", 3: "rolled_back"})
	assert node.local.get("/v1/config/history")["pending"] is None
	refused(node.ask("POST", "/v1/config/revert", {"revision": 9}), 404, "no_revision")
	status, body = node.ask("POST", "/v1/config/revert", {"revision": 1})
	assert status == 200 and body["pending"] is None and node.says("one"), (status, body)
	assert node.local.get("/v1/config/history/4")["reverts"] == 1


def main(program):
	with tempfile.TemporaryDirectory() as name:
		with Node(program, pathlib.Path(name)) as node:
			services(node)
			operations(node)
			history(node)
			rollback(node)
		log = node.log_path.read_text()
		assert "the sandbox refuses" not in log and "ERROR" not in log, log


if __name__ == "__main__":
	main(sys.argv[1])
