# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What fogctl says of a running directory network, compared with what the REST API does: `consensus show` and `diff`,
`withdraw --wait`, `audit delays`. The last two take epochs, and run beside what else goes on."""
import json
import re
import subprocess
import tempfile
import time

from _init import check, equal, wait_for
from consensus import consensus, seconds

AUDIT_LOOPS, AUDIT_RATE = 300, 100
UNDECIDED = 5


class Command:
	"""fogctl that runs until it ends by itself."""

	def __init__(self, node, *words):
		self.words = words
		self.out, self.err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
		self.process = subprocess.Popen(
			[node.lab.bin / "fogctl", "--socket", node.socket_path, *words], stdout=self.out, stderr=self.err, text=True)

	def ended(self):
		return self.process.poll() is not None

	def result(self, *codes):
		"""What it printed, once it has ended with one of the codes."""
		self.out.seek(0)
		self.err.seek(0)
		printed, said = self.out.read(), self.err.read()
		check(self.process.returncode in codes, f"fogctl {self.words}: {self.process.returncode}: {said}{printed}")
		return printed

	def __enter__(self):
		return self

	def __exit__(self, *_):
		if not self.ended():
			self.process.kill()
		self.process.wait()
		self.out.close()
		self.err.close()


def shows(node):
	"""`consensus show` has what the API has, for people and as JSON, of the epoch that is asked for."""
	now = consensus(node)
	epoch = str(now["epoch"])
	found = json.loads(node.fogctl("consensus", "show", "--epoch", epoch, "-j"))
	for key in ("epoch", "digest", "beacon", "nodes", "rates", "left_out"):
		equal(found[key], now[key], f"{key} of consensus show -j")
	text = node.fogctl("consensus", "show", "--epoch", epoch)
	for part in (f"epoch     {epoch}, good until the end of epoch {now['until'] - 1}\n", f"digest    {now['digest']}\n"):
		check(part in text, f"consensus show: no '{part}' in {text}")
	for entry in now["nodes"]:
		row = rf"^{re.escape(entry['name'])} .*{re.escape(entry['address'])} .*{entry['node_id']}$"
		check(re.search(row, text, re.M), f"consensus show: no row of {entry['name']} in {text}")
	check("\nthis node is in it\n" in node.fogctl("consensus", "show"), "a node that is in it is told so")


def differs(node, new):
	"""`consensus diff` of the epoch in which 'new' came and the one before says that, and nothing of itself."""
	now = consensus(node)
	before, epoch = str(now["previous_epoch"]), str(now["epoch"])
	text = node.fogctl("consensus", "diff", before, epoch)
	check(text.startswith(f"epoch {before} -> {epoch}\n"), f"consensus diff: {text}")
	check(re.search(rf"^joined  {new.name} \(mix of layer \d, .* port \d+\)  {new.rest.get('/v1/status')['node_id']}$", text, re.M),
		f"consensus diff does not say who came: {text}")
	check("\n1 joined, 0 left, " in text, f"consensus diff: {text}")
	found = json.loads(node.fogctl("consensus", "diff", "-j", epoch, before))
	equal([entry["name"] for entry in found["left"]], [new.name], "who is missing in the one before")
	check(f"epoch {epoch} -> {epoch}: the same consensus\n" in node.fogctl("consensus", "diff", epoch, epoch),
		"a consensus is the same as itself")


def proves(node, epoch):
	"""`proof` and `descriptor` have what the API has."""
	own, other = f"/v1/epochs/{epoch}/vrf", f"/v1/nodes/mix1/epochs/{epoch}/vrf"
	equal(json.loads(node.fogctl("proof", "own", str(epoch), "-j")), node.rest.get(own), "proof own")
	equal(json.loads(node.fogctl("proof", "of", "mix1", str(epoch), "-j")), node.rest.get(other), "proof of mix1")
	check(node.rest.get(other)["proof"] in node.fogctl("proof", "of", "mix1", str(epoch)), "proof does not show the proof")
	check(node.rest.get("/v1/descriptor")["descriptor"] in node.fogctl("descriptor"), "descriptor does not show it")


def loops(node):
	"""`loops` sends packets that come back, and wipes what is known of them."""
	node.fogctl("loops", "start", "--count", "4", "--rate", "100", "--seconds", "60")
	wait_for("the loops", lambda: json.loads(node.fogctl("loops", "list", "-j"))["state"] == "ended")
	found = json.loads(node.fogctl("loops", "--after", "2", "-j"))
	equal((found["count"], found["sent"], [loop["number"] for loop in found["records"]]), (4, 4, [2, 3]), "loops behind the second one")
	check("records:" in node.fogctl("loops"), "loops shows no records")
	node.fogctl("loops", "stop")
	equal(node.rest.get("/v1/loops")["state"], "none", "loops after their end")


def sends(node, to):
	"""`sent` says of a message what the API does."""
	number = json.loads(node.fogctl("send", "--to", to, "a line", "-j"))["id"]
	wait_for("the way out", lambda: json.loads(node.fogctl("sent", str(number), "-j"))["state"] == "handed_over")
	check("handed_over" in node.fogctl("sent", str(number)), "sent does not show it")


def withdraws(node):
	"""Begin to leave; the command ends when the node may be switched off."""
	return Command(node, "withdraw", "--wait")


def withdrawn(node, command):
	"""It has ended, not too early, and has said what it waited for."""
	text = command.result(0)
	self = consensus(node)["self"]
	check(time.time() >= seconds(self["gone_at"]), f"it may go from {self['gone_at']} on, and withdraw --wait is over: {text}")
	for part in (
		"withdrawn  the authorities are asked to leave this node out;",
		"last epoch", "as soon as its authorities have agreed",
		f"last epoch {self['last_epoch']}: from epoch {self['last_epoch'] + 1} on no path leads over this node\n",
		"switch off from 20", "\nwithdrawn: it may be switched off\n",
	):
		check(part in text, f"withdraw --wait: no '{part}' in {text}")


def audits(node):
	"""Begin an audit; it ends when the proofs have come by consensuses."""
	return Command(node, "audit", "delays", "--loops", str(AUDIT_LOOPS), "--rate", str(AUDIT_RATE), "--json")


def audited(command, honest):
	"""Proofs have come and hold for these, and nobody is blamed. What so few loops tell may not suffice for more."""
	found = json.loads(command.result(0, UNDECIDED))
	verdicts = {entry["name"]: entry for entry in found["nodes"]}
	check(found["result"] in ("honest", "undecided") and not any(entry["cheats"] for entry in found["nodes"]), f"audit: {found}")
	check(found["loops"] > 0 and found["epochs"], f"nothing was judged: {found}")
	for name in honest:
		check(verdicts[name]["loops"] > 0, f"no loop over {name} was judged: {found}")
		equal(verdicts[name]["epochs_without_proof"] + verdicts[name]["epochs_with_bad_proof"], 0, f"epochs of {name} without a proof")
