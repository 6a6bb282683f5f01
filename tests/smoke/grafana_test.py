#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Dashboard and alert rules name only what exists: every metric, label and label value of their queries is
looked up in what a running appliance exports. promtool checks that Prometheus takes the queries, and that
alerts come when they should."""
import json
import pathlib
import re
import subprocess
import tempfile

from _init import ROOT, Lab, check, encrypted, equal, wait_for
from steady import SHORT, Steady, three

GRAFANA = ROOT / "config" / "grafana"
CACHE = ROOT / "build" / "promtool"
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+$')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
SELECTOR = re.compile(r'\b(fog_\w+|up)\b(?:\{([^}]*)\})?')
MATCHER = re.compile(r'([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"([^"]*)"')
TARGET = {"instance", "job"}  # labels that Prometheus itself puts on every sample of a target


def exported(text):
	"""name of a sample -> label -> the values that it has."""
	found = {}
	for line in text.splitlines():
		if line.startswith("#"):
			continue
		name, labels = SAMPLE.match(line).groups()
		one = found.setdefault(name, {})
		for label, value in LABEL.findall(labels or ""):
			one.setdefault(label, set()).add(value)
	return found


def dashboard():
	"""(where, query, labels that its legend names)."""
	board = json.loads((GRAFANA / "fogline.json").read_text())
	for panel in board["panels"]:
		for target in panel.get("targets", []):
			yield panel["title"], target["expr"], set(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]))
	for variable in board["templating"]["list"]:
		if variable["type"] == "query":
			yield variable["name"], re.match(r"label_values\((.*), (\w+)\)$", variable["definition"])[1], set()


def rules():
	text = (GRAFANA / "alerts.yaml").read_text()
	parts = re.split(r"^      - alert: ", text, flags=re.MULTILINE)[1:]
	equal(len(parts), text.count("expr: "), "rules with a query")
	for part in parts:
		name = part.split("\n", 1)[0]
		check(all(f"\n          {field}: " in part for field in ("summary", "mend")), f"{name} lacks a sentence")
		query = re.search(r"^        expr: (.*)$", part, re.MULTILINE)[1]
		yield name, query, set(re.findall(r"\$labels\.(\w+)", part))


def look_up(where, query, shown, found):
	"""Every selector of a query against what is exported."""
	selectors = SELECTOR.findall(query)
	check(selectors, f"{where}: no metric in {query}")
	known = set(TARGET)
	for name, matchers in selectors:
		if name == "up":
			continue
		check(name in found, f"{where}: nothing exports {name}")
		known |= set(found[name])
		for label, how, value in MATCHER.findall(matchers):
			check(label in TARGET or label in found[name], f"{where}: {name} has no label {label}")
			for word in value.split("|") if how == "=~" else [value]:
				if label not in TARGET:
					check(word in found[name][label], f"{where}: {name} never has {label}={word}")
	for labels in re.findall(r"\bby \(([^)]*)\)", query):
		kept = {label.strip() for label in labels.split(",")}
		check(kept <= known, f"{where}: groups by {kept - known}, which {query} does not have")
		shown = shown - kept
	if " by (" in query:
		check(not shown, f"{where}: shows {shown}, which its query adds up")
	check(shown <= known, f"{where}: shows {shown - known}")


def promtool():
	"""From Debian's package, fetched once and unpacked, not installed: it would start a server."""
	path = CACHE / "promtool"
	if path.exists():
		return path
	CACHE.mkdir(parents=True, exist_ok=True)
	with tempfile.TemporaryDirectory(dir=CACHE) as folder:
		for refresh in (False, True):
			if refresh:  # the lists may be missing, or older than the archive
				subprocess.run(["apt-get", "update", "-qq"], check=False)
			done = subprocess.run(
				["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", "prometheus"], cwd=folder,
				capture_output=True, text=True)
			if done.returncode == 0:
				break
		check(done.returncode == 0, f"the package prometheus can't be fetched: {done.stderr}\nmend: apt-get update")
		package = next(pathlib.Path(folder).glob("*.deb"))
		subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
		(pathlib.Path(folder) / "usr/bin/promtool").rename(path)
	return path


def tool(*words):
	done = subprocess.run([promtool(), *words], capture_output=True, text=True)
	check(done.returncode == 0, f"promtool {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
	return done.stdout


def queries_are_good(found):
	for where, query, shown in (*dashboard(), *rules()):
		look_up(where, query, shown, found)
	# The test itself: what is not there must be seen.
	for query, shown in (
		("rate(fog_no_such_thing_total[5m])", set()), ('fog_drop_packets_total{reason="no_such"}', set()),
		('fog_drop_packets_total{cause="rate"}', set()), ("sum by (peer) (fog_drop_packets_total)", set()),
		("sum by (reason) (fog_drop_packets_total)", {"worker"}),
	):
		try:
			look_up("self-test", query, shown, found)
		except AssertionError:
			continue
		raise AssertionError(f"{query} passed")


def prometheus_takes_them():
	check("SUCCESS" in tool("check", "rules", GRAFANA / "alerts.yaml"), "promtool check rules")
	with tempfile.TemporaryDirectory() as folder:
		text = (ROOT / "tests" / "smoke" / "alerts.test.yaml").read_text()
		test = pathlib.Path(folder) / "test.yaml"
		test.write_text(text.replace("RULES", str(GRAFANA / "alerts.yaml")))
		check("SUCCESS" in tool("test", "rules", test), "promtool test rules")
		# A dashboard's queries as rules: promtool parses those.
		queries = [query.replace("$__rate_interval", "1m") for _, query, _ in dashboard()]
		test.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
			{"record": f"dashboard:{i}:q".replace(":", "_"), "expr": query} for i, query in enumerate(queries)]}]}))
		tool("check", "rules", test)


with Lab(network={**encrypted(), **SHORT}) as lab:
	three(lab)
	# The table's size is told a moment after the key was taken; timing takes some seconds of traffic.
	with Steady(lab) as traffic:
		traffic.more(100)
		traffic.arrive()
	text = wait_for("the replay table's fill and the timing figures", lambda:
		all(name in (scrape := lab["gateway"].rest.get("/metrics").decode())
			for name in ("fog_replay_fill_ratio ", "fog_timing_correlation ", "fog_timing_anonymity_set_packets "))
		and scrape, every=0.5)
	queries_are_good(exported(text))
prometheus_takes_them()
