#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What an operator and a Prometheus see of a living node: every fogctl command as a table and as JSON,
/metrics by the rules of OpenMetrics, /readyz with and without a data plane, requests that are wrong,
and a network that changes its packets."""
import json
import re
import subprocess

from _init import Lab, check, equal, report, wait_for
from steady import SHORT, Steady, messages, three

SHOWN = ("status", "ready", "ports", "workers", "drops", "nodes", "receive", "top -n 2 --delay 0.2", "config show")
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'({NAME})(?:\{{((?:{NAME}="(?:[^"\\\n]|\\[\\"n])*",?)*)\}})? (\S+)$')
LABEL = re.compile(rf'({NAME})="((?:[^"\\]|\\.)*)"')
ENDINGS = {  # what a sample may be called after its family
	"counter": {"_total"}, "gauge": {""}, "unknown": {""}, "info": {"_info"}, "histogram": {"_bucket", "_count", "_sum"},
}


def fogctl(node, words):
	done = subprocess.run(
		[node.lab.bin / "fogctl", "--socket", node.socket_path, *words.split()], capture_output=True, text=True)
	check("(null)" not in done.stdout and "None" not in done.stdout, f"fogctl {words} prints: {done.stdout}")
	return done.returncode, done.stdout


class Family:
	def __init__(self, name):
		self.name, self.type, self.unit, self.samples = name, None, None, {}

	def add(self, ending, labels, value):
		check(ending in ENDINGS[self.type], f"{self.name}{ending} is no sample of a {self.type}")
		key = (ending, tuple(sorted(labels)))
		check(len(dict(labels)) == len(labels), f"{self.name}: a label twice in {labels}")
		check(key not in self.samples, f"{self.name}{ending}{labels} stands twice")
		if self.type in ("counter", "histogram"):
			check(value >= 0, f"{self.name}{ending} is {value}")
		self.samples[key] = value

	def check_buckets(self):
		series = {}
		for (ending, labels), value in self.samples.items():
			labels = dict(labels)
			bound = labels.pop("le", None)
			check((bound is not None) == (ending == "_bucket"), f"{self.name}{ending}: le")
			one = series.setdefault(tuple(sorted(labels.items())), {"buckets": []})
			if bound is None:
				one[ending] = value
			else:
				one["buckets"].append((float(bound), value))
		for labels, one in series.items():
			bounds, counts = zip(*one["buckets"])
			equal(list(bounds), sorted(set(bounds)), f"order of the buckets of {self.name} {labels}")
			equal(list(counts), sorted(counts), f"counts of {self.name} {labels}")
			equal(bounds[-1], float("inf"), f"last bucket of {self.name} {labels}")
			equal(counts[-1], one["_count"], f"count of {self.name} {labels}")
			check("_sum" in one, f"{self.name} {labels} lacks its sum")


def describe(families, family, line):
	"""A line with # in front. Returns the family that it belongs to."""
	_, what, name, rest = line.split(" ", 3)
	if family is None or family.name != name:
		check(name not in families, f"{name} comes twice")
		family = families[name] = Family(name)
	check(not family.samples, f"{line!r} behind its samples")
	if what == "TYPE":
		check(family.type is None and rest in ENDINGS, line)
		family.type = rest
	elif what == "UNIT":
		check(name.endswith("_" + rest), line)
	else:
		equal(what, "HELP", line)
	return family


def metrics(text):
	"""Family by name, by the grammar of OpenMetrics 1.0 as far as we use it."""
	check(text.endswith("\n# EOF\n"), "the end of /metrics")
	families, family = {}, None
	for line in text.split("\n")[:-2]:
		if line.startswith("#"):
			family = describe(families, family, line)
			continue
		sample = SAMPLE.match(line)
		check(sample, f"not a sample: {line!r}")
		name, labels, value = sample.groups()
		check(family is not None and name.startswith(family.name), f"{line!r} outside of its family")
		family.add(name[len(family.name):], LABEL.findall(labels or ""), float(value))
	for family in families.values():
		if family.type == "histogram":
			family.check_buckets()
	return families


def get_metrics(node):
	status, headers, body = node.rest.call("GET", "/metrics")
	equal((status, headers["Content-Type"].split(";")[0]), (200, "application/openmetrics-text"), "/metrics")
	return metrics(body.decode())


def total(families, name):
	return sum(families[name].samples.values())


def shows_all(node):
	for words in SHOWN:
		code, table = fogctl(node, words)
		check(code == 0 and table.strip(), f"fogctl {words}: {code}, {table!r}")
		code, text = fogctl(node, words + " -j")
		documents = [json.loads(line) for line in text.splitlines()]
		check(code == 0 and (documents or table == "no messages\n"), f"fogctl {words} -j: {code}, {text!r}")
	for word in ("--help", "--version", "help", "version"):
		equal(subprocess.run([node.lab.bin / "fogctl", word], capture_output=True).returncode, 0, f"fogctl {word}")


def measures(node):
	"""/metrics says what the other documents say."""
	families, books = get_metrics(node), report.node_books(node)
	for name, field in (("received", "rx"), ("injected", "injected"), ("sent", "tx"), ("delivered", "delivered")):
		equal(total(families, f"fog_worker_{name}_packets"), books[field], f"{name} of {node.name}")
	equal(total(families, "fog_drop_packets"), books["drops"], f"drops of {node.name}")
	equal(total(families, "fog_worker_accounting_gap_packets"), 0, f"gap of {node.name}")
	equal(total(families, "fog_data_plane_attached"), 1, "attached")
	check("fog_delay_owed_seconds" in families, "the delays are missing")


def without_data_plane(node):
	equal(node.end("data"), 0, "end of the data plane")
	wait_for("/readyz to notice", lambda: not node.ready())
	status, headers, answer = node.rest.call("GET", "/readyz")
	equal((status, answer["ready"], headers["Retry-After"]), (503, False, "1"), "/readyz")
	check("no_data_plane" in [reason["code"] for reason in answer["reasons"]], f"/readyz says {answer}")
	equal(node.rest.get("/healthz"), {"status": "alive"}, "/healthz")
	equal(node.rest.get("/v1/status")["books"], None, "books of nobody")
	equal(node.rest.get("/v1/workers"), {"workers": None, "sum": None}, "workers of nobody")
	check(all(reason["packets"] is None for reason in node.rest.get("/v1/drops")["reasons"]), "drops of nobody")
	families = get_metrics(node)
	equal(total(families, "fog_data_plane_attached"), 0, "attached")
	check(not [name for name in families if "worker" in name or "port" in name], "metrics of nobody")
	equal(fogctl(node, "ready")[0], 1, "fogctl ready")
	for words in ("ports", "workers", "drops", "top -n 1"):
		check("no data" in fogctl(node, words)[1], f"fogctl {words} shows what nobody measured")
	node.start("data")
	node.wait_ready()


def refuses(node):
	"""Requests that are wrong, each with its own code; nothing of them is sent."""
	before = node.rest.get("/v1/status")["messages"]["injected"]
	for body, status, code in (
		(b"{", 400, "bad_json"), (b"[]", 400, "bad_json"), (b'{"to":"service","to":"service","text":""}', 400, "bad_json"),
		({"to": "service", "text": "x", "x" + "ü" * 40: True}, 400, "unknown_field"),
		({"to": "service\0junk", "text": "x"}, 400, "bad_field"), ({"to": "service"}, 400, "bad_field"),
		({"to": "service", "text": "x", "path": ["mix1\0", "service"]}, 400, "bad_field"),
		({"reply_to": 1.0, "text": "x"}, 400, "bad_field"), ({"reply_to": 10 ** 30, "text": "x"}, 400, "bad_json"),
		({"to": "service", "data": "a"}, 400, "bad_field"), ({"to": "nobody", "text": "x"}, 422, "no_path"),
		({"to": "service", "text": "x" * 2000}, 413, "message_too_long"), (b" " * (1 << 20) + b"{}", 413, "body_too_large"),
	):
		got, headers, answer = node.rest.call("POST", "/v1/messages", body)
		equal((got, answer["code"]), (status, code), f"POST of {str(body)[:60]}")
		check("Allow" not in headers, f"{code} answers which methods there are, as if this were not one")
		check(answer["detail"] and answer["request_id"] == headers["X-Request-Id"], f"{code} says {answer}")
	equal(node.rest.get("/v1/status")["messages"]["injected"], before, "packets of refused requests")
	for method, place, status in (
		("GET", "/v1/messages?limit=0", 400), ("GET", "/v1/messages?whence=1", 400), ("GET", "/v1/statuss", 404),
		("DELETE", "/v1/messages", 405), ("PUT", "/v1/config", 428),
	):
		equal(node.rest.call(method, place)[0], status, f"{method} {place}")


def changes_packets(lab):
	"""A topology with other packets waits for the data plane's restart: until then nothing that it
	delivers is lost, and nothing is taken that it could not send."""
	gateway, mix, service = lab
	after = max(message["id"] for message in messages(service.rest))
	sent = report.node_books(mix)["tx"]
	service.end("control")
	texts = [f"on the way {i}" for i in range(5)]
	for text in texts:
		gateway.rest.post("/v1/messages", {"to": "service", "text": text})
	wait_for("the messages to have left the mix", lambda: report.node_books(mix)["tx"] >= sent + len(texts))
	lab.network = {**SHORT, "geometry": "custom", "custom": {"slots": 4, "payload": 800}}
	lab.write_topology()
	service.start("control")
	wait_for("what the old packets brought", lambda:
		sorted(message["text"] for message in messages(service.rest, after)) == texts)
	wait_for("the warning", lambda: "restart_data_plane" in [
		warning["code"] for warning in gateway.rest.get("/v1/status")["warnings"]])
	status, _, answer = gateway.rest.call("POST", "/v1/messages", {"to": "service", "text": "too early"})
	equal((status, answer["code"]), (503, "restart_data_plane"), "a message before the restart")
	equal(gateway.rest.get("/v1/status")["data_plane"]["control_faults"], 0, "quarrels with the data plane")
	for node in lab:
		node.end("data")
		lab.compile(node)
		node.start("data")
	for node in lab:
		node.wait_ready()
	gateway.rest.post("/v1/messages", {"to": "service", "text": "smaller"})
	wait_for("a message in the new packets", lambda: messages(service.rest, after)[-1]["text"] == "smaller")


with Lab(network=SHORT) as lab:
	three(lab)
	with Steady(lab) as traffic:
		traffic.more()
		for node in lab:
			get_metrics(node)
		traffic.arrive()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	for node in lab:
		shows_all(node)
		measures(node)
	refuses(lab["gateway"])
	without_data_plane(lab["gateway"])
	changes_packets(lab)
	refused = subprocess.run(
		[lab.bin / "fogctl", "--socket", lab.run.folder / "nowhere", "status"], capture_output=True, text=True)
	equal(refused.returncode, 3, "fogctl without a control plane")
	check("No such file" in refused.stderr, f"fogctl without a control plane says {refused.stderr!r}")
