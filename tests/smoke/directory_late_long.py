#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A consensus that comes late to all: every control plane stands still from before it is made until the middle of its
epoch, as on a host that was suspended. The node that is new in it is on no path before all others know it: the first
one to have it sends to others that don't. No message is lost."""
import signal
import time

from _init import check, drops, equal, wait_for
from consensus import Steady, consensus, listed, network

EPOCH_S = 32  # a quarter of it is waited, for what takes a busy host seconds
MADE = 0.875  # part of an epoch from which on the next one's consensus is made
STEP_S = 6 * EPOCH_S
NEW = "mix4"
FIRST_S = 0.4  # by which two control planes go on before the others


def until_part(epoch, part, steady=None):
	while time.time() < (epoch + part) * EPOCH_S:
		if steady is not None:
			steady.step()
		time.sleep(0.01)


def signals(nodes, what):
	for node in nodes:
		node.processes["control"].send_signal(what)


def all_late(lab, steady):
	"""Returns the epoch whose consensus they got late."""
	epoch = int(time.time() / EPOCH_S + 1 - MADE + 0.2)
	until_part(epoch, MADE - 0.15, steady)
	steady.drain()
	check(time.time() < (epoch + MADE) * EPOCH_S, "messages that are answered within a second")
	check(NEW not in listed(lab["gateway"]), "the new node is new in the consensus that comes late")
	signals(lab, signal.SIGSTOP)
	try:
		until_part(epoch, 1.5)
		signals((lab["gateway"], lab["service"]), signal.SIGCONT)
		end = time.monotonic() + FIRST_S
		while time.monotonic() < end:
			steady.step()
	finally:
		signals(lab, signal.SIGCONT)
	return epoch + 1


def main(lab):
	lab.start()
	steady = Steady(lab, EPOCH_S)
	wait_for("one consensus at all nodes", lambda: len({consensus(node)["digest"] for node in lab}) == 1, STEP_S)
	new = lab.add(NEW, "mix", 2)
	lab.launch(new)
	steady.until("a consensus at the new node", lambda: consensus(new), STEP_S)
	# Authorities may want it in the epoch after the next one only.
	for _ in range(3):
		late = all_late(lab, steady)
		steady.until("the late consensus", lambda: consensus(lab["gateway"])["epoch"] == late, EPOCH_S)
		if NEW in listed(lab["gateway"]):
			break
	check(NEW in listed(lab["gateway"]), f"the new node in a consensus: {listed(lab['gateway'])}")
	steady.until("a path over the new node", lambda: NEW in steady.last_path(), STEP_S)
	steady.for_s(2)
	steady.end(50)
	for node in lab:
		equal({reason for reason in drops(node) if not reason.startswith("handshake")}, set(), f"drops of {node.name}")


with network(EPOCH_S) as the_lab:
	main(the_lab)
