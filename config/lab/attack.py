# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""An (n-1) attack (Serjantov, Dingledine, Syverson 2002) on a mix of the demo's network, and what gives it away.

The attacker, who sees all wires and can cut each, wants to know where one client's message goes that enters at the
gateway: at the mix behind it he lets the gateway's datagrams through and no one else's, and fills the mix with
packets that he knows, from a node of his own that has joined like any other. Loops of the nodes that he
cut off don't come back.
"""
import hashlib
import threading
import time

import report
from rest import Rest, RestError
from traffic import pieces

NODES = [
	("gateway", "gateway", 0), ("mix1", "mix", 1), ("mix2", "mix", 2), ("mix3", "mix", 3), ("mix4", "mix", 1),
	("service", "service", 0), ("mallory", "gateway", 0),
]
CLIENT, ATTACKER, WITNESS = "gateway", "mallory", "service"
MIX_PORT = 9001
# Of a witness' loops half lead over the mix. 28 of 28 lost were evidence enough for an alert with seven nodes
# (controlplane/mixnet/README.md), that is 6 s of them and what a loop is waited for; an epoch of 24 s has 120.
COVER = {"loops": "100ms", "drops": "500ms", "dummies": "500ms", "slack": "3s"}
QUIET_EPOCHS = ALARM_EPOCHS = 2
FLOOD_PER_S = 100
CLIENT_PER_S = 5
NOBODY = hashlib.blake2b(b"fogline drop v1", digest_size=32).hexdigest()  # recipient: thrown away


class Sender(threading.Thread):
	"""Posts a message again and again, by a connection of its own."""

	def __init__(self, node, body, per_s):
		super().__init__(daemon=True)
		self.rest, self.body, self.per_s = Rest(node.socket_path), body, per_s
		self.sent, self.error, self._end = 0, None, threading.Event()

	def run(self):
		due = time.monotonic()
		while not self._end.wait(max(0, due - time.monotonic())):
			due += 1 / self.per_s
			try:
				self.rest.post("/v1/messages", self.body())
				self.sent += 1
			except (OSError, RestError) as error:
				if not isinstance(error, RestError) or error.status != 503:
					self.error = error
					return
		self.rest.close()

	def end(self):
		self._end.set()
		self.join()
		if self.error:
			raise self.error


class Client:
	"""Sends numbered messages from CLIENT to WITNESS: what the attacker is after."""

	def __init__(self, lab):
		self.receiver, self.texts, self.next = lab[WITNESS].rest, {}, pieces(b"an attacker follows this ")
		self.after, self.arrived = 0, set()
		self.sender = Sender(lab[CLIENT], self._body, CLIENT_PER_S)

	def _body(self):
		number = len(self.texts)
		self.texts[number] = f"{number} {next(self.next).decode()}"
		return {"to": WITNESS, "text": self.texts[number]}

	def receive(self):
		while page := self.receiver.get(f"/v1/messages?after={self.after}&limit=200")["messages"]:
			self.after = page[-1]["id"]
			for message in page:
				number = int(message["text"].split()[0])
				if self.texts[number] == message["text"]:
					self.arrived.add(number)

	def finish(self, seconds=30):
		"""No more of them, and wait for those on their way."""
		self.sender.end()
		end = time.monotonic() + seconds
		while len(self.arrived) < self.sender.sent and time.monotonic() < end:
			self.receive()
			time.sleep(0.1)


def alerts(lab):
	"""Node -> those at which it says that packets get lost."""
	return {node.name: node.rest.get("/v1/cover")["alerts"] for node in lab}


def loops(lab, fate):
	return sum(node.rest.get("/v1/cover")["loops"][fate] for node in lab)


def layers(lab):
	"""Layer -> its mixes by now."""
	found = {}
	for node in report.consensus(lab[WITNESS])["nodes"]:
		if node["role"] == "mix":
			found.setdefault(node["layer"], []).append(node["name"])
	return found


class Attack:
	"""Begins when it is made."""

	def __init__(self, lab, target):
		self.lab, self.target = lab, target
		allowed = [lab[CLIENT].address, lab[ATTACKER].address]
		lab.faults.block_all_but(allowed, lab[target].address, MIX_PORT)
		self.before = self._came()
		self.look()
		self.flood = Sender(lab[ATTACKER], self._body, FLOOD_PER_S)
		self.flood.start()

	def look(self):
		"""The flood's way from the mix on, as the consensus of now has it."""
		self.way = [names[0] for layer, names in sorted(layers(self.lab).items()) if layer > 1]

	def _body(self):
		return {"to": WITNESS, "path": [self.target, *self.way, WITNESS], "recipient": NOBODY, "text": "flood"}

	def _came(self):
		return {peer: rx for (node, peer), (_, rx) in report.peers(self.lab).items() if node == self.target}

	def came(self):
		"""Frames that the mix has got since, by who sent them."""
		return {peer: rx - self.before.get(peer, 0) for peer, rx in self._came().items()}

	def end(self):
		try:
			self.flood.end()
		finally:
			self.lab.faults.clear()


def quiet(lab, seconds, client):
	"""Without an attack. Returns the facts."""
	before, accused = loops(lab, "returned"), set()
	end = time.monotonic() + seconds
	while time.monotonic() < end:
		time.sleep(1)
		client.receive()
		accused |= {alert["node"] for found in alerts(lab).values() for alert in found}
	return {
		"seconds": seconds, "loops": loops(lab, "returned") - before, "lost": loops(lab, "lost"),
		"alerts": sorted(accused),
	}


def alarm(lab, attack, seconds, client):
	"""Until the witness names the mix, and for no longer than 'seconds'. Returns the facts."""
	began, accused = time.monotonic(), set()
	while time.monotonic() - began < seconds:
		time.sleep(0.5)
		client.receive()
		attack.look()
		found = alerts(lab)
		# The mix itself finds that what comes over the witness doesn't get home, which is as true.
		accused |= {alert["node"] for name, of_one in found.items() if name != attack.target for alert in of_one}
		for alert in found[WITNESS]:
			if alert["node"] == attack.target:
				return {
					"after_s": round(time.monotonic() - began, 1), "by": [name for name, of_one in found.items() if of_one],
					"alerts": sorted(accused), **{key: alert[key] for key in ("node", "since_epoch", "sent", "lost", "loss", "p")},
				}
	return {"after_s": None, "by": [], "alerts": sorted(accused)}


def shown(node):
	"""Where an operator finds it: warning, table, metric."""
	warnings = [one["text"] for one in node.rest.get("/v1/status")["warnings"] if one["code"] == "n1_attack"]
	table = [line for line in node.fogctl("cover").split("\n") if line.startswith("ALERT")]
	metric = [line for line in node.rest.get("/metrics").decode().split("\n") if line.startswith("fog_cover_alerts ")]
	return {"warnings": warnings, "fogctl": table, "metrics": metric}


def faults(facts, books):
	"""Sentences about what isn't as it has to be."""
	found = []
	# A loop that comes later than the slack counts as lost; on a busy host one of a hundred may.
	if facts["quiet"]["alerts"] or facts["quiet"]["lost"] > facts["quiet"]["loops"] / 100:
		found.append(f"without an attack: {facts['quiet']}")
	if facts["alarm"]["after_s"] is None:
		found.append("no alarm")
	elif not all(facts["shown"].values()):
		found.append(f"an alarm that is not shown everywhere: {facts['shown']}")
	if set(facts["alarm"]["alerts"]) - {facts["target"]}:
		found.append(f"others were accused, too: {facts['alarm']['alerts']}")
	if cut := {name for name, count in facts["came"].items() if count} - {CLIENT, ATTACKER}:
		found.append(f"the attack let frames of {', '.join(sorted(cut))} through")
	if facts["came"].get(ATTACKER, 0) < facts["flood"]:
		found.append(f"the flood did not get there: {facts['came']} of {facts['flood']}")
	if facts["client"]["delivered"] != facts["client"]["sent"]:
		found.append(f"messages of the client got lost: {facts['client']}")
	return found + [f"{name}: books don't close, gap {gap}" for name, gap in books.items() if gap]


def stage(lab, epoch_s, say):
	"""Two quiet epochs, then the attack. Returns the facts and what is wrong with them."""
	target = layers(lab)[1][0]
	client = Client(lab)
	client.sender.start()
	say(f"for {QUIET_EPOCHS} epochs nobody attacks; a client sends messages from {CLIENT} to {WITNESS}")
	facts = {"target": target, "epoch": epoch_s, "quiet": quiet(lab, QUIET_EPOCHS * epoch_s, client)}
	say(f"  {facts['quiet']['loops']} loops came back, {facts['quiet']['lost']} were lost; alerts: "
		f"{', '.join(facts['quiet']['alerts']) or 'none'}",
		f"the attack: {target} gets nothing any more but from {CLIENT}, and {ATTACKER}'s flood")
	attack = Attack(lab, target)
	try:
		facts["alarm"] = alarm(lab, attack, ALARM_EPOCHS * epoch_s, client)
		facts["shown"] = shown(lab[WITNESS])
		facts["came"] = attack.came()
	finally:
		attack.end()
	client.finish()
	facts["flood"] = attack.flood.sent
	facts["client"] = {"sent": client.sender.sent, "delivered": len(client.arrived),
		"missing": sorted(set(client.texts) - client.arrived)}
	facts["drops"] = {node.name: report.drops(node) for node in lab}
	say(*lines(facts))
	return {"attack": facts}, faults(facts, {node.name: report.gap(report.node_books(node)) for node in lab})


def lines(facts):
	"""What happened, for people."""
	alarm = facts["alarm"]
	came = ", ".join(f"{name} {count}" for name, count in sorted(facts["came"].items()))
	found = [f"  frames that {facts['target']} got meanwhile: {came}"]
	if alarm["after_s"] is None:
		found.append(f"  no alarm within {ALARM_EPOCHS} epochs")
	else:
		found += [
			f"  alarm after {alarm['after_s']} s ({alarm['after_s'] / facts['epoch']:.1f} epochs), by {', '.join(alarm['by'])}; "
			f"{WITNESS} says:", *(f"    {text}" for text in facts["shown"]["warnings"]),
		]
	return [*found, f"  the client's messages, which the attacker follows: {facts['client']['sent']} sent, "
		f"{facts['client']['delivered']} delivered"]
