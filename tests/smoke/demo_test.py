#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The main job as a program sees it: one JSON object, every message and reply there, books closed. Links are
encrypted, and three times every node changes its mix key while messages travel: nothing is lost by it, nothing
is dropped for its key. Then once more without links, where the two ends of each one agree to the packet."""
import json
import subprocess
import sys

from _init import LONG, ROOT, SANITIZED, check, equal

MESSAGES = 200 if SANITIZED and not LONG else 1000
EPOCH_S = 60 if LONG else 12
ROLLOVERS = 3
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
	for key, wanted in {"delivered": sent, "replies": sent, "lost": 0, "corrupted": 0}.items():
		equal(result[key], wanted, key)
	return sent


def books_closed(nodes, sent):
	equal(list(nodes), HOPS, "nodes")
	for name, node in nodes.items():
		check(BOOKS <= set(node), f"fields of {name}: {set(node)}")
		came = node["rx"] + node["injected"] + node["made"]
		went = sum(node[key] for key in ("tx", "delivered", "punted", "answered", "drops", "parked", "in_batch",
			"cover_stock"))
		equal(came - went, 0, f"books of {name}")
		equal(node["accounting_gap"], 0, f"accounting gap of {name}")
		equal(node["parked"], 0, f"packets left in {name}")
	equal(nodes["service"]["delivered"], sent, "delivered at the service")
	equal(nodes["gateway"]["delivered"], sent, "replies delivered at the gateway")


def encrypted_links():
	result = demo("--messages", MESSAGES, "--epoch", EPOCH_S, "--rollovers", ROLLOVERS)
	nodes = {node.pop("name"): node for node in result["nodes"]}
	books_closed(nodes, messages_there(result, MESSAGES))
	check(result["epochs"]["rollovers"] >= ROLLOVERS, f"{result['epochs']}")
	for name, node in nodes.items():
		equal(node["key_drops"], {"epoch": 0, "no_key": 0, "no_link": 0}, f"drops for keys at {name}")
		equal((node["sessions"]["up"], node["sessions"]["nodes"]), (4, 4), f"links of {name}")
		check(node["sessions"]["handshakes"] >= 4, f"handshakes of {name}")


def bare_links():
	result = demo("--messages", MESSAGES, "--links", "none")
	nodes = {node.pop("name"): node for node in result["nodes"]}
	books_closed(nodes, messages_there(result, MESSAGES))
	# With encrypted links nodes speak before all messages do, perhaps to a port that is just being opened.
	for name, node in nodes.items():
		equal(node["port_lost"], 0, f"port_lost of {name}")
	links = {(link["from"], link["to"]): link for link in result["links"]}
	forth = list(zip(HOPS, HOPS[1:]))
	back = [("service", "mix1"), ("mix1", "mix2"), ("mix2", "mix3"), ("mix3", "gateway")]
	equal(set(links), {*forth, *back}, "links")
	for ends, link in links.items():
		crossings = MESSAGES * ((ends in forth) + (ends in back))
		equal((link["tx"], link["rx"]), (crossings, crossings), f"packets on {ends}")


encrypted_links()
bare_links()
