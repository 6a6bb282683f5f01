#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Who may speak: another user neither on dp.sock nor on the REST socket, whatever the files' modes
say, and over TCP nobody without the token."""
import http.client
import secrets
import subprocess
import sys

from _init import Lab, check, equal, netns, wait_for

TCP = "127.0.0.1:8000"
TOKEN = secrets.token_hex(32)
# The user changes after the imports: a stranger needn't be able to read this checkout.
PREFACE = f"import os, sys; sys.path[:0] = {sys.path!r}\n"
BECOME = """
uid, gid = map(int, sys.argv[1:3])
os.setgroups([])
os.setresgid(gid, gid, gid)
os.setresuid(uid, uid, uid)
del sys.argv[1:3]
"""
SAY_HELLO = PREFACE + "import hostile" + BECOME + """
try:
	with hostile.Peer(sys.argv[1]) as peer:
		peer.hello()
		print("welcome")
except PermissionError:
	print("no permission")
except hostile.Gone:
	print("hung up")
"""
ASK_REST = PREFACE + "from rest import Rest" + BECOME + """
try:
	print(Rest(sys.argv[1]).call("GET", sys.argv[2])[0])
except OSError as error:
	print(error.__cause__.strerror)
"""


def as_user(uid, gid, script, *words):
	"""What a script prints that another user runs."""
	done = subprocess.run(
		[sys.executable, "-B", "-c", script, *map(str, (uid, gid, *words))], capture_output=True, text=True)
	check(not done.returncode, done.stderr)
	return done.stdout.strip()


def on_dp_sock(node, stranger):
	path = node.run_dir / "dp.sock"

	def faults():
		return node.rest.get("/v1/status")["data_plane"]["control_faults"]

	equal(as_user(stranger, stranger, SAY_HELLO, path), "no permission", "a stranger on dp.sock")
	before = faults()
	equal(as_user(stranger, node.uid, SAY_HELLO, path), "hung up", "one of the socket's group")
	path.chmod(0o666)
	equal(as_user(stranger, stranger, SAY_HELLO, path), "hung up", "a stranger on an open dp.sock")
	wait_for("both being counted", lambda: faults() == before + 2)
	check(node.ready(), "the control plane has lost its data plane to a stranger")
	equal(as_user(node.uid, node.uid, SAY_HELLO, path), "welcome", "the control plane's own user")
	path.chmod(0o660)
	wait_for("the control plane to be back", node.ready)


def on_rest_socket(node, stranger):
	path = node.socket_path
	equal(as_user(stranger, stranger, ASK_REST, path, "/v1/status"), "Permission denied", "a stranger on REST")
	equal(as_user(stranger, node.uid, ASK_REST, path, "/v1/status"), "200", "one of the operators' group")
	path.chmod(0o666)
	for place in ("/v1/status", "/v1/messages", "/v1/config", "/metrics", "/readyz"):
		equal(as_user(stranger, stranger, ASK_REST, path, place), "403", f"a stranger at {place}")
	equal(as_user(stranger, stranger, ASK_REST, path, "/healthz"), "200", "a stranger at /healthz")
	path.chmod(0o660)


def over_tcp(node):
	def ask(method, place, token=None, scheme="Bearer"):
		connection = http.client.HTTPConnection(TCP, timeout=60)
		try:
			connection.request(method, place, headers={"Authorization": f"{scheme} {token}"} if token else {})
			return connection.getresponse().status
		finally:
			connection.close()

	def table():
		other = TOKEN[:-1] + ("0" if TOKEN[-1] != "0" else "1")
		for what, status in (
			(("GET", "/healthz"), 200), (("GET", "/v1/status"), 401), (("GET", "/v1/status", other), 401),
			(("GET", "/v1/status", TOKEN[:-1]), 401), (("GET", "/v1/status", TOKEN + "0"), 401),
			(("GET", "/v1/status", TOKEN, "Basic"), 401), (("POST", "/v1/messages"), 401),
			(("PUT", "/v1/config"), 401), (("GET", "/metrics"), 401), (("GET", "/v1/status", TOKEN), 200),
		):
			equal(ask(*what), status, f"{what} over TCP")
	netns.inside(node.netns, table)


with Lab() as lab:
	token_file = lab.run.folder / "token"
	token_file.touch(mode=0o600)
	token_file.write_text(TOKEN + "\n")
	node = lab.add("mix1", "mix", 1, config={"rest": {"tcp": TCP, "token_file": str(token_file)}})
	stranger = lab.run.uids[-1]  # no node is the tenth
	lab.start()
	on_dp_sock(node, stranger)
	on_rest_socket(node, stranger)
	over_tcp(node)
