#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Benchmarks on a network: loops measured against the law of delays, what workers carry against their own counters; loops of
somebody else stay; results outlive a control plane that is killed, and what it was at is told as interrupted."""
import signal

from _init import Lab, check, default_path, encrypted, equal, report, wait_for

MEAN_MS, MAX_MS = 20, 100
LATENCY = {"type": "latency", "seconds": 4, "rate": 50}
CRYPTO = {"type": "crypto", "seconds": 600}
ENDS_S = 120


def begin(node, order):
	"""Returns its path."""
	status, _, body = node.rest.call("POST", "/v1/benchmarks", order)
	equal(status, 202, f"{order} on {node.name}: {body}")
	return f"/v1/benchmarks/{body['operation']}"


def ended(node, path):
	def state():
		now = node.rest.get(path)
		return now if now["ended_at"] else None
	return wait_for(f"the end of {path} on {node.name}", state, ENDS_S)


def refused(node, order, code):
	status, _, body = node.rest.call("POST", "/v1/benchmarks", order)
	equal((status, body["code"]), (409, code), f"{order} on {node.name}")


def received(node):
	return sum(worker["rx"] for worker in report.workers(node))


def judge_latency(result):
	equal(result["nodes"], 3, "mixes of a path")
	check(result["sent"] > 80, f"loops in four seconds: {result}")
	equal((result["arrived"], result["lost"], result["unknown"]), (result["sent"], 0, 0), "what became of the loops")
	travel, owed = result["travel_ms"], result["owed_ms"]
	for spread in (travel, owed):
		check(0 < spread["p50"] <= spread["p90"] <= spread["p99"] <= spread["max"], f"{spread}")
	check(2.85 * MEAN_MS < owed["mean"] < 2.95 * MEAN_MS and owed["max"] <= 3 * MAX_MS, f"the law: {owed}")
	# No node gives less than it owes: the mean may be less than the law's by chance only, ten standard errors here.
	check(result["beyond_ms"] > -5 * result["beyond_error_ms"], f"packets came too early: {result}")
	check(abs(travel["mean"] - owed["mean"] - result["beyond_ms"]) < 1e-6, f"{result}")


def measured(lab):
	gateway, mix = lab["gateway"], lab["mix1"]
	before = received(mix)
	latency = begin(gateway, LATENCY)
	refused(gateway, CRYPTO, "benchmark_active")
	carried = ended(mix, begin(mix, {"type": "throughput", "seconds": 3}))
	now = ended(gateway, latency)
	after = received(mix)
	equal((carried["state"], now["state"]), ("done", "done"), "states")
	judge_latency(now["result"])
	result = carried["result"]
	packets = sum(worker["received_pps"] for worker in result["workers"]) * result["measured_s"]
	check(0 < packets <= after - before + 1, f"{packets} packets of {after - before}: {result}")
	check(abs(result["sum"]["received_pps"] * result["measured_s"] - packets) < 1, f"{result}")
	check(result["busiest_pps"] >= result["sum"]["sent_pps"] + result["sum"]["delivered_pps"] - 1e-6, f"{result}")
	equal(result["capacity_pps"], sum(worker["capacity_pps"] for worker in report.workers(mix)), "capacity")
	return latency


def others_loops(gateway):
	gateway.rest.post("/v1/loops", {"count": 10, "rate": 100})
	wait_for("the end of ordered loops", lambda: gateway.rest.get("/v1/loops")["state"] == "ended", ENDS_S)
	refused(gateway, LATENCY, "loops_kept")
	equal(len(gateway.rest.get("/v1/loops")["records"]), 10, "loops of somebody else")
	path = begin(gateway, {**LATENCY, "force": True})
	gateway.rest.call("DELETE", "/v1/loops")
	now = ended(gateway, path)
	equal((now["state"], now["error"] and now["error"]["code"]), ("failed", "loops_taken"), "loops that somebody has ended")


def killed(node, before):
	path = begin(node, CRYPTO)
	wait_for("a benchmark that runs", lambda: node.rest.get(path)["state"] == "running", ENDS_S)
	node.end("control", signal.SIGKILL)
	node.start("control")
	node.wait_ready()
	now = ended(node, path)
	equal((now["state"], now["error"]["code"], now["result"]), ("failed", "interrupted", None), "a benchmark whose control plane was killed")
	equal(node.rest.get(before)["result"]["type"], "latency", "an earlier result")
	listed = node.rest.get("/v1/benchmarks?type=latency&state=done")["benchmarks"]
	equal([one["id"] for one in listed], [int(before.rsplit("/", 1)[1])], "those that are done")
	equal(node.rest.call("DELETE", path)[0], 204, "removed")
	equal([row["status"] for row in node.audited(path)], [204], "rows of the audit")


def main(lab):
	lab.start()
	before = measured(lab)
	now = ended(lab["mix2"], begin(lab["mix2"], LATENCY))
	equal((now["state"], now["error"]["code"]), ("failed", "no_loops_here"), "loops of a mix")
	others_loops(lab["gateway"])
	killed(lab["gateway"], before)


with Lab(network={**encrypted(), "delay": {"mean": f"{MEAN_MS}ms", "max": f"{MAX_MS}ms"}}) as the_lab:
	for place in default_path():
		the_lab.add(*place)
	main(the_lab)
