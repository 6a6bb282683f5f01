#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Services, operations and the history of the configuration over REST, of a control plane in its sandbox."""
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60


class Unix(http.client.HTTPConnection):
	def __init__(self, path):
		super().__init__("localhost")
		self.path = str(path)

	def connect(self):
		self.sock = socket.socket(socket.AF_UNIX)
		self.sock.connect(self.path)


class Node:
	def __init__(self, program, folder):
		self.program, self.folder = program, folder
		self.config, self.log = folder / "node.yaml", folder / "log"
		(folder / "state").mkdir(mode=0o711)
		self.config.write_text(self.text("one"))
		self.process = None

	def text(self, comment):
		return f"""instance: svcrest
user: ""
dataplane_user: ""
workers: {{cpus: [0]}}
ports:
  - {{name: p0, driver: loop, device: a, addresses: [192.0.2.1]}}
run_dir: {self.folder}
state_dir: {self.folder}/state
topology: {self.folder}/none.yaml
test: {{key_seed: 7}}
limits: {{read: 1000000, write: 1000000}}
# {comment}
"""

	def start(self):
		with self.log.open("a") as log:
			self.process = subprocess.Popen([self.program, "--config", self.config], stderr=log)
		until(lambda: self.ask("GET", "/healthz")[0] == 200, "it serves")

	def stop(self):
		self.process.terminate()
		assert self.process.wait() == 0, self.log.read_text()

	def ask(self, method, path, body=None, content="application/json", headers=None):
		connection = Unix(self.folder / "rest.sock")
		headers = {**(headers or {}), **({"Content-Type": content} if body is not None else {})}
		try:
			connection.request(method, path, body, headers)
			answer = connection.getresponse()
			text = answer.read()
		except OSError:
			return 0, None
		finally:
			connection.close()
		return answer.status, json.loads(text)

	def get(self, path):
		status, body = self.ask("GET", path)
		assert status == 200, (path, status, body)
		return body

	def put(self, comment, query=""):
		return self.ask("PUT", f"/v1/config{query}", self.text(comment), "application/yaml", {"If-Match": "*"})

	def says(self, comment):
		return self.config.read_text() == self.text(comment)


def until(condition, what):
	end = time.monotonic() + PATIENCE_S
	while not condition():
		assert time.monotonic() < end, f"not within {PATIENCE_S} s: {what}"
		time.sleep(0.05)


def refused(answer, status, code):
	assert answer[0] == status and answer[1]["code"] == code, answer


def services(node):
	until(lambda: node.get("/v1/services/health")["health"] == "healthy", "all services are healthy")
	depend = node.get("/v1/services/dependencies")
	order = depend["start_order"]
	assert order == [row["name"] for row in node.get("/v1/services")["services"]]
	assert order == list(reversed(depend["stop_order"]))
	for row in depend["services"]:
		for other in row["needs"] + row["uses"]:
			assert order.index(other) < order.index(row["name"]), row
	one = node.get("/v1/services/cover")
	assert one["restartable"] and one["critical"] and one["history"][0]["healthy"], one
	assert node.ask("POST", "/v1/services/cover/restart", "{}")[0] == 202

	def again():
		now = node.get("/v1/services/cover")
		return now["restarts"] == 1 and now["state"] == "running" and now["health"] == "healthy"
	until(again, "cover is back")
	refused(node.ask("POST", "/v1/services/data_plane/restart", '{"force": true}'), 422, "not_restartable")
	refused(node.ask("POST", "/v1/services/nobody/restart", "{}"), 404, "no_service")
	refused(node.ask("GET", "/v1/services/nobody"), 404, "no_service")
	had = node.get("/v1/services/node_store")["checks"]
	assert node.ask("POST", "/v1/services/check")[0] == 202
	until(lambda: node.get("/v1/services/node_store")["checks"] > had, "a check that was asked for")


def operations(node):
	assert node.get("/v1/operations") == {"operations": [], "next": None}
	assert node.get("/v1/operations?state=done&kind=benchmark&limit=3&before=7")["operations"] == []
	refused(node.ask("GET", "/v1/operations/1"), 404, "no_operation")
	refused(node.ask("POST", "/v1/operations/1/cancel"), 404, "no_operation")
	assert node.ask("GET", "/v1/operations?state=over")[0] == 400


def revisions(node):
	return {row["revision"]: row["state"] for row in node.get("/v1/config/history")["revisions"]}


def history(node):
	until(lambda: revisions(node) == {1: "applied"}, "the first revision")
	assert node.get("/v1/config/history/1")["text"] == node.text("one")
	status, body = node.put("two", "?confirm_within=&comment=to%20see")
	assert status == 200 and body["pending"]["revision"] == 2 and 50000 < body["pending"]["left_ms"] <= 60000, body
	refused(node.put("three"), 409, "confirm_pending")
	assert node.put("three", "?confirm_within=5")[0] == 400
	refused(node.ask("POST", "/v1/config/confirm", '{"revision": 1}'), 409, "other_pending")
	assert node.ask("POST", "/v1/config/confirm", "{}") == (200, {"revision": 2})
	refused(node.ask("POST", "/v1/config/confirm", "{}"), 409, "nothing_pending")
	newest = node.get("/v1/config/history?limit=1")
	assert newest["next"] == 2 and newest["revisions"][0]["comment"] == "to see", newest
	assert newest["revisions"][0]["in_force"] and newest["revisions"][0]["state"] == "applied", newest
	refused(node.put("three", "?confirm_within=3601"), 422, "bad_confirm")
	diff = node.get("/v1/config/diff?from=1&to=2")["diff"]
	assert diff.endswith("-# one\n+# two\n") and diff.count("\n-") == 1, diff
	refused(node.ask("GET", "/v1/config/diff?from=1&to=9"), 404, "no_revision")
	refused(node.ask("GET", "/v1/config/history/9"), 404, "no_revision")


def rollback(node):
	status, body = node.ask(
		"POST", "/v1/config/revert", json.dumps({"revision": 1, "comment": "back", "confirm_within": 10}))
	assert status == 200 and body["pending"]["revision"] == 3 and node.says("one"), (status, body)
	# Its time goes on while nobody is there.
	node.process.kill()
	node.process.wait()
	node.start()
	until(lambda: node.says("two"), "the change is taken back")
	until(lambda: revisions(node) == {1: "applied", 2: "applied", 3: "rolled_back"}, "the history says so")
	assert node.get("/v1/config/history")["pending"] is None
	refused(node.ask("POST", "/v1/config/revert", '{"revision": 9}'), 404, "no_revision")
	status, body = node.ask("POST", "/v1/config/revert", '{"revision": 1}')
	assert status == 200 and body["pending"] is None and node.says("one"), (status, body)
	assert node.get("/v1/config/history/4")["reverts"] == 1


def main(program):
	with tempfile.TemporaryDirectory() as name:
		node = Node(program, pathlib.Path(name))
		node.start()
		try:
			services(node)
			operations(node)
			history(node)
			rollback(node)
			node.stop()
			log = node.log.read_text()
			assert "the sandbox refuses" not in log and "ERROR" not in log, log
		finally:
			if node.process.poll() is None:
				node.process.kill()
				node.process.wait()


if __name__ == "__main__":
	main(sys.argv[1])
