#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Timing figures of running appliances: a mix that hardly delays shows what comes in, one that delays by the
law shows what the law shows; rate, pool and anonymity set are those of the traffic; nothing is shown before it
is measured; too little traffic is a warning with its mend."""
import json
import math
import random
import signal
import time

from _init import Lab, Rest, check, equal, wait_for
from peer import QUICK
from steady import three

RATE = 120  # messages per second
SLOW = {"delay": {"mean": "200ms", "max": "2s"}}
MEASURED_S = 20


def figures(node):
	return node.rest.get("/v1/timing")


def low(node):
	return [one["text"] for one in node.rest.get("/v1/status")["warnings"] if one["code"] == "low_traffic"]


def random_traffic(lab, done):
	"""Messages at random instants until done(); what is late goes at once."""
	rest, rng, at = Rest(lab["gateway"].socket_path), random.Random(1), time.monotonic()
	while not done():
		at += rng.expovariate(RATE)
		time.sleep(max(0, at - time.monotonic()))
		rest.post("/v1/messages", {"to": "service", "text": "x"})


def measured(lab):
	"""Figures of the mix after that many seconds of traffic, and the rate that its own counters say."""
	mix = lab["mix1"]
	rx = lambda: mix.rest.get("/v1/status")["books"]["rx"]
	first, start = rx(), time.monotonic()
	random_traffic(lab, lambda: time.monotonic() > start + MEASURED_S)
	now = figures(mix)
	return now, (rx() - first) / (time.monotonic() - start)


def nothing_yet(now):
	"""A node that has just started."""
	if now["measured_s"] < 9:
		equal([now["rate_pps"], now["anonymity"]["set"], now["low_traffic"]], [None] * 3, "figures of nothing")
	equal(now["correlation"]["value"], None, "correlation without traffic")


def set_min(node, least):
	config = json.loads(node.config_path.read_text())
	config["timing"] = {"min_set": least}
	node.config_path.write_text(json.dumps(config))
	node.processes["control"].send_signal(signal.SIGHUP)


with Lab(network=QUICK) as lab:
	three(lab)
	nothing_yet(figures(lab["mix1"]))
	quick, _ = measured(lab)
	print("hardly any delay:", quick)
	check(quick["correlation"]["value"] > 0.9, f"correlation of a mix that hardly delays: {quick}")
	check(quick["anonymity"]["set"] < 1.2, f"anonymity set without delays: {quick}")

with Lab(network=SLOW) as lab:
	three(lab)
	mix = lab["mix1"]
	slow, rate = measured(lab)
	print(f"mean 200 ms, {rate:.1f} packets/s by rx:", slow)
	correlation, anonymity = slow["correlation"], slow["anonymity"]
	# The start without traffic stands out, so it is not the law's alone.
	check(0.1 < correlation["expected"] < 0.3 and abs(correlation["value"]) < 0.75,
		f"correlation of a mix that delays: {correlation}")
	# The rate is taken over all that is measured, the start without traffic included.
	share = min(1, MEASURED_S / min(60, slow["measured_s"]))
	check(0.7 * share < slow["rate_pps"] / rate < 1.1, f"rate {slow['rate_pps']} of {rate}, share {share}")
	# Much traffic for this law: Danezis's limit is near, and above.
	limit = math.log2(math.e * slow["rate_pps"] * 0.2)
	check(limit - 0.05 < anonymity["bits"] < limit + 0.2, f"anonymity {anonymity}, limit {limit}")
	check(abs(2 ** anonymity["bits"] - anonymity["set"]) < 1e-6 * anonymity["set"], "set and bits")
	# Of 24 on average; parked is one look at a number that goes up and down.
	check(0 <= slow["pool"]["packets"] < 4 * slow["pool"]["expected"] + 20, f"pool: {slow['pool']}")
	equal(low(mix), [], "warnings with enough traffic")
	set_min(mix, 1000)
	text, = wait_for("the warning", lambda: low(mix))
	check("delay.mean" in text and "traffic" in text, f"the mend: {text}")
	check(b"fog_timing_low_traffic 1\n" in mix.rest.get("/metrics"), "metric of low traffic")
	check("LOW TRAFFIC" in mix.fogctl("timing"), "fogctl timing")
	set_min(mix, 0)
	wait_for("the warning's end", lambda: not low(mix))
	mix.kill("data")
	wait_for("no data", lambda: figures(mix)["rate_pps"] is None and figures(mix)["correlation"]["value"] is None)
	equal(figures(mix)["low_traffic"], None, "low traffic without a data plane")
