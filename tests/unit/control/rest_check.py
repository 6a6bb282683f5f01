#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fog-controlplane and fogctl as processes, without a data plane: privileges, sockets, token, signals,
limits, metrics, exit codes. Usage: rest_check.py FOG_CONTROLPLANE FOGCTL"""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from control import Control  # noqa: E402

CONTROLPLANE, FOGCTL = sys.argv[1:3]
USER = 61236 if os.geteuid() == 0 else os.geteuid()
PATIENCE_S = 30

results = {"passed": 0, "failed": 0}


def check(what, condition):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", flush=True)


class Plane(Control):
	"""Its folders are those of the options, not those of the file."""

	def __init__(self, folder):
		run_dir, state_dir = folder / "plane" / "run", folder / "plane" / "state"
		super().__init__(
			folder, "plane", programs=(CONTROLPLANE, FOGCTL), options=["--run-dir", run_dir, "--state-dir", state_dir])

	def configure(self, **more):
		super().configure(
			instance="restcheck", user=str(USER) if os.geteuid() == 0 else "", run_dir="/nowhere/run", state_dir="/nowhere/state",
			**more)

def privileges(plane):
	status = pathlib.Path(f"/proc/{plane.process.pid}/status").read_text()
	kinds = ["CapInh", "CapPrm", "CapEff", "CapAmb"] + (["CapBnd"] if os.geteuid() == 0 else [])
	for kind in kinds:
		check(kind, re.search(rf"^{kind}:\s+0+$", status, re.MULTILINE))
	check("no_new_privs", re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE))
	check("user", re.search(rf"^Uid:\s+{USER}\s+{USER}\s+{USER}\s+{USER}$", status, re.MULTILINE))
	# The kernel gives the files of an undumpable process to root.
	check("not dumpable", os.stat(f"/proc/{plane.process.pid}/environ").st_uid == 0)
	check("state folder is closed", (plane.state_dir / "control").stat().st_mode & 0o077 == 0)
	check("socket", plane.socket_path.stat().st_mode & 0o777 == 0o660)


STRANGER = """
import http.client, socket, sys
c = http.client.HTTPConnection("x")
c.sock = socket.socket(socket.AF_UNIX)
c.sock.connect(sys.argv[1])
c.request("GET", "/v1/status")
print(c.getresponse().status)
"""


def strangers(plane):
	"""Other users, on a socket that lets them connect: only members of our group get an answer."""
	if os.geteuid() != 0:
		return
	plane.socket_path.chmod(0o666)
	for group, extra, status in ((61299, [], "403"), (USER, [], "200"), (61299, [USER], "200")):
		done = subprocess.run([sys.executable, "-c", STRANGER, plane.socket_path], capture_output=True,
			text=True, user=61299, group=group, extra_groups=extra)
		check(f"user of group {group}, {extra}: {done.stdout}{done.stderr}", done.stdout.strip() == status)
	plane.socket_path.chmod(0o660)


def tokens(plane):
	for token, status in ((None, 401), ("x", 401), (plane.token, 200)):
		check(f"token {token}", plane.call("GET", "/v1/status", token).status == status)
	url = f"http://127.0.0.1:{plane.port}"
	with_token = subprocess.run([FOGCTL, "status", "--url", url, "--token-file", plane.token_path],
		capture_output=True, check=False)
	without = subprocess.run([FOGCTL, "status", "--url", url], capture_output=True, check=False)
	check("fogctl with a token", with_token.returncode == 0)
	check("fogctl without", without.returncode == 1 and b"bearer token" in without.stderr)


def limits(plane):
	status = plane.local.call("GET", "/healthz", headers={"X-Long": "x" * 20000})[0]
	check(f"a head of 20,000 bytes: {status}", status == 431)
	connections = []
	for _ in range(24):
		connection = socket.create_connection(("127.0.0.1", plane.port), PATIENCE_S)
		connections.append(connection)
	answered = 0
	for connection in connections:
		try:
			connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			answered += connection.recv(12) == b"HTTP/1.1 200"
		except OSError:
			pass
	for connection in connections:
		connection.close()
	check(f"connections of one address: {answered}", answered == 16)


SAMPLE = re.compile(r'^([a-z_:]+)(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (-?[0-9.e+-]+)$')


def metrics(plane):
	"""Grammar of OpenMetrics 1.0, as far as it is used."""
	status, headers, text = plane.local.call("GET", "/metrics")
	lines = text.decode().split("\n")
	check("metrics", status == 200 and headers["Content-Type"].startswith("application/openmetrics-text"))
	check("end of metrics", lines[-2:] == ["# EOF", ""])
	kinds, seen, bad = {}, set(), []
	for line in lines[:-2]:
		if line.startswith("# TYPE "):
			_, _, name, kind = line.split(" ")
			if name in kinds:
				bad.append(line)
			kinds[name], family = kind, name
			continue
		if line.startswith(("# HELP ", "# UNIT ")):
			if line.split(" ")[2] != family:
				bad.append(line)
			continue
		sample = SAMPLE.match(line)
		suffix = {"counter": "_total", "info": "_info"}.get(kinds[family], "")
		if not sample or sample[1] != family + suffix or line.rpartition(" ")[0] in seen:
			bad.append(line)
		seen.add(line.rpartition(" ")[0])
	check(f"lines of metrics {bad[:3]}", not bad and len(seen) > 10)
	check("no counters without a data plane", not any(name.startswith("fog_worker") for name in kinds))


def commands(plane):
	code, out, _ = plane.fogctl("status", "-j")
	check("status -j", code == 0 and json.loads(out)["instance"] == "restcheck")
	code, out, _ = plane.fogctl("ready")
	check("ready", code == 1 and "no_data_plane" in out)
	for words in (["workers"], ["ports"], ["drops"], ["nodes"], ["top", "-n", "1"]):
		code, out, _ = plane.fogctl(*words)
		check(f"{words[0]} without data", code == 0 and "no data" in out)
	code, out, _ = plane.fogctl("links")
	check("links without a topology", code == 0 and "no topology" in out and "fogctl ready" in out)
	code, _, err = plane.fogctl("links", "rekey")
	check("links rekey without a topology", code == 1 and "no topology" in err and "readyz" in err)
	code, _, err = plane.fogctl("send", "--to", "nobody", "hello")
	check("send without a topology", code == 1 and "topology" in err and "readyz" in err)
	check("send without a receiver", plane.fogctl("send", "hello")[0] == 2)
	check("unknown option", plane.fogctl("status", "--nonsense")[0] == 2)
	check("receive", plane.fogctl("receive")[:2] == (0, "no messages\n"))
	code, out, _ = plane.fogctl("config", "show", "-j")
	check("config show", code == 0 and json.loads(out)["ports"][0]["name"] == "p0")
	nobody = subprocess.run([FOGCTL, "--socket", "/nowhere", "status"], capture_output=True, check=False)
	check("nobody there", nobody.returncode == 3)


def signals(plane):
	etag = plane.local.call("GET", "/v1/config")[1]["ETag"]
	plane.configure(production=False)
	plane.process.send_signal(signal.SIGHUP)
	plane.wait("reload", lambda: plane.local.call("GET", "/v1/config")[1]["ETag"] != etag)
	etag = plane.local.call("GET", "/v1/config")[1]["ETag"]
	plane.config_path.write_text("nonsense")
	plane.process.send_signal(signal.SIGHUP)
	plane.wait("refusal", lambda: "stays in force" in plane.log_path.read_text())
	check("a bad file changes nothing", plane.local.call("GET", "/v1/config")[1]["ETag"] == etag)
	plane.configure()


def restarts(plane):
	before = plane.local.get("/v1/status")
	check("there is a mix key", before["mix_public_key"])
	second = plane.spawn()
	check("a second one is refused", second.wait(PATIENCE_S) == 1)
	check("and the first one goes on", plane.local.call("GET", "/healthz")[0] == 200)
	plane.end(signal.SIGKILL)
	plane.start()
	after = plane.local.get("/v1/status")
	for key in ("node_id", "mix_public_key"):
		check(f"{key} after SIGKILL", before[key] == after[key])
	check("SIGTERM", plane.end() == 0)
	check("socket is gone", not plane.socket_path.exists())


def nobody(plane):
	"""A user that the host doesn't know must not end in a control plane that stays root."""
	before = plane.config_path.read_text()
	bad = json.loads(before) | {"user": "fog-nobody-here"}
	status, _, body = plane.local.call("PUT", "/v1/config", bad, {"If-Match": "*"})
	check("PUT of an unknown user", status == 422 and "fog-nobody-here" in json.dumps(body))
	check("and the file is as it was", plane.config_path.read_text() == before)
	plane.end()
	plane.config_path.write_text(json.dumps(bad))
	try:
		check("start as an unknown user", plane.spawn().wait(PATIENCE_S) == 1)
	except subprocess.TimeoutExpired:
		check("start as an unknown user ends", False)
	check("says the mend", "useradd" in plane.log_path.read_text())
	plane.config_path.write_text(before)
	plane.start()


def main():
	with tempfile.TemporaryDirectory(prefix="fog-rest-") as name:
		os.chmod(name, 0o755)
		with Plane(pathlib.Path(name)) as plane:
			for part in (privileges, strangers, tokens, limits, metrics, commands, signals, nobody, restarts):
				part(plane)
	print(f"{results['passed']} passed, {results['failed']} failed")
	return results["failed"] != 0


sys.exit(main())
