#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The ports' filter at run time: what it drops, what it lets through, and that operators' limits and
prefixes come at once, under traffic, outlive restarts of both processes, and go again."""
import json
import os
import subprocess
import threading
import time

from _init import LabError, Lab, check, equal, moved, netns, wait_for
from peer import FORWARDED, GEO, QUICK, Books, ethernet, ip, mac_of, played, udp

BURST = 20
RATE = 2
STRANGERS = ("10.91.7.1", "10.91.7.2", "10.91.8.1")


def verdicts(node):
	port = wait_for("the port's counters", lambda: node.rest.get("/v1/ports")["ports"])[0]
	return port["steer"]


class Verdicts:
	"""Holds the XDP program to its counters, as Books does the workers. The kernel's own frames (ARP,
	neighbour discovery) may come at any time."""

	KERNEL = {"pass_ethertype", "pass_address", "pass_transport", "pass_port"}

	def __init__(self, node):
		self.node, self.before = node, verdicts(node)

	def moves(self, what, **wanted):
		def right():
			self.change = {key: n for key, n in moved(self.before, verdicts(self.node)).items() if key not in self.KERNEL}
			return self.change == wanted
		try:
			wait_for(what, right, seconds=10, alive=self.node.check_alive)
		except LabError:
			raise AssertionError(f"{what}: verdicts moved by {self.change}, should be {wanted}") from None
		self.before = verdicts(self.node)


def set_filter(node, method, path, body=None, wanted=200):
	status, _, answer = node.rest.call(method, path, body)
	equal(status, wanted, f"{method} {path} {body}: {answer}")
	if status == 200:
		equal(answer["state"], "in_force", f"state after {method} {path}")
	return answer


def frames(mix, peer, source, payload, count):
	"""Frames of 'source' with another payload each."""
	for number in range(count):
		packet = ip(source, mix.ip4, udp(source, mix.ip4, number.to_bytes(4, "big") + bytes(payload - 4)))
		peer.send(ethernet(mac_of(mix.netns, "eth0"), peer.mac, packet))


def early_drop(mix, peer, seen):
	frames(mix, peer, peer.ip4, GEO.packet - 1, 3)
	seen.moves("early drop of a wrong length", drop_length=3)
	books = Books(mix)
	mix.fogctl("filter", "set", "early_drop", "false")
	frames(mix, peer, peer.ip4, GEO.packet - 1, 3)
	seen.moves("a wrong length without early drop", redirected=3)
	books.moves("workers drop it", {"rx": 1, "drops": 1, "from peer4": 1}, "undersize", times=3)
	books.close()
	text = mix.fogctl("filter", "show")
	check("early_drop" in text and "operator" in text and "in_force" in text, f"fogctl filter show: {text}")
	mix.fogctl("filter", "reset", "early_drop")
	frames(mix, peer, peer.ip4, 100, 2)
	seen.moves("early drop again", drop_length=2)


def limited(mix, peer, seen):
	"""Each source has its bucket: BURST at once, then RATE a second. Nodes of the network have none."""
	mix.fogctl("filter", "set", "source_burst", str(BURST))
	mix.fogctl("filter", "set", "source_rate", str(RATE))
	for source in STRANGERS:
		start, before = time.monotonic(), verdicts(mix)
		frames(mix, peer, source, GEO.packet, 5 * BURST)

		def all_judged(before=before):
			change = moved(before, verdicts(mix))
			return change.get("redirected", 0) + change.get("drop_rate", 0) == 5 * BURST and change
		passed = wait_for(f"frames of {source}", all_judged)["redirected"]
		most = BURST + RATE * (time.monotonic() - start) + 1
		check(BURST <= passed <= most, f"{passed} frames of {source} passed, {BURST} to {most:.1f} may")
	seen.before = verdicts(mix)
	frames(mix, peer, peer.ip4, GEO.packet, 5 * BURST)
	seen.moves("a node of the network has no limit", redirected=5 * BURST)
	text = mix.rest.get("/metrics").decode()
	check(f"\nfog_filter_source_rate {RATE}\n" in text, "the limit in the metrics")
	check('fog_port_steer_packets_total{port="eth0",verdict="drop_rate"}' in text, "drop_rate in the metrics")
	check('fog_port_mode_info{port="eth0",mode="' in text, "the port's mode in the metrics")
	check("drop_rate" in mix.fogctl("ports"), "fogctl ports")
	mix.fogctl("filter", "reset")
	frames(mix, peer, STRANGERS[0], GEO.packet, 2 * BURST)
	seen.moves("no limit any more", redirected=2 * BURST)


class Traffic:
	"""Valid packets of the peer, one after the other, until the end."""

	def __init__(self, mix, peer):
		self.mix, self.peer, self.sent, self.end = mix, peer, 0, False
		self.thread = threading.Thread(target=self.work)
		self.thread.start()

	def work(self):
		while not self.end:
			packet, _ = self.peer.make(self.mix)
			self.peer.send(self.peer.frame(self.mix, packet))
			self.sent += 1
			time.sleep(0.01)

	def flows(self, what):
		was = len(self.peer.packets())
		wait_for(what, lambda: len(self.peer.packets()) >= was + 20)

	def stands(self, what):
		was = verdicts(self.mix)["drop_denied"]
		wait_for(what, lambda: verdicts(self.mix)["drop_denied"] >= was + 20)
		now = verdicts(self.mix)["redirected"]
		wait_for(what, lambda: verdicts(self.mix)["drop_denied"] >= was + 40)
		equal(verdicts(self.mix)["redirected"], now, f"{what}: frames that got through")


def denied(mix, peer):
	"""Under traffic: a node that is denied is gone at once, and back when the denial goes."""
	net = peer.ip4.rsplit(".", 1)[0] + ".96/29"
	traffic = Traffic(mix, peer)
	try:
		traffic.flows("traffic")
		answer = set_filter(mix, "POST", "/v1/filter/deny", {"prefix": net}, 422)
		check("peer4" in answer["detail"] and peer.ip4 in answer["detail"], f"refusal: {answer}")
		done = subprocess.run([mix.lab.bin / "fogctl", "--socket", mix.socket_path, "deny", "add", net],
			capture_output=True, text=True)
		check(done.returncode == 1 and "peer4" in done.stderr and "force" in done.stderr, f"fogctl deny add: {done}")
		traffic.flows("traffic after a refusal")
		mix.fogctl("deny", "add", "--force", net)
		traffic.stands("a denied peer")
		check("node_denied" in {one["code"] for one in mix.rest.get("/v1/status")["warnings"]}, "warning")
		check(net in mix.fogctl("deny", "list"), "fogctl deny list")
		# It holds over the control plane's life, and over that of the data plane.
		mix.kill("control")
		mix.start("control")
		mix.wait_ready()
		traffic.stands("a denied peer after a restart of the control plane")
		equal(mix.end("data"), 0, "end of the data plane")
		mix.start("data")
		mix.wait_ready()
		wait_for("the filter", lambda: mix.rest.get("/v1/filter")["state"] == "in_force")
		traffic.stands("a denied peer after a restart of the data plane")
		mix.fogctl("deny", "remove", net)
		traffic.flows("traffic after the denial")
	finally:
		traffic.end = True
		traffic.thread.join()
	equal(mix.rest.get("/v1/filter")["deny"], [], "deny list at the end")


def by_file(mix, peer, seen):
	"""The file's prefixes are no operator's to remove, and come and go with it."""
	os.chown(mix.folder, mix.uid, mix.uid)  # where its configuration is replaced
	_, headers, config = mix.rest.call("GET", "/v1/config")
	listed = {**config, "filter": {**config["filter"], "deny": ["10.91.7.0/24"], "source_rate": 0}}
	set_filter_file(mix, listed, headers["ETag"])
	frames(mix, peer, STRANGERS[0], GEO.packet, 3)
	seen.moves("a source that the file denies", drop_denied=3)
	frames(mix, peer, STRANGERS[2], GEO.packet, 3)
	seen.moves("another source", redirected=3)
	answer = set_filter(mix, "DELETE", "/v1/filter/deny?prefix=10.91.7.0/24", wanted=404)
	check("configuration file" in answer["detail"], f"refusal: {answer}")
	set_filter_file(mix, config, mix.rest.call("GET", "/v1/config")[1]["ETag"])
	frames(mix, peer, STRANGERS[0], GEO.packet, 3)
	seen.moves("a source that the file denies no more", redirected=3)


def set_filter_file(mix, config, etag):
	status, _, body = mix.rest.call("PUT", "/v1/config", config, {"If-Match": etag})
	equal((status, body.get("state")), (200, "in_force"), f"PUT /v1/config: {body}")


with Lab(network=QUICK) as lab:
	mix, peer = played(lab)
	with peer:
		packet, arrives = peer.make(mix)
		peer.send(peer.frame(mix, packet))
		wait_for("the first packet", lambda: peer.packets() == [arrives])
		seen = Verdicts(mix)
		early_drop(mix, peer, seen)
		limited(mix, peer, seen)
		by_file(mix, peer, Verdicts(mix))
		denied(mix, peer)
		equal(mix.rest.get("/v1/workers")["sum"]["accounting_gap"], 0, "accounting gap")
