#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The main job as a program sees it: one JSON object, every message and reply there, books closed. On a consensus
of four authorities, with cover: a sixth node joins while messages travel and carries some of them in a later epoch,
another one leaves, is switched off when it says so, and nothing is lost. Then once more without links, where the two
ends of each one agree to the packet."""
import json
import subprocess
import sys

from _init import LONG, ROOT, SANITIZED, check, equal

MESSAGES = 200 if SANITIZED and not LONG else 1000
BARE_MESSAGES = 1000 if LONG else 200
EPOCH_S = 60 if LONG else 16
JOINS, LEAVES = "mix4", "mix1"
HOPS = ["gateway", "mix1", "mix2", "mix3", "service"]
BOOKS = {"rx", "injected", "made", "tx", "delivered", "punted", "answered", "drops", "parked",
	"in_batch", "cover_stock", "port_lost", "accounting_gap"}


def demo(*words):
	done = subprocess.run(
		[sys.executable, ROOT / "config/lab/demo.py", "--once", "--json", *map(str, words)],
		stdout=subprocess.PIPE, text=True)
	equal(done.returncode, 0, "exit code")
	return json.loads(done.stdout)


def messages_there(result, least):
	"""Returns how many were sent."""
	sent = result["sent"]
	check(sent >= least, f"{sent} messages sent")
	for key, wanted in {"delivered": sent, "replies": sent - result["late"], "lost": 0, "corrupted": 0}.items():
		equal(result[key], wanted, key)
	check(result["late"] * 10 <= sent, f"{result['late']} of {sent} could not be answered in their epoch")
	return sent


def books_closed(nodes):
	for name, node in nodes.items():
		check(BOOKS <= set(node), f"fields of {name}: {set(node)}")
		came = node["rx"] + node["injected"] + node["made"]
		went = sum(node[key] for key in ("tx", "delivered", "punted", "answered", "drops", "parked", "in_batch",
			"cover_stock"))
		equal(came - went, 0, f"books of {name}")
		equal(node["accounting_gap"], 0, f"accounting gap of {name}")


def cover_came_back(nodes):
	for name, node in nodes.items():
		loops = node["cover"]["loops"]
		check(loops["returned"] > 0 and node["cover"]["cover_sent"] > loops["returned"], f"cover of {name}: {node['cover']}")
		check(node["cover"]["dummies"] > 0, f"dummies of {name}")
		equal((loops["lost"], loops["unknown"], node["cover"]["alerts"]), (0, 0, []), f"loops of {name}")


def changed(result, nodes, sent):
	joined, left = result["changes"]["joined"], result["changes"]["left"]
	equal((joined["name"], left["name"]), (JOINS, LEAVES), "who came and went")
	check(joined["carries_from"] > joined["epoch"], f"epochs of {JOINS}: {joined}")
	check(nodes[JOINS]["messages"] >= 20, f"messages over {JOINS}: {nodes[JOINS]['messages']}")
	equal(nodes[JOINS]["messages"] + nodes[LEAVES]["messages"], sent, "messages over one of the two")
	equal([name for name, node in nodes.items() if node["left"]], [LEAVES], "who has left")
	check(left["asked"] <= left["last_epoch"], f"epochs of {LEAVES}: {left}")
	check(left["sent_after"] >= 100, f"messages after {LEAVES} was gone: {left}")
	equal(left["over_it_after"], 0, f"messages over {LEAVES} that was gone")
	found = result["consensus"]
	equal({node["name"] for node in found["nodes"]}, {*HOPS, JOINS} - {LEAVES}, "nodes of the last consensus")
	check(found["epoch"] > left["last_epoch"], f"epoch of the last consensus: {found['epoch']}")
	check(found["threshold"] == 3 <= len(found["signed"]) <= 4, f"signatures: {found['signed']}")


def on_a_consensus():
	result = demo("--messages", MESSAGES, "--epoch", EPOCH_S)
	nodes = {node.pop("name"): node for node in result["nodes"]}
	equal(set(nodes), {*HOPS, JOINS}, "nodes")
	books_closed(nodes)
	cover_came_back(nodes)
	changed(result, nodes, messages_there(result, MESSAGES))
	check(result["epochs"]["rollovers"] >= 2, f"{result['epochs']}")
	for name, node in nodes.items():
		equal(node["key_drops"], {"epoch": 0, "no_key": 0, "no_link": 0}, f"drops for keys at {name}")
		check(node["sessions"]["handshakes"] >= 4, f"handshakes of {name}")
		if name != LEAVES:
			equal((node["sessions"]["up"], node["sessions"]["nodes"]), (4, 4), f"links of {name}")


def bare_links():
	result = demo("--messages", BARE_MESSAGES, "--links", "none")
	nodes = {node.pop("name"): node for node in result["nodes"]}
	equal(list(nodes), HOPS, "nodes")
	books_closed(nodes)
	sent = messages_there(result, BARE_MESSAGES)
	equal(nodes["service"]["delivered"], sent, "delivered at the service")
	equal(nodes["gateway"]["delivered"], sent, "replies delivered at the gateway")
	# With encrypted links nodes speak before all messages do, perhaps to a port that is just being opened.
	for name, node in nodes.items():
		equal((node["port_lost"], node["parked"]), (0, 0), f"port_lost of {name}, packets left in it")
	links = {(link["from"], link["to"]): link for link in result["links"]}
	forth = list(zip(HOPS, HOPS[1:]))
	back = [("service", "mix1"), ("mix1", "mix2"), ("mix2", "mix3"), ("mix3", "gateway")]
	equal(set(links), {*forth, *back}, "links")
	for ends, link in links.items():
		crossings = BARE_MESSAGES * ((ends in forth) + (ends in back))
		equal((link["tx"], link["rx"]), (crossings, crossings), f"packets on {ends}")


on_a_consensus()
bare_links()
