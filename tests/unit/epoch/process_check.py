#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A whole fog-controlplane in a network with epochs of 10 s, without a data plane: what it announces is
signed and stays over kill -9 and over the end of an epoch, steps of the clock are refused and told, and no
proof is published while no data plane has confirmed the end of its key."""
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from keyring import forget_keys  # noqa: E402

CONTROLPLANE, FOGCTL, DESCRIPTOR_CHECK = sys.argv[1:4]
PATIENCE_S = 60
INSTANCE = f"epochtest{os.getpid()}"


def check(condition, what):
	if not condition:
		raise SystemExit(f"failed: {what}")


def until(what, ask):
	end = time.monotonic() + PATIENCE_S
	while time.monotonic() < end:
		got = ask()
		if got:
			return got
		time.sleep(0.1)
	raise SystemExit(f"failed: waited {PATIENCE_S} s for: {what}")


class Node:
	def __init__(self, folder):
		self.folder = folder
		self.process = None
		self.socket = folder / "run/rest.sock"
		self.set_clock("0ms")

	def set_clock(self, ahead):
		(self.folder / "node.yaml").write_text(
			f"instance: {INSTANCE}\nuser: \"\"\ndataplane_user: \"\"\nrun_dir: {self.folder}/run\n"
			f"state_dir: {self.folder}/node\ntopology: {self.folder}/topology.yaml\nworkers: {{cpus: [0]}}\n"
			f"ports:\n  - {{name: p0, driver: loop, device: a, addresses: [192.0.2.1]}}\n"
			f"test: {{clock_ahead: {ahead}}}\n")
		if self.process:
			self.process.send_signal(signal.SIGHUP)

	def start(self):
		self.process = subprocess.Popen([CONTROLPLANE, "--config", self.folder / "node.yaml"],
		                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		until("an answer", lambda: self.process.poll() is not None or self.get("/healthz"))
		check(self.process.poll() is None, "the control plane runs")

	def end(self, number):
		if self.process:
			self.process.send_signal(number)
			self.process.wait(PATIENCE_S)
			self.process = None

	def get(self, path):
		"""Status and body, or None while nobody answers."""
		link = http.client.HTTPConnection("node")
		link.sock = socket.socket(socket.AF_UNIX)
		try:
			link.sock.connect(str(self.socket))
			link.request("GET", path)
			answer = link.getresponse()
			return answer.status, json.loads(answer.read())
		except OSError:
			return None
		finally:
			link.close()

	def epochs(self):
		return until("/v1/epochs", lambda: self.get("/v1/epochs"))[1]

	def keys(self):
		return {key["epoch"]: key["public_key"] for key in self.epochs()["keys"]}

	def warned(self, code):
		return code in [w["code"] for w in self.get("/v1/status")[1]["warnings"]]


def topology(folder):
	entry = subprocess.run([FOGCTL, "identity", "show", folder / "node"], capture_output=True, text=True, check=True)
	own = entry.stdout.replace("address: # IP address of its mix port", "address: 192.0.2.1")
	own = own.replace("role: # gateway, mix (with its layer: N) or service", "role: gateway")
	other = bytes([7] * 32)
	(folder / "topology.yaml").write_text(
		"network: {name: t, links: noise, delay: {mean: 1ms, max: 10ms},\n"
		"  mix_key: {epoch: 10s, overlap: 2s, tolerance: 100ms}}\n"
		f"nodes:\n{own}"
		f"  - {{name: mix, id: {hashlib.blake2b(other, digest_size=32).hexdigest()}, identity: {other.hex()}, "
		f"link_key: {'08' * 32}, vrf_key: {'09' * 32}, address: 192.0.2.2, role: mix, layer: 1}}\n")


def check_descriptor(node):
	text = json.dumps(node.get("/v1/descriptor")[1])
	told = subprocess.run([sys.executable, DESCRIPTOR_CHECK, "-"], input=text, capture_output=True, text=True)
	check(told.returncode == 0, f"the descriptor verifies: {told.stderr}")
	line = next(line for line in told.stdout.splitlines() if line.startswith("mix "))
	return {int(epoch): key for epoch, key in (part.split(":") for part in line.split()[1:])}


def check_rekey(node):
	done = subprocess.run(
		[FOGCTL, "--socket", node.socket, "links", "rekey"], capture_output=True, text=True, check=True)
	check(done.stdout.startswith("sessions with 0 of 1 nodes are") and "'fogctl links'" in done.stdout,
	      f"no session is replaced where no link is up: {done.stdout}")


def check_clock(node):
	before = node.epochs()
	node.set_clock("100s")
	until("the warning", lambda: node.warned("clock_step"))
	after = node.epochs()
	check(after["clock"]["stepped"] and 99 < after["clock"]["host_ahead_s"] < 101, "the step is told")
	check(after["epoch"] < before["epoch"] + 9, "and not followed")
	node.set_clock("0ms")
	until("the warning's end", lambda: not node.warned("clock_step"))


def check_restarts(node):
	seen = {}
	first = node.epochs()["epoch"]
	while node.epochs()["epoch"] < first + 2:
		node.end(signal.SIGKILL)
		node.start()
		for source in (node.keys(), check_descriptor(node)):
			for epoch, key in source.items():
				check(seen.setdefault(epoch, key) == key, f"epoch {epoch} has one key")
		time.sleep(0.7)
	check(len(seen) >= 3, "keys of several epochs were seen")
	return first


def check_proof(node, first):
	code = lambda epoch: until("an answer", lambda: node.get(f"/v1/epochs/{epoch}/vrf"))
	status, answer = code(first)
	check(status == 404 and answer["code"] == "not_published" and "confirmed" in answer["detail"],
	      f"no proof without the data plane's word: {answer}")
	status, answer = code(node.epochs()["epoch"])
	check(status == 404 and answer["code"] == "not_published", "no proof before the end")


def main():
	with tempfile.TemporaryDirectory() as name:
		node = Node(pathlib.Path(name))
		try:
			node.start()
			refused = subprocess.run([FOGCTL, "identity", "show", node.folder / "node"], capture_output=True, text=True)
			check(refused.returncode == 1 and "another control plane" in refused.stderr, "the lock is held")
			node.end(signal.SIGTERM)
			topology(node.folder)
			node.start()
			until("keys", lambda: len(node.keys()) >= 2)
			check(check_descriptor(node).items() <= node.keys().items(), "it announces what it has")
			check_rekey(node)
			check_clock(node)
			check_proof(node, check_restarts(node))
		finally:
			node.end(signal.SIGKILL)
			forget_keys(INSTANCE)


main()
print("ok")
