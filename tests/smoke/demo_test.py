#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The main job as a program sees it: one JSON object, every message and reply there, books closed."""
import json
import subprocess
import sys

from _init import LONG, ROOT, SANITIZED, equal

MESSAGES = 200 if SANITIZED and not LONG else 1000
HOPS = ["gateway", "mix1", "mix2", "mix3", "service"]
BOOKS = {"rx", "injected", "made", "tx", "delivered", "punted", "answered", "drops", "parked",
	"in_batch", "port_lost", "accounting_gap"}

done = subprocess.run(
	[sys.executable, ROOT / "config/lab/demo.py", "--once", "--json", "--messages", str(MESSAGES)],
	stdout=subprocess.PIPE, text=True)
equal(done.returncode, 0, "exit code")
result = json.loads(done.stdout)

for key, wanted in {
	"sent": MESSAGES, "delivered": MESSAGES, "replies": MESSAGES, "lost": 0, "corrupted": 0,
}.items():
	equal(result[key], wanted, key)

nodes = {node.pop("name"): node for node in result["nodes"]}
equal(list(nodes), HOPS, "nodes")
for name, node in nodes.items():
	equal(set(node), BOOKS, f"fields of {name}")
	came = node["rx"] + node["injected"] + node["made"]
	went = sum(node[key] for key in ("tx", "delivered", "punted", "answered", "drops", "parked", "in_batch"))
	equal(came - went, 0, f"books of {name}")
	equal(node["accounting_gap"], 0, f"accounting gap of {name}")
	equal(node["port_lost"], 0, f"port_lost of {name}")
	equal(node["parked"] + node["in_batch"], 0, f"packets left in {name}")
equal(nodes["service"]["delivered"], MESSAGES, "delivered at the service")
equal(nodes["gateway"]["delivered"], MESSAGES, "replies delivered at the gateway")

links = {(link["from"], link["to"]): link for link in result["links"]}
forth = list(zip(HOPS, HOPS[1:]))
back = [("service", "mix1"), ("mix1", "mix2"), ("mix2", "mix3"), ("mix3", "gateway")]
equal(set(links), {*forth, *back}, "links")
for ends, link in links.items():
	crossings = MESSAGES * ((ends in forth) + (ends in back))
	equal((link["tx"], link["rx"]), (crossings, crossings), f"packets on {ends}")
