#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The configuration changes under traffic: a next hop goes and comes back, and nothing is lost but
what was on its way to it; changes by PUT /v1/config, stale ones and such that need a restart."""
import json
import os
import re
import signal
import time

from _init import Lab, books, check, drops, equal, report, wait_for
from steady import Steady

GONE = {"next_hop_gone", "unknown_next_hop"}
# Long enough that packets are parked for the node that goes.
DELAY = {"delay": {"mean": "200ms", "max": "1s"}}


def write_topology(lab, without=()):
	"""The network without some nodes, as every node sees it at once."""
	lab.write_topology()
	whole = json.loads(lab.topology_path.read_text())
	whole["nodes"] = [entry for entry in whole["nodes"] if entry["name"] not in without]
	fresh = lab.topology_path.with_suffix(".new")
	fresh.write_text(json.dumps(whole))
	fresh.chmod(0o644)
	fresh.rename(lab.topology_path)


def know(nodes, wanted):
	"""Wait until nodes see just these nodes, and their data planes too."""
	for node in nodes:
		wait_for(f"{node.name} to know {wanted}", lambda node=node:
			{entry["name"] for entry in node.rest.get("/v1/nodes")["nodes"]} == wanted and node.ready())


def remove(lab, traffic, others):
	"""mix1b leaves the network; returns how many packets that has cost."""
	traffic.more(60)
	write_topology(lab, without=["mix1b"])
	know(others, {node.name for node in others})
	traffic.more(60)
	traffic.stop()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	lost = {}
	for node in lab:
		for reason, count in drops(node).items():
			check(reason in GONE, f"{node.name} dropped {count} packets: {reason}")
			lost[reason] = lost.get(reason, 0) + count
	arrived = traffic.arrived(lab["service"])
	equal(len(set(arrived)), len(arrived), "distinct messages")
	equal(len(arrived) + sum(lost.values()), traffic.sent, f"messages, and packets dropped {lost}")
	check(lost.get("next_hop_gone"), f"no packet was parked for the node that left: {lost}")
	return lost


def come_back(lab):
	"""mix1b is in the network again. The gateway's data plane knows it later than its control plane, which chooses
	the paths: nothing may be sent over mix1b until then."""
	wanted, data = {node.name for node in lab}, lab["gateway"].processes["data"]
	data.send_signal(signal.SIGSTOP)
	try:
		write_topology(lab)
		wait_for("the gateway to know mix1b", lambda:
			wanted == {entry["name"] for entry in lab["gateway"].rest.get("/v1/nodes")["nodes"]}, every=0.01)
		time.sleep(0.1)  # ten messages
	finally:
		data.send_signal(signal.SIGCONT)
	know(lab, wanted)


def topology(lab):
	others = [node for node in lab if node.name != "mix1b"]
	with Steady(lab, replies=False) as traffic:
		remove(lab, traffic, others)
	forwarded = books(lab["mix1b"])["tx"]
	check(forwarded > 0, "mix1b was never on a path")
	before = {node.name: drops(node) for node in lab}
	# Without replies: their way is the sender's choice, who may know the node before the others do.
	with Steady(lab, replies=False) as traffic:
		traffic.more()
		equal(books(lab["mix1b"])["tx"], forwarded, "packets through the node that has left")
		come_back(lab)
		wait_for("packets over mix1b again", lambda: books(lab["mix1b"])["tx"] > forwarded, alive=traffic.alive)
		traffic.more()
		traffic.arrive()
	for node in lab:
		equal(drops(node), before[node.name], f"drops of {node.name} after a node has come back")
		equal(books(node)["accounting_gap"], 0, f"accounting gap of {node.name}")


def put(node, config, etag, wanted=200):
	status, headers, body = node.rest.call("PUT", "/v1/config", config, {"If-Match": etag})
	equal(status, wanted, f"status of PUT ({body})")
	return body, headers.get("ETag")


def by_put(lab, node):
	"""Under traffic, at the gateway."""
	os.chown(node.folder, node.uid, node.uid)  # where its configuration is replaced
	_, headers, config = node.rest.call("GET", "/v1/config")
	first = headers["ETag"]
	with Steady(lab) as traffic:
		# In force at once.
		copy = lab.topology_path.with_name("topology-2.yaml")
		copy.write_text(re.sub(r'"mean": "\w+"', '"mean": "20ms"', lab.topology_path.read_text()))
		copy.chmod(0o644)
		generation = node.rest.get("/v1/status")["data_plane"]["generation"]
		body, etag = put(node, {**config, "topology": str(copy)}, first)
		equal(body["state"], "in_force", f"state of a change of the topology file's name ({body})")
		wait_for("a configuration of a later generation", lambda:
			node.rest.get("/v1/status")["data_plane"]["generation"] > generation)
		wait_for("readiness after the change", node.ready)

		# Made from what is there no more, or wrong: nothing changes.
		put(node, config, first, 412)
		put(node, {**config, "no_such_key": 1}, etag, 422)
		put(node, config, '"of another kind"', 412)
		put(node, config, "without quotes", 400)
		equal(node.rest.call("PUT", "/v1/config", config)[0], 428, "status of PUT without If-Match")
		equal(node.rest.call("GET", "/v1/config")[1]["ETag"], etag, "ETag after changes that were refused")

		# What a running data plane can't do.
		memory = {**config["memory"], "packet_buffers": config["memory"]["packet_buffers"] * 2}
		body, etag = put(node, {**config, "memory": memory}, etag)
		equal((body["state"], body["restart_needed"]), ("refused", "data_plane"), "change of the memory")
		check("restart fog-dataplane" in body["text"], f"the data plane's sentence: {body['text']}")
		codes = {entry["code"] for entry in node.rest.get("/v1/status")["warnings"]}
		check("restart_data_plane" in codes, f"warnings {codes}")
		traffic.more()
		traffic.arrive()
	node.end("data")
	lab.compile(node)
	node.start("data")
	node.wait_ready()
	equal(node.rest.get("/v1/status")["data_plane"]["buffers_total"], memory["packet_buffers"], "buffers")
	codes = {entry["code"] for entry in node.rest.get("/v1/status")["warnings"]}
	check("restart_data_plane" not in codes, f"warnings {codes} after the restart")


with Lab(network=DELAY) as lab:
	for name, role, layer in (
		("gateway", "gateway", 0), ("mix1a", "mix", 1), ("mix1b", "mix", 1), ("service", "service", 0),
	):
		lab.add(name, role, layer)
	lab.start()
	topology(lab)
	by_put(lab, lab["gateway"])
