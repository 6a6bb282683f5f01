#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Cover in a network with encrypted links: loops come back to gateways, services and mixes, books are closed, and
nothing of it is a message. The stock outlives a restart of the control plane; while the control plane stands still, cover
goes on at its rate until the stock is empty, and then as dummies."""
import json
import re
import signal
import time

from _init import Lab, books, check, drops, encrypted, equal, wait_for

MEAN_MS = 100  # loops, and drop packets: one in 50 ms together
COVER = {"loops": f"{MEAN_MS}ms", "drops": f"{MEAN_MS}ms", "dummies": "500ms", "slack": "3s"}
BURST = 8  # of the cap
QUICK = {"mean": "20ms", "max": "200ms"}


def cover(node):
	return node.rest.get("/v1/cover")


def worker(node):
	return node.rest.get("/v1/workers")["workers"][0]


def sum_of(node, field):
	return sum(one[field] for one in node.rest.get("/v1/workers")["workers"])


def returned(node, more):
	before = cover(node)["loops"]["returned"]
	wait_for(f"loops of {node.name} to come back", lambda: cover(node)["loops"]["returned"] >= before + more)


def agree(node):
	"""What REST, fogctl and the metrics say of loops, at a time when none came or went."""
	def same():
		first = cover(node)["loops"]
		metrics = node.rest.get("/metrics").decode()
		shown = re.search(r"loops +(\d+) sent, (\d+) returned, (\d+) lost, (\d+) unknown, (\d+) on", node.fogctl("cover"))
		told = {key: int(shown[i + 1]) for i, key in enumerate(("sent", "returned", "lost", "unknown", "flying"))}
		counted = {key: int(re.search(rf'fog_cover_loops_total\{{fate="{key}"\}} (\d+)', metrics)[1]) for key in ("returned", "lost", "unknown")}
		equal(first["sent"], sum(first[key] for key in ("returned", "lost", "unknown", "flying")), f"loops of {node.name}")
		return all(told[key] == first[key] for key in told) and all(counted[key] == first[key] for key in counted) \
			and cover(node)["loops"] == first
	wait_for(f"{node.name} to say the same everywhere", same)


def capped(node):
	"""cover.max_rate takes turns, and no more leave than it says: a tenth of a second's worth at once, or 8 (conf.h)."""
	cap = 5
	node.config_path.write_text(json.dumps({**json.loads(node.config_path.read_text()), "cover": {"max_rate": cap}}))
	node.processes["control"].send_signal(signal.SIGHUP)
	wait_for("the cap", lambda: sum_of(node, "cover_capped"))
	frames = lambda: sum_of(node, "cover_sent") + sum_of(node, "dummies")
	turns = sum_of(node, "cover_capped")
	before, began = frames(), time.monotonic()
	wait_for("turns that the cap takes", lambda: sum_of(node, "cover_capped") > turns + 50)
	sent, seconds = frames() - before, time.monotonic() - began
	check(sent <= cap * (seconds + 1) + BURST, f"{sent} frames in {seconds:.1f} s at {cap} in a second")


def loops(lab):
	for node in lab:
		returned(node, 20)
	for node in lab:
		seen = cover(node)
		equal((seen["loops"]["lost"], seen["loops"]["unknown"], seen["alerts"]), (0, 0, []), f"loops of {node.name}")
		equal((seen["no_loops"], seen["paused"]), (None, None), f"cover of {node.name}")
		check(0 < seen["stock"]["packets"] <= seen["stock"]["high"], f"stock of {node.name}: {seen['stock']}")
		check(seen["made"]["drops"] > 0, "no drop packets")
		equal(node.rest.get("/v1/messages")["messages"], [], f"messages of {node.name}")
		equal(books(node)["accounting_gap"], 0, f"books of {node.name}")
		codes = [one["code"] for one in node.rest.get("/v1/status")["warnings"]]
		check("no_cover" not in codes and "n1_attack" not in codes, f"warnings of {node.name}: {codes}")
		check(b"fog_cover_loops_total" in node.rest.get("/metrics"), "metrics")
		agree(node)
		# Of some hundred loops none was lost, so no link loses more than chance allows.
		check(seen["links"] and all(link["lost"] == 0 and link["loss"] < 0.1 for link in seen["links"]), f"losses: {seen['links']}")
	shown = lab["gateway"].fogctl("cover")
	check("one in 100 ms" in shown and "mix1" in shown, shown)


def rate(lab, node):
	"""Turns of a worker's clock are as many as its mean says, within six standard deviations."""
	turns = lambda: sum_of(node, "cover_taken") + sum_of(node, "cover_starved")
	before, began = turns(), time.monotonic()
	wait_for("200 turns", lambda: turns() >= before + 200)
	seconds, count = time.monotonic() - began, turns() - before
	wanted = seconds * 2000 / MEAN_MS
	check(abs(count - wanted) < 6 * wanted ** 0.5 + 10, f"{count} turns in {seconds:.1f} s, should be {wanted:.0f}")


def stopped(lab, node):
	"""The control plane stands still."""
	stock, starved = cover(node)["stock"]["packets"], sum_of(node, "cover_starved")
	before = sum_of(node, "cover_sent"), sum_of(node, "dummies")
	process = node.processes["control"]
	process.send_signal(signal.SIGSTOP)
	try:
		# Long enough for all of the stock, by far.
		time.sleep(stock * MEAN_MS / 2000 * 1.5 + 3)
	finally:
		process.send_signal(signal.SIGCONT)
	sent, dummies = sum_of(node, "cover_sent") - before[0], sum_of(node, "dummies") - before[1]
	starved = sum_of(node, "cover_starved") - starved
	check(sent >= stock - 5, f"{sent} packets of a stock of {stock} went out")
	check(starved > 0 and dummies >= starved, f"{starved} turns without stock, {dummies} dummies")
	returned(node, 10)
	equal(cover(node)["loops"]["lost"], 0, "loops lost while the control plane stood still")


def restarted(lab, node):
	"""Another control plane finds the stock, and goes on behind it."""
	node.kill("control")
	node.start("control")
	node.wait_ready()
	wait_for("its stocks", lambda: cover(node)["stock"]["packets"])
	returned(node, 10)
	seen = cover(node)["loops"]
	check(seen["foreign"] > 0, f"no loop of the process before came back: {seen}")
	equal((seen["lost"], sum_of(node, "cover_starved")), (0, STARVED[node.name]), f"after a restart: {seen}")


STARVED = {}

with Lab(network={**encrypted(60), "cover": {**encrypted(60)["cover"], **COVER}, "delay": QUICK}) as lab:
	lab.add("gateway", "gateway")
	lab.add("mix1", "mix", 1)
	lab.add("mix2", "mix", 2)
	lab.add("service", "service")
	lab.start()
	loops(lab)
	rate(lab, lab["mix1"])
	STARVED["gateway"] = sum_of(lab["gateway"], "cover_starved")
	restarted(lab, lab["gateway"])
	stopped(lab, lab["mix2"])
	capped(lab["service"])
	for node in lab:
		check(not {"cover_full", "cover_old", "no_link", "epoch", "no_key"} & set(drops(node)), f"{node.name}: {drops(node)}")
