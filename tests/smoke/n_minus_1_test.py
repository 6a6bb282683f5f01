#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The (n-1) attack that the demo stages: nobody is accused while nobody attacks; then all but one sender's packets are
kept away from a mix, which the attacker floods, and a node that is cut off names that mix within two epochs, in
its warnings, metrics and fogctl cover."""
import json
import subprocess
import sys

from _init import ROOT, check, equal

EPOCH_S = 16
TARGETS = ("mix1", "mix4")  # of the layer behind the gateway

done = subprocess.run(
	[sys.executable, ROOT / "config/lab/demo.py", "--attack", "n-1", "--once", "--json", "--epoch", str(EPOCH_S)],
	stdout=subprocess.PIPE, text=True)
equal(done.returncode, 0, "exit code")
facts = json.loads(done.stdout)["attack"]
quiet, alarm, came = facts["quiet"], facts["alarm"], facts["came"]
check(facts["target"] in TARGETS, f"the attacked one: {facts['target']}")

check(quiet["seconds"] >= 2 * EPOCH_S and quiet["loops"] > 100, f"a quiet network with loops: {quiet}")
equal(quiet["alerts"], [], "alerts without an attack")
check(quiet["lost"] <= quiet["loops"] / 100, f"loops lost without an attack: {quiet}")

equal({name for name, count in came.items() if count}, {"gateway", "mallory"}, "who gets through to the mix")
check(facts["flood"] > 100 and came["mallory"] >= facts["flood"], f"the flood: {facts['flood']}, {came}")
check(came["gateway"] < came["mallory"] / 2, f"the attacker's packets are most of the mix's: {came}")
equal(facts["client"]["delivered"], facts["client"]["sent"], "messages of the one that is let through")

check(alarm["after_s"] is not None and alarm["after_s"] <= 2 * EPOCH_S, f"an alarm within two epochs: {alarm}")
check("service" in alarm["by"], f"who raises it: {alarm['by']}")
equal((alarm["node"], alarm["alerts"]), (facts["target"], [facts["target"]]), "who is named")
# Of the epoch in which the attack begins, loops from before it count, too.
check(alarm["loss"] > 0.5 and alarm["lost"] > 15 and alarm["p"] < 1e-6, f"the evidence: {alarm}")
check(f"at node {facts['target']}" in facts["shown"]["warnings"][0], f"warning: {facts['shown']}")
check(facts["target"] in facts["shown"]["fogctl"][0], f"fogctl cover: {facts['shown']}")
equal(facts["shown"]["metrics"], ["fog_cover_alerts 1"], "metric")
