#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""SIGTERM to a data plane: what is parked leaves on its time, then it ends with exit code 0. Messages
sent meanwhile wait for the next data plane. The same when a drain with a long grace was ordered before."""
import re

from _init import Lab, books, check, drops, encrypted, equal, report, wait_for
from steady import Steady, three

PARKED = 20
NETWORK = {
	"links": "noise", "cover": encrypted()["cover"], "delay": {"mean": "300ms", "max": "2s"},
	"mix_key": {"epoch": "60s", "overlap": "15s", "tolerance": "1s"},
}


def stale_beats(gateway):
	"""What others sent to it with sessions that had ended with its last data plane; nothing else is dropped. No
	packets are among them, for it gets none."""
	found = drops(gateway)
	check(set(found) <= {"link_session"}, f"drops of the gateway: {found}")
	return sum(found.values())


with Lab(network=NETWORK) as lab:
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
	with Steady(lab, replies=False, rate=200) as traffic:
		wait_for(f"{PARKED} parked packets", lambda: (books(gateway)["parked"] or 0) >= PARKED)
		stale = stale_beats(gateway)
		gateway.fogctl("drain", "--grace", "3600000")
		wait_for("the order", lambda: "draining: 3600000 ms" in gateway.log("data").read_text())
		equal(gateway.end("data"), 0, f"exit code after drain and SIGTERM\n{gateway.log_end('data')}")
		found = re.findall(r"(\d+) dropped;", gateway.log("data").read_text())
		equal(found, ["0", str(stale)], "dropped at both ends")
		check(gateway.log("data").read_text().count("drained: nothing is parked") == 2, gateway.log_end("data"))
		gateway.start("data")
		gateway.wait_ready()
		traffic.more()
		traffic.arrive()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	stale_beats(gateway)
	for node in (lab["mix1"], lab["service"]):
		equal(drops(node), {}, f"drops of {node.name}")
	sent = gateway.rest.get("/v1/status")["messages"]
	equal(sent["inject_lost"], 0, "packets given up")
	check("draining" in gateway.log("data").read_text(), "the data plane doesn't say that it drains")
