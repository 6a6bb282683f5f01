#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A node whose clock is five minutes ahead is told so by the authorities, with the mend, and is taken once its
clock is right."""
import json

from _init import Lab, check, encrypted, equal, wait_for

AHEAD_MS = 300000


def clock_off(node):
	"""What is said about its clock, line by line."""
	return "\n".join(w["text"] for w in node.rest.get("/v1/status")["warnings"] if w["code"] == "clock_off")


def set_clock(node, ahead_ms):
	config = json.loads(node.config_path.read_text())
	config["test"] = {"clock_ahead": f"{ahead_ms}ms"}
	node.config_path.write_text(json.dumps(config, indent=2) + "\n")


def main():
	with Lab(network=encrypted(24), directory=4) as lab:
		node = lab.add("mix1", "mix", 1, config={"test": {"clock_ahead": f"{AHEAD_MS}ms"}})
		lab.write_topology()
		for authority in lab.authorities:
			authority.start()
		lab.launch(node)
		wait_for("a refusal that says why", lambda: "in the future" in clock_off(node), alive=node.check_alive)
		check("timedatectl" in clock_off(node), f"the mend lacks: {clock_off(node)}")
		status, _, problem = node.rest.call("GET", "/readyz")
		equal(status, 503, "readiness")
		reasons = {r["code"]: r["text"] for r in problem["reasons"]}
		wait_for("all four to say so", lambda: node.rest.call("GET", "/readyz")[2]["reasons"] and
			str(node.rest.call("GET", "/readyz")[2]["reasons"]).count("(clock)") == 4)
		check("no_consensus" in reasons, f"other reasons: {reasons}")
		node.end("control")
		set_clock(node, 0)
		node.start("control")
		taken = "has taken our descriptor"
		wait_for("all four to take it", lambda: str(node.rest.call("GET", "/readyz")[2]).count(taken) == 4 or
			node.ready(), alive=node.check_alive)
		check(not clock_off(node), f"the warning stays: {clock_off(node)}")


if __name__ == "__main__":
	main()
