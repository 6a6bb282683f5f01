#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl drain under traffic: readiness off, packets are taken during the grace, then none; each one
that was taken leaves, each one that came later is counted, and sender, receiver and books agree."""
import json
import re
import threading
import time

from _init import Lab, check, equal, wait_for
from peer import played

# Long enough that the last packet leaves well after AFTER more have come and --wait has begun.
DELAY = {"delay": {"mean": "2s", "max": "10s"}}
BEFORE, GRACE, AFTER = 150, 100, 60  # packets sent before the order, at least during the grace, after it
BOOKS = re.compile(r"books at the end: (\d+) received, (\d+) injected, (\d+) made; (\d+) sent, (\d+) delivered, "
	r"(\d+) punted, (\d+) answered, (\d+) dropped; (\d+) more came")


class Sender:
	"""Some 100 packets a second over the node back to the peer, until stop()."""

	def __init__(self, node, peer, count):
		self.packets = [peer.make(node) for _ in range(count)]
		self.frames = [peer.frame(node, packet) for packet, _ in self.packets]
		self.sent, self._peer, self._stop = 0, peer, threading.Event()
		self._thread = threading.Thread(target=self._run)
		self._thread.start()

	def _run(self):
		while not self._stop.is_set() and self.sent < len(self.frames):
			self._peer.send(self.frames[self.sent])
			self.sent += 1
			time.sleep(0.01)

	def more(self, count):
		until = self.sent + count
		check(until <= len(self.frames), "too few packets were made")
		wait_for(f"{count} more packets", lambda: self.sent >= until, every=0.01)

	def stop(self):
		self._stop.set()
		self._thread.join()


def unready(node, code):
	status, _, body = node.rest.call("GET", "/readyz")
	return status == 503 and code in [reason["code"] for reason in body["reasons"]]


def refused(node):
	"""Orders that make no sense change nothing."""
	for body in ({"grace_ms": -1}, {"grace_ms": "1"}, {"grace": 1}, [1], {"grace_ms": 10**9}):
		equal(node.rest.call("POST", "/v1/drain", body)[0], 400, f"status for {body}")
	check(node.ready(), "not ready after orders that were refused")


def drained(lab, node, peer):
	refused(node)
	process, log = node.processes["data"], node.log("data")
	sender = Sender(node, peer, 2000)
	sender.more(BEFORE)
	answer = json.loads(node.fogctl("drain", "--grace", "1500", "-j"))
	equal((answer["state"], answer["grace_ms"], answer["longest_delay_ms"]), ("draining", 1500, 10000), "answer")
	wait_for("readiness off", lambda: unready(node, "draining"), every=0.01)
	check("take no more packets" not in log.read_text(), "no grace")
	sender.more(GRACE)
	wait_for("the end of the grace", lambda: "take no more packets" in log.read_text(), every=0.01)
	sender.more(AFTER)
	check(process.poll() is None, "the data plane ended before the last packets came to its port")
	sender.stop()
	waiting = node.fogctl("drain", "--wait")
	check("drained" in waiting, waiting)
	equal(process.wait(60), 0, f"exit code\n{node.log_end('data')}")
	node.processes.pop("data")
	return sender


def judged(node, peer, sender):
	found = BOOKS.search(node.log("data").read_text())
	check(found, f"no books\n{node.log_end('data')}")
	rx, injected, made, tx, delivered, punted, answered, dropped, lost = map(int, found.groups())
	equal((injected, made, delivered, punted, answered, dropped), (0,) * 6, "other sides of the books")
	equal(tx, rx, "sent of what was received")
	equal(rx + lost, sender.sent, "received, and counted at the port")
	check(rx >= BEFORE + GRACE, f"only {rx} received")
	check(lost >= AFTER, f"only {lost} counted as come too late")
	wait_for(f"{tx} packets at the receiver", lambda: len(peer.packets()) >= tx)
	equal(sorted(peer.packets()), sorted(made for _, made in sender.packets[:rx]), "packets at the receiver")
	check(unready(node, "no_data_plane"), "ready without a data plane")
	equal(len(node.audited("/v1/drain")), 7, "orders in the audit")
	equal(node.rest.call("POST", "/v1/drain")[0], 503, "status without a data plane")


with Lab(network=DELAY) as lab:
	node, peer = played(lab)
	with peer:
		judged(node, peer, drained(lab, node, peer))
	print("drained")
