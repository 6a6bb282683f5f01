#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The main job: five appliances in network namespaces, real messages through them and replies back.

The gateway wraps each message for the path gateway, mix1, mix2, mix3, service; the service answers
by the reply block that came along. Every byte is compared at both ends. Links are encrypted, and every node
changes its mix key at each epoch while messages travel.
"""
import argparse
import json
import pathlib
import signal
import sys
import time

import report
from lab import ROOT, Lab, LabError, default_path, encrypted
from traffic import Traffic

LIVE_EVERY_S = 1


def parse():
	parser = argparse.ArgumentParser(prog="./fogline demo", description=__doc__.split("\n")[0])
	parser.add_argument("--once", action="store_true", help="exit after the summary")
	parser.add_argument("--messages", type=int, metavar="N",
		help="messages to send (default 200, with --once 1000)")
	parser.add_argument("--rollovers", type=int, metavar="N",
		help="go on sending until every node has changed its mix key so often (default 0, with --once 3)")
	parser.add_argument("--epoch", type=int, default=60, metavar="S",
		help="seconds that a mix key is the newest one (default 60, at least 12)")
	parser.add_argument("--links", choices=("noise", "none"), default="noise",
		help="none: bare packets, one mix key for good")
	parser.add_argument("--json", action="store_true",
		help="print one object on standard output, everything else on standard error")
	parser.add_argument("--text", type=pathlib.Path, default=ROOT / "LICENSE", metavar="FILE",
		help="text that the messages are cut from (default: LICENSE)")
	options = parser.parse_args()
	if options.messages is None:
		options.messages = 1000 if options.once else 200
	if options.rollovers is None:
		options.rollovers = 3 if options.once and options.links == "noise" else 0
	if options.messages < 1:
		parser.error("--messages: at least 1")
	if options.epoch < 12:
		parser.error("--epoch: at least 12, or a path's delays outlast it")
	if options.rollovers and options.links == "none":
		parser.error("--rollovers: with --links none there are no epochs")
	return options


def say(*lines):
	"""For people; standard output stays free for the object of --json."""
	print(*lines, sep="\n", file=sys.stderr, flush=True)


class Rollovers:
	"""How often every node has changed its newest mix key since this was made, as its data plane says."""

	LOOK_EVERY_S = 0.5

	def __init__(self, lab, wanted):
		self.lab, self.wanted = lab, wanted
		self.first, self.passed, self.next = {}, 0, 0
		self.enough()

	def enough(self):
		if self.lab.noise and time.monotonic() >= self.next:
			self.next = time.monotonic() + self.LOOK_EVERY_S
			epochs = {node.name: report.key_epoch(node) for node in self.lab}
			if None not in epochs.values():
				self.first = self.first or epochs
				self.passed = min(epochs[name] - first for name, first in self.first.items())
		return self.passed >= self.wanted


class Live:
	"""The table while messages travel: redrawn on a terminal, every few seconds elsewhere."""

	def __init__(self, lab, traffic, rollovers):
		self.lab, self.traffic, self.rollovers = lab, traffic, rollovers
		self.redraw = sys.stderr.isatty()
		self.every = LIVE_EVERY_S if self.redraw else 5 * LIVE_EVERY_S
		self.next, self.drawn = 0, 0

	def __call__(self):
		if time.monotonic() < self.next:
			return
		self.next = time.monotonic() + self.every
		self.show()

	def show(self):
		traffic = self.traffic
		lines = [
			f"sent {len(traffic.sent)}  delivered {len(traffic.delivered)}  "
			f"replies {len(traffic.replied)}  corrupted {traffic.corrupted}"
			+ (f"  rollovers {self.rollovers.passed}" if self.lab.noise else ""),
			*report.hop_table(self.lab),
		]
		if self.redraw and self.drawn:
			sys.stderr.write(f"\x1b[{self.drawn}A\x1b[J")
		say(*lines)
		self.drawn = len(lines)


def how_to_go_on(lab):
	gateway, service = lab["gateway"], lab["service"]
	fogctl = lab.bin / "fogctl"
	say(
		"", "The network goes on running. In another terminal, as root, try:", "",
		f"  {fogctl} --socket {gateway.socket_path} status",
		f"  {fogctl} --socket {gateway.socket_path} send --to service 'hello'",
		f"  {fogctl} --socket {service.socket_path} receive",
		f"  {fogctl} --socket {lab['mix2'].socket_path} top",
		f"  curl --unix-socket {gateway.socket_path} http://localhost/v1/workers", "",
		"REST sockets:", *(f"  {node.name:<8} {node.socket_path}" for node in lab), "",
		"Ctrl-C ends it and removes everything.",
	)


def pass_messages(lab, options):
	"""Returns the summary's object and sentences about what is wrong with it."""
	traffic = Traffic(
		lab["gateway"].rest, lab["service"].rest, "service", options.text.read_bytes(), options.messages)
	rollovers = Rollovers(lab, options.rollovers)
	live = Live(lab, traffic, rollovers)
	before = report.missing(lab)
	start = time.monotonic()
	traffic.run(live, rollovers.enough)
	took = time.monotonic() - start
	still = report.rest_of(lab)
	live.show()
	result = report.summary(lab, traffic)
	if lab.noise:
		result["missing_before"] = before
		result["epochs"] = {"seconds": options.epoch, "rollovers": rollovers.passed}
	say(
		"", f"{result['sent']} messages from {options.text.name} in {took:.1f} s: "
		f"{result['delivered']} delivered, {result['replies']} replies, {result['lost']} lost, "
		f"{result['corrupted']} corrupted",
		f"gateway to service p50/p99/max: {report.quantiles(traffic.latency)}; "
		f"with reply: {report.quantiles(traffic.round_trip)}",
		*report.security(lab, result),
		*(f"frames {link['from']} -> {link['to']}: {link['tx']} sent, {link['rx']} received"
			for link in result["links"]),
		*(f"books of {node['name']}: gap {node['accounting_gap']}" for node in result["nodes"]),
	)
	wrong = report.faults(result, lab.noise)
	if not still:
		wrong.append("traffic doesn't come to rest")
	if rollovers.passed < options.rollovers:
		wrong.append(f"{rollovers.passed} rollovers of {options.rollovers}")
	return result, wrong


def stay(lab):
	"""Until Ctrl-C, or until an appliance ends by itself."""
	try:
		while True:
			time.sleep(1)
			for node in lab:
				node.check_alive()
	except KeyboardInterrupt:
		say("")


def demonstrate(options):
	"""Returns whether all went as it has to."""
	with Lab(network=encrypted(options.epoch) if options.links == "noise" else None) as lab:
		say("starting five appliances: " + ", ".join(name for name, _, _ in default_path()))
		start = time.monotonic()
		for name, role, layer in default_path():
			lab.add(name, role, layer)
		lab.start()
		say(f"all ready after {time.monotonic() - start:.1f} s; sending {options.messages} messages"
			+ (f", and on until {options.rollovers} changes of mix keys are over" if options.rollovers else ""))
		result, wrong = pass_messages(lab, options)
		if options.json:
			print(json.dumps(result), flush=True)
		for sentence in wrong:
			say(f"wrong: {sentence}")
		if not options.once:
			how_to_go_on(lab)
			stay(lab)
	return not wrong


def main():
	options = parse()
	# A plain kill ends the demo like Ctrl-C; after SIGKILL the guard cleans up. Whoever starts it in the
	# background has SIGINT ignored, and that is inherited.
	for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
		signal.signal(name, signal.default_int_handler)
	try:
		return 0 if demonstrate(options) else 1
	except KeyboardInterrupt:
		say("", "interrupted; everything is removed")
		return 130
	except (LabError, OSError) as error:
		say(f"demo: {error}")
		return 1


if __name__ == "__main__":
	sys.exit(main())
