#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A network that nodes join and leave: four authorities agree on five nodes, a sixth announces itself and carries
packets in a later epoch, then asks to be left out and is switched off when it says that it may be. Messages
go on all the while, and none is lost; fogctl says what happens."""
from _init import check, drops, equal, report, wait_for
from consensus import EPOCH_S, Steady, consensus, listed, network, warnings
from directory_commands import audited, audits, differs, shows, withdrawn, withdraws

STEP_S = 6 * EPOCH_S  # what takes an epoch or two; one may get no consensus on a busy machine


def mixed(node):
	"""Sphinx packets that it has delayed so far."""
	return sum(worker["owed_us"]["count"] for worker in report.workers(node))


def signed(lab):
	"""All nodes have the same one, and enough have signed it."""
	wait_for("one consensus at all nodes", lambda: len({consensus(node)["digest"] for node in lab}) == 1, STEP_S)
	now = consensus(lab["mix1"])
	check(sum(a["signed"] for a in now["authorities"]) >= now["threshold"] == 3, f"signatures: {now['authorities']}")
	equal(now["left_out"], [], "nodes that were left out")
	equal(listed(lab["mix1"]), sorted(node.name for node in lab), "nodes of the consensus")


def join(lab, steady):
	new = lab.add("mix4", "mix", 2)
	lab.launch(new)
	first = steady.until("a consensus at the new node", lambda: consensus(new), STEP_S)
	check(not first["self"]["listed"], "nobody is in a consensus that was made before it came")
	reasons = [reason["code"] for reason in new.rest.call("GET", "/readyz")[2]["reasons"]]
	check("not_in_consensus" in reasons, f"why it isn't ready: {reasons}")
	steady.until("the new node in a consensus", lambda: new.name in listed(lab["gateway"]), STEP_S)
	shows(lab["gateway"])
	differs(lab["gateway"], new)
	steady.until("the new node ready", lambda: new.ready() and new.linked() and new.resolved(), STEP_S)
	check(consensus(new)["epoch"] > first["epoch"], "it carries packets in a later epoch")
	before = mixed(new)
	steady.until("packets through the new node", lambda: mixed(new) >= before + 20, STEP_S)
	return new


def leave(lab, node, steady):
	"""Returns an audit of those that stay, which began when the last path over the node had."""
	with withdraws(node) as command:
		steady.until("a node that says it leaves", lambda: "withdrawn" in warnings(node), STEP_S)
		steady.until("the last epoch of the node", lambda: consensus(node)["self"]["gone_at"], STEP_S)
		steady.until("paths without the node", lambda: node.name not in listed(lab["gateway"]), STEP_S)
		audit = audits(lab["gateway"])
		steady.until("the end of its packets", command.ended, STEP_S)
		withdrawn(node, command)
	before = mixed(node)
	steady.for_s(2)
	equal(mixed(node) - before, 0, "packets that came after its last epoch")
	for which in ("control", "data"):
		equal(node.end(which), 0, f"exit code of its {which} plane")
	del lab.nodes[node.name]
	return audit


def main(lab):
	lab.start()
	steady = Steady(lab)
	signed(lab)
	new = join(lab, steady)
	with leave(lab, new, steady) as audit:
		# An epoch whose nodes are those of the one before, beyond the overlap of their keys.
		began = consensus(lab["gateway"])["epoch"]
		steady.until("the next epoch", lambda: consensus(lab["gateway"])["epoch"] > began, STEP_S)
		steady.for_s(5)
		steady.until("the end of an audit", audit.ended, STEP_S)
		audited(audit, ["mix1", "mix2", "mix3"])
	steady.end(100)
	for node in lab:
		# Two that greet each other at once drop one of the two handshakes.
		equal({reason for reason in drops(node) if not reason.startswith("handshake")}, set(), f"drops of {node.name}")


with network() as the_lab:
	main(the_lab)
