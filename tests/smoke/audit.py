# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""`fogctl audit delays` over a whole network with encrypted links and epochs: honest nodes pass, and cheating
data planes (tests/cheat) are named, while their honest neighbours are not."""
import json
import signal
import subprocess
import time

from _init import Lab, check, encrypted, equal, wait_for

LAYERS, EPOCH_S = 3, 10
LOOPS, RATE = 1200, 120
LIMIT_S = 300
AUDITS = 3  # the judge says so when data do not suffice, which no bound on this test can exclude
NETWORK = {
	"links": "noise", "cover": encrypted()["cover"],
	"delay": {"mean": "25ms", "max": "250ms"},
	"mix_key": {"epoch": f"{EPOCH_S}s", "overlap": "4s", "tolerance": "1s"},
}
# Verdicts that each may get: half of what is owed comes too early, which statistics may see first.
EXPECTED = {
	"halves": {"early (proof)", "early (statistics)", "wrong law"},
	"selective": {"early (proof)", "early (statistics)", "wrong law"},
	"own": {"wrong law", "early (proof)", "early (statistics)"},
	"late": {"late"},
	"drops": {"drops long delays"},
}


def mixes(lab):
	return [node for node in lab if node.layer]


def cheat(lab, kinds):
	"""Have exactly these data planes cheat; the others are honest (again)."""
	for node in mixes(lab):
		program = f"fog-dataplane-{kinds[node.name]}" if node.name in kinds else "fog-dataplane"
		if node.options.get("dataplane", "fog-dataplane") == program:
			continue
		node.end("data", signal.SIGTERM)
		node.options["dataplane"] = program
		node.start("data")
	for node in lab:
		node.wait_ready()
	for node in lab:
		wait_for(f"next hops of {node.name}", node.resolved, alive=node.check_alive)


def keys_count(lab):
	"""A VRF key counts from two epochs after its announcement: wait for that epoch."""
	begin = int(time.time()) // EPOCH_S
	wait_for("epoch in which the VRF keys count", lambda: int(time.time()) // EPOCH_S >= begin + 2)


def audit(lab):
	begin = time.monotonic()
	argv = [lab.bin / "fogctl", "audit", "delays", "--socket", lab["gateway"].socket_path, "--loops", str(LOOPS),
		"--rate", str(RATE), "--json"]
	done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S)
	check(done.stdout, f"audit: {done.returncode}: {done.stderr}")
	found = json.loads(done.stdout)
	print(f"{time.monotonic() - begin:.0f} s, {found['loops']} loops, {found['lost']} lost, "
		f"least residual {found['least_residual_us']:.0f} us, not judged {found['not_judged']}")
	for node in found["nodes"]:
		print(f"  {node['name']}: {node['verdict']}, p {node['p']:.2g}, {node['loops']} loops, {node['lost']} lost, "
			f"owed {node['owed_us']:.0f} us, given {node['given_us']:.0f}, slope {node['slope']:.3f}")
	return done.returncode, found


def passes(lab):
	"""Nobody honest is ever blamed. For lack of data, on a machine that pauses often, the audit may be asked again."""
	for _ in range(AUDITS):
		code, found = audit(lab)
		check(found["loops"] >= 1000, f"{found['loops']} loops judged")
		check(code != 4 and not any(node["cheats"] for node in found["nodes"]), f"honest nodes are blamed: {found['nodes']}")
		if code == 0:
			equal({node["name"]: node["verdict"] for node in found["nodes"]}, {node.name: "honest" for node in mixes(lab)},
				"verdicts")
			equal(found["result"], "honest", "result")
			return
	raise AssertionError("not enough data for an honest network")


def names(lab, kinds):
	"""Each cheat gets its name in one audit or another, and never anybody else."""
	cheat(lab, kinds)
	print(f"cheats: {kinds}")
	left = set(kinds)
	for _ in range(AUDITS):
		code, found = audit(lab)
		named = {node["name"] for node in found["nodes"] if node["cheats"]}
		check(named <= set(kinds), f"named {named}, cheats are {set(kinds)}")
		equal((code, found["result"]), (4, "cheating"), "exit code and result")
		for node in found["nodes"]:
			if node["cheats"]:
				check(node["verdict"] in EXPECTED[kinds[node["name"]]], f"{node['name']}: {node['verdict']}: {node['evidence']}")
		left -= named
		if not left:
			return
	raise AssertionError(f"not named: {left}")


def run(networks):
	"""An honest network first, then one with each set of cheats: node -> kind."""
	with Lab(network=NETWORK) as lab:
		lab.add("gateway", "gateway")
		for layer in range(1, LAYERS + 1):
			for letter in "ab":
				lab.add(f"mix{layer}{letter}", "mix", layer)
		lab.start()
		keys_count(lab)
		passes(lab)
		for kinds in networks:
			names(lab, kinds)
