# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What the nodes of a lab have counted, as numbers and as tables for people. None is "no data"."""
import time

IN = ("rx", "injected", "made")
OUT = ("tx", "delivered", "punted", "answered", "drops", "parked", "in_batch",
	"cover_stock")
BOOKS = (*IN, *OUT)


def node_books(node):
	"""The book fields of a node as its REST shows them; all None when it doesn't answer."""
	try:
		books = node.rest.get("/v1/status")["books"] or {}
	except OSError:
		books = {}
	return {key: books.get(key) for key in (*BOOKS, "port_lost", "accounting_gap")}


def gap(books):
	"""rx + injected + made - everything else, counted here once more; None without data."""
	if any(books[key] is None for key in BOOKS):
		return None
	return sum(books[key] for key in IN) - sum(books[key] for key in OUT)


def workers(node):
	try:
		found = node.rest.get("/v1/workers")["workers"] or []
	except OSError:
		return []
	return [worker for worker in found if worker["rx"] is not None]


def peers(lab):
	"""(node, peer) -> (tx, rx) as 'node' counts them, over all of its workers."""
	table = {}
	for node in lab:
		for worker in workers(node):
			for peer in worker["peers"]:
				tx, rx = table.get((node.name, peer["name"]), (0, 0))
				table[node.name, peer["name"]] = (tx + peer["tx"], rx + peer["rx"])
	return table


def links(lab, sent=None):
	"""Every direction between two nodes that carried something: what one end sent ('sent': as peers() said it
	earlier), the other got."""
	received = peers(lab)
	sent = sent or received
	found = []
	for a in lab:
		for b in lab:
			tx = sent.get((a.name, b.name), (None, None))[0]
			rx = received.get((b.name, a.name), (None, None))[1]
			if a is not b and (tx or rx):
				found.append({"from": a.name, "to": b.name, "tx": tx, "rx": rx})
	return found


def _still(lab, node):
	"""The counters of a node that don't move without messages on their way. Encrypted links beat."""
	books = node_books(node)
	if not lab.noise:
		return books
	mixed = sum(worker["owed_us"]["count"] for worker in workers(node))
	return {key: books[key] for key in ("injected", "delivered", "parked", "in_batch")} | {"mixed": mixed}


def rest_of(lab, seconds=30, every=0.3):
	"""Wait until nothing is on its way any more: nothing parked, and no counter moves. Returns whether
	that came about."""
	last, end = None, time.monotonic() + seconds
	while time.monotonic() < end:
		now = [_still(lab, node) for node in lab]
		if now == last and not any(books["parked"] or books["in_batch"] for books in now):
			return True
		last = now
		time.sleep(every)
	return False


def _ms(us):
	return "-" if us is None else f"{us / 1000:.1f}"


def _three(values, scale=1):
	"""p50/p99/max of a histogram in milliseconds."""
	if not values:
		return "no data"
	return "/".join(_ms(values.get(key) and values[key] / scale) for key in ("p50", "p99", "max"))


def _reasons(total):
	return ", ".join(f"{reason} {count}" for reason, count in sorted(total.items())) or "0"


def hop_table(lab):
	"""Lines of a table with one row per hop (per worker, where a node has several)."""
	rows = [("hop", "in", "forwarded", "delivered", "parked", "owed ms p50/p99/max",
		"given ms p50/p99/max", "late ms p50/p99/max", "dropped")]
	for node in lab:
		found = workers(node)
		for index, worker in enumerate(found):
			name = node.name if len(found) == 1 else f"{node.name}#{index}"
			rows.append((
				name, str(worker["rx"] + worker["injected"]), str(worker["tx"]),
				str(worker["delivered"]), str(worker["parked"]), _three(worker["owed_us"]),
				_three(worker["given_us"]), _three(worker["late_ns"], 1000),
				_reasons({reason: count for reason, count in worker["drops_by_reason"].items() if count}),
			))
		if not found:
			rows.append((node.name, *["no data"] * 8))
	widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
	return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


SETTLE_S = 0.2  # a frame crosses a link and is published as received
KEY_DROPS = ("epoch", "no_key", "no_link")  # what a rollover or a rekey done wrong would cost


def drops(node):
	"""reason -> packets, over all workers; of those that are no zero."""
	total = {}
	for worker in workers(node):
		for reason, count in worker["drops_by_reason"].items():
			if count:
				total[reason] = total.get(reason, 0) + count
	return total


def key_epoch(node):
	"""Epoch of the newest mix key at the data plane; None: no data."""
	try:
		plane = node.rest.get("/v1/status")["data_plane"]
	except OSError:
		return None
	return plane["key_epoch"] if plane else None


def sessions(node):
	"""Of a node with encrypted links: other nodes, links up with them, handshakes that became sessions; None:
	no data."""
	try:
		found = node.rest.get("/v1/links")
	except OSError:
		return None
	done = found["handshakes"]
	return {"nodes": found["nodes"], "up": found["up"], "handshakes": done["completed"] + done["answered"]}


def quantiles(values):
	"""p50/p99/max of seconds, as text in milliseconds."""
	if not values:
		return "no data"
	ordered = sorted(values)
	picked = [ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.99, 1)]
	return "/".join(f"{value * 1000:.0f}" for value in picked) + " ms"


def summary(lab, traffic):
	"""The object that --json prints. With encrypted links also what they and the rollovers cost."""
	result = _summary(lab, traffic)
	if lab.noise:
		for node in result["nodes"]:
			found = drops(lab[node["name"]])
			node["key_drops"] = {reason: found.get(reason, 0) for reason in KEY_DROPS}
			node["sessions"] = sessions(lab[node["name"]])
	return result


def _summary(lab, traffic):
	"""Encrypted links are never at rest, so what was sent is read first, and arrives meanwhile."""
	sent = peers(lab)
	if lab.noise:
		time.sleep(SETTLE_S)
	return {
		"sent": len(traffic.sent),
		"delivered": len(traffic.delivered),
		"replies": len(traffic.replied),
		"lost": traffic.lost,
		"corrupted": traffic.corrupted,
		"nodes": [{"name": node.name, **node_books(node)} for node in lab],
		"links": links(lab, sent),
	}


def security(lab, result):
	"""Lines about links and epochs; none with 'links: none'."""
	if not lab.noise:
		return []
	lines = [f"mix keys changed {result['epochs']['rollovers']} times, every {result['epochs']['seconds']} s"]
	for node in result["nodes"]:
		lost = ", ".join(f"{reason} {count}" for reason, count in node["key_drops"].items())
		found = node["sessions"]
		up = "no data" if found is None else f"{found['up']} of {found['nodes']} up, {found['handshakes']} handshakes"
		lines.append(f"{node['name']}: links {up}; dropped for keys: {lost}")
	return lines


def faults(result, noise=False):
	"""Sentences about what isn't as it has to be; empty when all is well."""
	found = []
	for key in ("lost", "corrupted"):
		if result[key]:
			found.append(f"{result[key]} messages {key}")
	for node in result["nodes"]:
		if gap(node) is None:
			return [*found, f"{node['name']}: no data"]
		elif gap(node) or node["accounting_gap"]:
			found.append(f"{node['name']}: books don't close, gap {gap(node)}")
		found += [f"{node['name']}: {count} packets dropped as {reason}"
			for reason, count in node.get("key_drops", {}).items() if count]
		if noise and (node["sessions"] is None or node["sessions"]["up"] < node["sessions"]["nodes"]):
			found.append(f"{node['name']}: not all links are up")
	return found + (_lost_frames(result) if noise else [
		f"link {link['from']} -> {link['to']}: {link['tx']} sent, {link['rx']} received"
		for link in result["links"] if link["tx"] != link["rx"]])


def missing(lab):
	"""node -> frames that others have sent to it and that it has not received. Some are sent before its port is
	open, when a lab starts. A handshake comes from nobody in particular before it is opened, so this is not by link."""
	received = {node.name: node_books(node)["rx"] or 0 for node in lab}
	return {name: sum(tx for (_, to), (tx, _) in peers(lab).items() if to == name) - rx
		for name, rx in received.items()}


def _lost_frames(result):
	"""Frames that went missing since missing() was asked for the first time."""
	found = []
	for node in result["nodes"]:
		sent = sum(link["tx"] or 0 for link in result["links"] if link["to"] == node["name"])
		lost = sent - node["rx"] - result["missing_before"][node["name"]]
		if lost > 0:
			found.append(f"{node['name']}: {lost} of {sent} frames sent to it are missing")
	return found
