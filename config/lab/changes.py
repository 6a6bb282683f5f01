# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A network with a directory that changes while messages travel: a node joins and carries some of them, another
one leaves, is switched off when it says that it may be, and messages go on."""
import datetime
import time

import report

LOOK_EVERY_S = 0.25
CARRIED = 20  # messages over the new node before the next thing happens
AFTER = 100  # messages that have to go there and back once the old one is switched off


def _epoch(seconds, epoch_s):
	return int(seconds // epoch_s)


class Changes:
	"""Driven by calling enough(), by whoever sends the messages: nothing waits in here."""

	def __init__(self, lab, traffic, epoch_s, joins, leaves, say):
		self.lab, self.traffic, self.epoch_s, self.say = lab, traffic, epoch_s, say
		self.joins, self.leaves = joins, leaves  # (name, role, layer), name
		self.facts = {"joined": None, "left": None}
		self._steps, self._over, self._next = self._run(), False, 0

	def enough(self):
		"""Whether all of it is over."""
		if not self._over and time.monotonic() >= self._next:
			self._next = time.monotonic() + LOOK_EVERY_S
			self._over = next(self._steps, True) is True
		return self._over

	def _run(self):
		yield from self._join()
		yield from self._leave()

	def _now(self):
		return _epoch(time.time(), self.epoch_s)

	def _join(self):
		node = self.lab.add(*self.joins)
		began = self._now()
		self.lab.launch(node)
		self.say(f"{node.name} joins in epoch {began}: it tells the authorities of itself, which take that for the next one")
		while not self._listed(node):
			node.check_alive()
			yield
		self.say(f"{node.name} is in the consensus of epoch {self._now()}")
		while self.traffic.over(node.name) < CARRIED:
			node.check_alive()
			yield
		first = min(number for number in self.traffic.delivered if node.name in self.traffic.paths[number])
		self.facts["joined"] = {
			"name": node.name, "epoch": began, "carries_from": _epoch(self.traffic.sent_at[first], self.epoch_s),
		}

	def _leave(self):
		node = self.lab[self.leaves]
		asked = self._now()
		node.rest.post("/v1/node/withdraw", None)
		self.say(f"{node.name} asks in epoch {asked} to be left out, and goes on until nobody sends it anything any more")
		while not self._own(node)["gone_at"]:
			yield
		own = self._own(node)
		gone_at = datetime.datetime.fromisoformat(own["gone_at"]).timestamp()
		self.say(f"{node.name}: epoch {own['last_epoch']} is its last one, it may be switched off in {gone_at - time.time():.0f} s")
		while time.time() < gone_at:
			yield
		over = self.traffic.over(node.name)
		self.lab.retire(node.name)
		self.say(f"{node.name} is switched off")
		sent = len(self.traffic.sent)
		while sum(number >= sent for number in self.traffic.replied) < AFTER:
			yield
		self.facts["left"] = {
			"name": node.name, "asked": asked, "last_epoch": own["last_epoch"], "messages": over,
			"sent_after": len(self.traffic.sent) - sent,
			"over_it_after": sum(node.name in path for number, path in self.traffic.paths.items() if number >= sent),
		}

	def _own(self, node):
		return node.rest.get("/v1/consensus")["self"]

	def _listed(self, node):
		"""Whether the consensus that counts has it, by its own word and by that of another node."""
		found = report.consensus(next(iter(self.lab)))
		return found is not None and any(one["name"] == node.name for one in found["nodes"]) and node.ready()

	def lines(self):
		"""What happened, for people."""
		joined, left = self.facts["joined"], self.facts["left"]
		lines = []
		if joined:
			lines.append(f"{joined['name']} joined in epoch {joined['epoch']}, carried messages from epoch "
				f"{joined['carries_from']} on: {self.traffic.over(joined['name'])}")
		if left:
			lines.append(f"{left['name']} asked to leave in epoch {left['asked']}, its last one was {left['last_epoch']}; "
				f"{left['messages']} messages went over it, {left['sent_after']} were sent after it was switched off")
		return lines

	def faults(self):
		"""Sentences about what isn't as it has to be."""
		joined, left = self.facts["joined"], self.facts["left"]
		found = []
		if joined is None:
			found.append(f"{self.joins[0]} did not join")
		elif joined["carries_from"] <= joined["epoch"]:
			found.append(f"{joined['name']} carried messages before an epoch's consensus could have it")
		if left is None:
			found.append(f"{self.leaves} did not leave")
		elif left["over_it_after"]:
			found.append(f"{left['over_it_after']} messages were to go over {left['name']}, which was gone")
		return found
