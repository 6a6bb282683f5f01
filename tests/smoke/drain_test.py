#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""SIGTERM to a data plane: what is parked leaves on its time, then it ends with exit code 0. Messages
sent meanwhile wait for the next data plane."""
from _init import Lab, books, check, drops, equal, report, wait_for
from steady import Steady, three

PARKED = 20
DELAY = {"delay": {"mean": "300ms", "max": "2s"}}

with Lab(network=DELAY) as lab:
	three(lab)
	gateway = lab["gateway"]
	with Steady(lab, replies=False, rate=200) as traffic:
		wait_for(f"{PARKED} parked packets", lambda: (books(gateway)["parked"] or 0) >= PARKED)
		before = report.peers(lab)["mix1", "gateway"][1]
		equal(gateway.end("data"), 0, f"exit code of the data plane\n{gateway.log_end('data')}")
		wait_for("what was parked at the mix", lambda:
			report.peers(lab)["mix1", "gateway"][1] >= before + PARKED // 2)
		gateway.start("data")
		gateway.wait_ready()
		traffic.more()
		traffic.arrive()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	for node in lab:
		equal(drops(node), {}, f"drops of {node.name}")
	sent = gateway.rest.get("/v1/status")["messages"]
	equal(sent["inject_lost"], 0, "packets given up")
	check("draining" in gateway.log("data").read_text(), "the data plane doesn't say that it drains")
