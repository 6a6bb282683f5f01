#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The main job: appliances in network namespaces, real messages through them and replies back.

Four authorities agree on who is in the network. The gateway wraps each message for a path over a mix of each
layer to the service, which answers by the reply block that came along. Every byte is compared at both ends.
Links are encrypted, nodes send cover traffic, and change their mix keys at each epoch while messages travel; a sixth
node joins meanwhile, and one leaves.
"""
import argparse
import json
import pathlib
import signal
import sys
import time

import attack
import report
from changes import Changes
from lab import ROOT, Lab, LabError, default_path, encrypted
from traffic import Traffic

LIVE_EVERY_S = 1
JOINS, LEAVES = ("mix4", "mix", 1), "mix1"  # the new one's wish is the layer of the one that leaves
DIRECTORY_EPOCH_MIN_S = 12  # an eighth of it is what authorities have for a round


def parse():
	parser = argparse.ArgumentParser(prog="./fogline demo", description=__doc__.split("\n")[0])
	parser.add_argument("--once", action="store_true", help="exit after the summary")
	parser.add_argument("--messages", type=int, metavar="N",
		help="messages to send (default 200, with --once 1000)")
	parser.add_argument("--rollovers", type=int, default=0, metavar="N",
		help="go on sending until every node has changed its mix key so often (default 0)")
	parser.add_argument("--epoch", type=int, default=24, metavar="S",
		help="seconds of an epoch: the time of a consensus and of a mix key (default 24, at least 12)")
	parser.add_argument("--links", choices=("noise", "none"), default="noise",
		help="none: bare packets, one mix key for good, nobody joins or leaves")
	parser.add_argument("--authorities", type=int, metavar="N",
		help="authorities that agree on the nodes (default 4); 0: the network file lists the nodes, nobody joins or leaves")
	parser.add_argument("--still", action="store_true", help="nobody joins or leaves")
	parser.add_argument("--attack", choices=("n-1",),
		help="in place of all that: all but one sender's packets are kept away from a mix, which is flooded")
	parser.add_argument("--json", action="store_true",
		help="print one object on standard output, everything else on standard error")
	parser.add_argument("--text", type=pathlib.Path, default=ROOT / "LICENSE", metavar="FILE",
		help="text that the messages are cut from (default: LICENSE)")
	options = parser.parse_args()
	if options.messages is None:
		options.messages = 1000 if options.once else 200
	if options.messages < 1:
		parser.error("--messages: at least 1")
	if options.epoch < 12:
		parser.error("--epoch: at least 12, or a path's delays outlast it")
	if options.rollovers and options.links == "none":
		parser.error("--rollovers: with --links none there are no epochs")
	if options.authorities is None:
		options.authorities = 4 if options.links == "noise" else 0
	if options.authorities and options.links == "none":
		parser.error("--authorities: with --links none there is no directory")
	if not 0 <= options.authorities <= 16:
		parser.error("--authorities: 0 to 16")
	if options.attack and not options.authorities:
		parser.error("--attack: the attacker has to join, which takes authorities")
	options.still = options.still or not options.authorities
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
				self.passed = min(epochs[name] - first for name, first in self.first.items() if name in epochs)
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
			*report.hop_table(self.lab, traffic),
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
		*([f"  {fogctl} --socket {lab['mix2'].socket_path} cover"] if lab.noise else []),
		f"  curl --unix-socket {gateway.socket_path} http://localhost/v1/workers",
		*([f"  {fogctl} --socket {gateway.socket_path} consensus show"] if lab.authorities else []), "",
		"REST sockets:", *(f"  {node.name:<8} {node.socket_path}" for node in lab), "",
		"Ctrl-C ends it and removes everything.",
	)


def pass_messages(lab, options):
	"""Returns the summary's object and sentences about what is wrong with it."""
	traffic = Traffic(
		lab["gateway"].rest, lab["service"].rest, "service", options.text.read_bytes(), options.messages)
	rollovers = Rollovers(lab, options.rollovers)
	changes = None if options.still else Changes(lab, traffic, options.epoch, JOINS, LEAVES, say)
	live = Live(lab, traffic, rollovers)
	before = report.missing(lab)
	start = time.monotonic()
	# Both are asked each time: each of them has something to do meanwhile.
	traffic.run(live, lambda: all([rollovers.enough(), changes is None or changes.enough()]))
	took = time.monotonic() - start
	still = lab.covered or report.rest_of(lab)
	live.show()
	result = report.summary(lab, traffic)
	if changes:
		result["changes"] = changes.facts
	if lab.noise:
		result["missing_before"] = before
		result["epochs"] = {"seconds": options.epoch, "rollovers": rollovers.passed}
	say(
		"", f"{result['sent']} messages from {options.text.name} in {took:.1f} s: "
		f"{result['delivered']} delivered, {result['replies']} replies, {result['lost']} lost, "
		f"{result['corrupted']} corrupted" + (f", {result['late']} too late for a reply in their epoch" if result["late"] else ""),
		f"gateway to service p50/p99/max: {report.quantiles(traffic.latency)}; "
		f"with reply: {report.quantiles(traffic.round_trip)}",
		*(report.directory(result["consensus"]) if lab.authorities else []),
		*(changes.lines() if changes else []),
		*report.security(lab, result),
		*(f"frames {link['from']} -> {link['to']}: {link['tx']} sent, {link['rx']} received"
			for link in result["links"]),
		*(f"books of {node['name']}: gap {node['accounting_gap']}" for node in result["nodes"]),
	)
	wrong = report.faults(result, lab.noise) + traffic.wrong + (changes.faults() if changes else [])
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


def network(options):
	"""Keys of the network file that are ours; None: all defaults. Overlaps as long as they may be: a stock of cover
	lasts for 8 s, give or take what its clock's law does, and its packets then need their time for the path."""
	if options.links == "none":
		return None
	keys = encrypted(options.epoch)
	return {**keys, "mix_key": {**keys["mix_key"], "overlap": f"{options.epoch // 2}s"}, "cover": attack.COVER}


def first_consensus(epoch_s):
	"""When the nodes of the first consensus are on paths, and why not earlier: what the start waits for."""
	now = time.time()
	epoch, at = divmod(now, epoch_s)
	counts = int(epoch) + (1 if at < epoch_s * 5 / 8 else 2)
	return (f"authorities take descriptors until 5/8 of an epoch of {epoch_s} s; the first consensus is that of epoch "
		f"{counts}, in {counts * epoch_s - now:.0f} s; {epoch_s * 3 / 16:.3g} s later all know of it")


def start(lab, nodes, options):
	say(f"starting {len(nodes)} appliances: " + ", ".join(name for name, _, _ in nodes)
		+ (f"; and {options.authorities} authorities" if options.authorities else ""))
	began = time.monotonic()
	for name, role, layer in nodes:
		lab.add(name, role, layer)
	if options.authorities:
		say(first_consensus(options.epoch))
	lab.start()
	say(f"all ready after {time.monotonic() - began:.1f} s")
	if lab.authorities:
		say(*report.directory(report.consensus(next(iter(lab)))))


def send(lab, options):
	"""The demo's messages. Returns the summary's object and what is wrong."""
	say(f"sending {options.messages} messages"
		+ (f", and on until {options.rollovers} changes of mix keys are over" if options.rollovers else "")
		+ ("" if options.still else f", and on while {JOINS[0]} joins and {LEAVES} leaves"))
	return pass_messages(lab, options)


def demonstrate(options):
	"""Returns whether all went as it has to."""
	with Lab(network=network(options), directory=options.authorities) as lab:
		start(lab, attack.NODES if options.attack else default_path(), options)
		result, wrong = attack.stage(lab, options.epoch, say) if options.attack else send(lab, options)
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
