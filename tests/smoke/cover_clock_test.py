#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""When cover leaves is the worker's affair: gaps are exponential with the configured mean while the control plane is
idle, while it is under load (requests, reloads of its configuration), and while it stands still and the stock is empty;
by the worker's own clock, and as the link shows it. What a link shows is a sum of Poisson streams, and so one itself;
with --long it has to be, else it is only said: on a host where the worker shares its core with other tests, frames leave
when it gets it back."""
import contextlib
import json
import signal
import threading
import time

from _init import LONG, Lab, Rest, check, encrypted, wait_for
from hidden import ALPHA, Timed, exponential, smirnov, total, traced

MEAN_NS = 10_000_000  # of a node's cover, half loops and half drop packets
COVER = {"loops": "20ms", "drops": "20ms", "slack": "3s"}
# A quarter of the loops of each of the two mixes comes by the gateway; a dummy goes where packets went.
LINK_NS = MEAN_NS / 1.5
FRAMES = 600
PATHS = ("/v1/cover", "/v1/workers", "/metrics", "/v1/status", "/v1/links")


@contextlib.contextmanager
def load(node):
	"""Requests as fast as they are answered, and another configuration five times a second."""
	stop, asked, reloads = threading.Event(), [0] * len(PATHS), [0]

	def ask(at):
		rest = Rest(node.socket_path)
		while not stop.is_set():
			rest.get(PATHS[at])
			asked[at] += 1
		rest.close()

	def reload():
		config = json.loads(node.config_path.read_text())
		while not stop.wait(0.2):
			reloads[0] += 1
			changed = {**config, "cover": {"max_rate": 10000 + reloads[0]}}
			node.config_path.write_text(json.dumps(changed))
			node.processes["control"].send_signal(signal.SIGHUP)
		node.config_path.write_text(json.dumps(config))
	before = node.rest.get("/v1/status")["data_plane"]["generation"]
	threads = [threading.Thread(target=ask, args=(at,)) for at in range(len(PATHS))] + [threading.Thread(target=reload)]
	for thread in threads:
		thread.start()
	try:
		yield
	finally:
		stop.set()
		for thread in threads:
			thread.join()
	applied = node.rest.get("/v1/status")["data_plane"]["generation"] - before
	print(f"{sum(asked)} requests, {reloads[0]} reloads, {applied} configurations")
	check(min(asked) > 10 and applied > 3, f"no load: {asked}, {applied} configurations")


def gaps(times):
	return [b - a for a, b in zip(times, times[1:])]


def watched(lab, node, to, clock=True):
	"""Gaps of the link, in ns, and of the turns of the worker's clock."""
	turns = []
	with Timed(lab.switch.netns, node.switch_port, node.ip4, to.ip4) as timed:
		if clock:
			turns = [due for due, real in traced(node, FRAMES * 3 // 2, 60, due=True) if not real]
		wait_for("frames", lambda: len(timed.frames) >= FRAMES)
	return gaps([frame.ns for frame in timed.frames]), gaps(turns)


def obeys(what, found, mean, must=True):
	d, chance = exponential(found, mean)
	print(f"{what}: {len(found)} gaps of {sum(found) / len(found) / 1e6:.2f} ms, D {d:.3f}, chance {chance:.2g}")
	if not must:
		return
	check(chance > ALPHA, f"{what}: not exponential with {mean / 1e6:.2f} ms: D = {d:.3f}, chance {chance:.2g}")
	# The check can fail: another mean, and gaps that are all alike.
	check(exponential(found, mean * 1.8)[1] < ALPHA, f"{what}: another mean isn't noticed")
	check(exponential([mean] * len(found), mean)[1] < ALPHA, f"{what}: a regular clock isn't noticed")


def starved(lab, node, to):
	"""The control plane stands still, and the stock is empty."""
	before = total(node, "cover_starved")
	node.processes["control"].send_signal(signal.SIGSTOP)
	try:
		time.sleep(256 * MEAN_NS / 1e9)  # twice what the stock lasts
		found, _ = watched(lab, node, to, clock=False)
	finally:
		node.processes["control"].send_signal(signal.SIGCONT)
	check(total(node, "cover_starved") - before > len(found) / 2, "the stock was not empty")
	return found


with Lab(network={**encrypted(120), "cover": {**encrypted(120)["cover"], **COVER}}) as lab:
	for name, role, layer in (("gateway", "gateway", 0), ("mix1", "mix", 1), ("mix2", "mix", 2), ("service", "service", 0)):
		# On an appliance the worker has its core for itself.
		lab.add(name, role, layer).prefix = {"data": ["nice", "-n", "-15"], "control": ["nice", "-n", "5"]}
	lab.start()
	gateway, mix = lab["gateway"], lab["mix1"]
	for node in lab:
		wait_for("cover", lambda node=node: total(node, "cover_sent") > 50)
	idle_link, idle_clock = watched(lab, gateway, mix)
	with load(gateway):
		busy_link, busy_clock = watched(lab, gateway, mix)
	empty_link = starved(lab, gateway, mix)
	obeys("clock, idle", idle_clock, MEAN_NS)
	obeys("clock, under load", busy_clock, MEAN_NS)
	obeys("link, idle", idle_link, LINK_NS, LONG)
	obeys("link, under load", busy_link, LINK_NS, LONG)
	obeys("link, empty stock", empty_link, LINK_NS, LONG)
	d, chance = smirnov(idle_link, busy_link)
	check(not LONG or chance > ALPHA, f"load changes the gaps of the link: D = {d:.3f}, chance {chance:.2g}")
