#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl trace on real traffic: a forwarded packet passes every stage, and what its record says of delay
and lateness is what the worker's statistics say; a replay ends in the stage of that name. Nobody reads:
records are lost and counted, packets are not. And the levels of the log. (Production refuses:
tests/unit/control/test_http.c; a lab without encrypted links can't be in production.)"""
import json
import signal
import subprocess
import threading
import time

from _init import Lab, books, check, equal, wait_for
from peer import DROPPED, FORWARDED, QUICK, Books, counters, played

STAGES = ["parse", "key", "mac", "replay", "open", "delay", "park", "release", "send"]
BESIDES = ("accounting_gap",)


def level(node, which):
	return node.rest.get("/v1/log")[which]


class Trace:
	"""`fogctl trace -j` in the background; records() waits for its end."""

	def __init__(self, node, **options):
		words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
		self.node = node
		self.process = subprocess.Popen(
			[node.lab.bin / "fogctl", "--socket", node.socket_path, "trace", "-j", *words],
			stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
		wait_for("the trace to begin", lambda: node.rest.get("/v1/status")["data_plane"]["tracing"],
			alive=self.alive)

	def alive(self):
		check(self.process.poll() is None, "fogctl trace ended early")

	def records(self, seconds=60):
		out, errors = self.process.communicate(timeout=seconds)
		equal((self.process.returncode, errors), (0, ""), "end of fogctl trace")
		return [json.loads(line) for line in out.splitlines()]


def forwarded_is_whole(record):
	equal(record["outcome"], "sent", f"outcome of {record}")
	equal(list(record["stages_ns"]), STAGES, "stages of a forwarded packet")
	times = list(record["stages_ns"].values())
	equal(times, sorted(times), f"order of the stages {record}")
	check(0 < times[0] and times[-1] <= record["end_ns"], f"begin and end of {record}")
	# Due = arrival + owed, at least a tick; released = due + late. The trace reads the clock after the
	# worker did, so it may say more, never less; a microsecond is for the rounding of both.
	least = record["owed_us"] * 1000 + record["late_ns"]
	check(record["stages_ns"]["release"] >= least - 1000, f"owed {least} ns with its lateness: {record}")
	equal((record["port"], record["queue"], record["drop"]), (0, 0, None), f"where {record} came from")


def only_counts(record):
	"""No address, no tag, no byte of the packet: only these fields, and only numbers and our own words."""
	equal(sorted(record), sorted(["id", "worker", "port", "queue", "arrival_ns", "stages_ns", "outcome", "drop",
		"end_ns", "owed_us", "late_ns"]), "fields of a record")
	for key, value in record.items():
		if key not in ("outcome", "drop", "stages_ns"):
			check(value is None or isinstance(value, int), f"{key} is {value!r}")


def traced(node, peer, sums):
	packets = 20
	made = [peer.make(node) for _ in range(packets)]
	before = counters(node)
	trace = Trace(node, sample=1, count=packets * 2, seconds=60)
	warnings = [entry["code"] for entry in node.rest.get("/v1/status")["warnings"]]
	check("trace_active" in warnings, f"warnings while packets are traced: {warnings}")
	check(b"\nfog_trace_active 1\n" in node.rest.get("/metrics"), "the metric of an active trace")
	for packet, _ in made:
		peer.send(peer.frame(node, packet))
	sums.moves("packets while they are traced", FORWARDED, times=packets)
	for packet, _ in made:
		peer.send(peer.frame(node, packet))
	sums.moves("their copies", DROPPED, "replay", times=packets)
	records = trace.records()
	equal(len(records), packets * 2, "records")
	for record in records:
		only_counts(record)
	sent = [record for record in records if record["outcome"] == "sent"]
	for record in sent:
		forwarded_is_whole(record)
	replays = [record for record in records if record["outcome"] == "dropped"]
	equal((len(sent), len(replays)), (packets, packets), "outcomes")
	for record in replays:
		equal((record["drop"], list(record["stages_ns"])), ("replay", ["parse", "key", "mac"]), "a replay")
		equal((record["owed_us"], record["late_ns"]), (None, None), "what a replay is owed")
	check(len({record["id"] for record in records}) == len(records), "a number twice")
	# The histograms count the same packets.
	then, now = before["workers"][0], counters(node)["workers"][0]
	equal(now["owed_us"]["count"] - then["owed_us"]["count"], packets, "delays owed")
	if then["owed_us"]["count"] == 0:
		check(max(record["owed_us"] for record in sent) == now["owed_us"]["max"], "longest delay owed")
		equal(max(record["late_ns"] for record in sent), now["late_ns"]["max"], "greatest lateness")
	wait_for("the trace to be over", lambda: not node.rest.get("/v1/status")["data_plane"]["tracing"])
	check(b"\nfog_trace_active 0\n" in node.rest.get("/metrics"), "the metric after it")


def shows_a_table(node, peer, sums):
	trace = threading.Thread(target=lambda: shown.append(node.fogctl("trace", "--sample", "2", "--count", "3")))
	shown = []
	trace.start()
	wait_for("the trace to begin", lambda: node.rest.get("/v1/status")["data_plane"]["tracing"])
	equal(node.rest.call("POST", "/v1/trace", {})[0], 409, "a second trace")
	for _ in range(6):
		peer.send(peer.frame(node, peer.make(node)[0]))
	sums.moves("six packets", FORWARDED, times=6)
	trace.join()
	lines = shown[0].splitlines()
	equal(len(lines), 4, f"lines of {shown[0]}")
	check(all(word in lines[0] for word in [*STAGES, "owed us", "late us", "outcome"]), f"head: {lines[0]}")
	check(all(line.endswith("  sent") for line in lines[1:]), f"rows: {lines[1:]}")
	equal(node.rest.get("/v1/trace")["state"], "none", "what stays behind")


def ends_with_its_reader(node, peer, sums):
	"""A terminal that goes away, and a reader that has seen enough: no trace and no record stays behind."""
	trace = Trace(node, sample=1, count=10000, seconds=600)
	trace.process.send_signal(signal.SIGHUP)
	trace.process.communicate(timeout=60)
	equal(node.rest.get("/v1/trace")["state"], "none", "what stays behind after SIGHUP")
	wait_for("the trace to be over", lambda: not node.rest.get("/v1/status")["data_plane"]["tracing"])
	trace = Trace(node, sample=1, count=10000, seconds=600)
	trace.process.stdout.close()
	peer.send(peer.frame(node, peer.make(node)[0]))
	sums.moves("a packet that nobody reads about", FORWARDED)
	trace.process.stdout = None
	trace.process.communicate(timeout=60)
	equal(node.rest.get("/v1/trace")["state"], "none", "what stays behind after its reader")


def refuses(node):
	for body, status in (
		({"sample": 0}, 400), ({"count": 10001}, 400), ({"seconds": 601}, 400), ({"worker": 7}, 422),
		({"samples": 1}, 400), (b"[", 400),
	):
		equal(node.rest.call("POST", "/v1/trace", body)[0], status, f"POST of {body}")
	equal(node.rest.call("DELETE", "/v1/trace")[0], 404, "end of a trace that isn't there")


def nobody_reads(node, peer, sums):
	"""The control plane stands still, so does what it should read."""
	count, packets = 5000, 3000
	node.rest.post("/v1/trace", {"sample": 1, "count": count, "seconds": 600})
	lost = counters(node)["workers"][0]
	node.processes["control"].send_signal(signal.SIGSTOP)
	try:
		packet = peer.make(node)[0]
		for i in range(packets):
			peer.send(peer.frame(node, packet))
			if i % 16 == 15:
				time.sleep(0.01)  # the worker keeps up: what is lost here is records
	finally:
		node.processes["control"].send_signal(signal.SIGCONT)
	sums.moves("a packet and its copies, of which nobody read", DROPPED, "replay", times=packets - 1, **FORWARDED)
	equal(books(node)["accounting_gap"], 0, "books")
	now = counters(node)["workers"][0]
	check(now["trace_lost"] > lost["trace_lost"], "no record was lost, so the ring was never full")
	equal(now["traced"] - lost["traced"] + now["trace_lost"] - lost["trace_lost"], packets, "records made and lost")
	node.rest._wanted("DELETE", "/v1/trace")


def is_guarded(node):
	"""Tracing is audited, and what allows it in production can't be set over REST."""
	config = json.loads(node.config_path.read_text())
	check(node.audited("/v1/trace"), "the trace is not in the audit")
	status, _, answer = node.rest.call("PUT", "/v1/config", {**config, "trace": {"allow": True}}, {"If-Match": "*"})
	equal((status, answer["code"]), (403, "not_over_rest"), "trace.allow over REST")


def levels(node):
	equal((level(node, "control_plane"), level(node, "data_plane")), ("info", "info"), "levels at first")
	check("controlplane debug" in node.fogctl("log", "level", "debug"), "fogctl log level debug")
	equal((level(node, "control_plane"), level(node, "data_plane")), ("debug", "debug"), "both")
	node.fogctl("log", "level", "dataplane", "error")
	equal((level(node, "control_plane"), level(node, "data_plane")), ("debug", "error"), "the data plane's")
	node.fogctl("log", "level", "controlplane", "info")
	equal((level(node, "control_plane"), level(node, "data_plane")), ("info", "error"), "the control plane's")
	equal(node.rest.call("PUT", "/v1/log", {"data_plane": "loud"})[0], 400, "no level")
	node.fogctl("log", "level", "info")
	# The configured level, once it is another.
	config = json.loads(node.config_path.read_text())
	for wanted in ("debug", "info"):
		node.config_path.write_text(json.dumps({**config, "log": {"level": wanted}}))
		node.processes["control"].send_signal(signal.SIGHUP)
		wait_for(f"level {wanted}", lambda wanted=wanted:
			(level(node, "control_plane"), level(node, "data_plane")) == (wanted, wanted))
	node.config_path.write_text(json.dumps(config))


with Lab(network=QUICK) as lab:
	node, peer = played(lab)
	with peer:
		sums = Books(node, BESIDES)
		traced(node, peer, sums)
		shows_a_table(node, peer, sums)
		ends_with_its_reader(node, peer, sums)
		refuses(node)
		nobody_reads(node, peer, sums)
		is_guarded(node)
		levels(node)
		sums.close()
