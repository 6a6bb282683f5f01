# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Words for tests of networks whose nodes are listed by authorities."""
import datetime
import time

from _init import ROOT, Lab, Traffic, agreed, check, default_path, drops, equal, wait_for

EPOCH_S = 12  # every step takes one


def network(epoch_s=EPOCH_S, **options):
	"""Five nodes and four authorities, not started."""
	lab = Lab(network=agreed(epoch_s), directory=4, **options)
	for name, role, layer in default_path():
		lab.add(name, role, layer)
	return lab


def consensus(node):
	"""What the node says of the consensus that counts; None when none does."""
	status, _, body = node.rest.call("GET", "/v1/consensus")
	return body if status == 200 else None


def listed(node):
	"""Names in the consensus that counts at the node."""
	now = consensus(node)
	return sorted(entry["name"] for entry in now["nodes"]) if now else []


def warnings(node):
	"""code -> sentence."""
	return {warning["code"]: warning["text"] for warning in node.rest.get("/v1/status")["warnings"]}


def ready(lab, *nodes):
	"""They have a consensus that lists them, and links with all of it."""
	for node in nodes:
		node.wait_ready()
	for node in nodes:
		wait_for(f"links of {node.name}", node.linked, lab.patience_s, alive=node.check_alive)
		wait_for(f"next hops of {node.name}", node.resolved, alive=node.check_alive)


def seconds(stamp):
	return datetime.datetime.fromisoformat(stamp).timestamp()


class Steady:
	"""Messages from the gateway to the service and back, as long as something takes: all of them arrive."""

	PAUSE_S = 0.05

	def __init__(self, lab, epoch_s=EPOCH_S):
		self.lab, self.epoch_s = lab, epoch_s
		self.traffic = Traffic(
			lab["gateway"].rest, lab["service"].rest, "service", (ROOT / "LICENSE").read_bytes(), 0)
		self.next = 0

	def until(self, what, condition, patience_s):
		"""Sends until condition() is true; returns what it was."""
		return wait_for(what, lambda: self.step() and condition(), patience_s)

	def for_s(self, seconds_more):
		end = time.monotonic() + seconds_more
		self.until(f"the end of {seconds_more} s", lambda: time.monotonic() >= end, 2 * seconds_more + 60)

	def step(self):
		if time.monotonic() >= self.next:
			self.next = time.monotonic() + self.PAUSE_S
			self.traffic.count = len(self.traffic.sent) + 1
		self.traffic.step()
		return True

	def last_path(self):
		return self.traffic.paths[len(self.traffic.sent) - 1] if self.traffic.sent else []

	def drain(self):
		"""Sends none, and waits for those that are on their way."""
		self.traffic.count = len(self.traffic.sent)
		self.traffic.run()

	def end(self, at_least):
		"""All that were sent have arrived, and so have the answers."""
		self.drain()
		check(len(self.traffic.sent) >= at_least, f"only {len(self.traffic.sent)} messages were sent")
		lost = [
			f"{number}, sent at {self.traffic.sent_at[number]:.3f} (epoch {self.traffic.sent_at[number] / self.epoch_s:.3f}) over "
			f"{self.traffic.paths.get(number)}, {'answer' if number in self.traffic.delivered else 'message'} missing"
			for number in self.traffic.sent if number not in self.traffic.replied and number not in self.traffic.late
		]
		check(not lost, f"lost: {'; '.join(lost)}; drops: {({node.name: drops(node) for node in self.lab})}")
		equal(self.traffic.corrupted, 0, "messages corrupted")
		late = len(self.traffic.late)
		check(late * 10 <= len(self.traffic.sent), f"{late} of {len(self.traffic.sent)} could not be answered in their epoch")
