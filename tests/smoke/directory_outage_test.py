#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Authorities go away: with two of four there is no new consensus, and the network runs on the last one for as long
as it is good, saying so, also at a node whose control plane is killed meanwhile. Then it says that it has
none and takes nothing; once the authorities are back it goes on by itself."""
import signal

from _init import RestError, check, equal, wait_for
from consensus import EPOCH_S, Steady, consensus, network, ready, warnings

STEP_S = 6 * EPOCH_S
LIFE = 3  # epochs that a consensus is good for


def outage(lab, steady):
	"""Until nothing counts any more."""
	gateway = lab["gateway"]
	last = consensus(gateway)
	equal((last["until"] - last["epoch"]), LIFE, "epochs that it is good for")
	steady.until("a warning that it gets old", lambda: "consensus_old" in warnings(gateway), STEP_S)
	check("no_consensus" not in warnings(gateway) and gateway.ready(), "the network goes on")
	text = warnings(gateway)["consensus_old"]
	now = consensus(gateway)
	check(f"that of epoch {now['epoch']} counts for" in text, f"it says how long: {text}")
	down = {authority.name for authority in lab.authorities[:2]}
	steady.until("the authorities that are away told", lambda: {
		a["name"] for a in (consensus(gateway) or now)["self"]["authorities"] if a["answer"] == "unreachable"} == down, STEP_S)
	lab["mix2"].kill("control")
	lab["mix2"].start("control")
	steady.until("mix2 ready on what it has on disk", lab["mix2"].ready, EPOCH_S * (LIFE - 1))
	equal(consensus(lab["mix2"])["digest"], now["digest"], "its consensus")
	steady.traffic.patience_s = 0
	wait_for("the end of what the consensus is good for", lambda: refused(steady), EPOCH_S * (LIFE + 1))
	steady.end(100)  # what was sent in time has arrived


def refused(steady):
	"""Sends until a message isn't taken any more."""
	try:
		steady.step()
	except RestError as error:
		equal((error.status, error.body["code"]), (503, "no_consensus"), "what a message is refused for")
		return True
	return False


def main(lab):
	lab.start()
	steady = Steady(lab)
	steady.for_s(2)
	for authority in lab.authorities[:2]:
		authority.end(signal.SIGKILL)
	outage(lab, steady)
	reasons = [reason["code"] for reason in lab["gateway"].rest.call("GET", "/readyz")[2]["reasons"]]
	equal(reasons, ["no_consensus"], "why the gateway isn't ready")
	for authority in lab.authorities[:2]:
		authority.start()
	ready(lab, *lab)
	steady = Steady(lab)
	steady.for_s(2)
	steady.end(20)


with network() as the_lab:
	main(the_lab)
