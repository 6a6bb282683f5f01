# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What the nodes of a lab have counted, as numbers and as tables for people. None is "no data"."""
import time

IN = ("rx", "injected", "made")
OUT = ("tx", "delivered", "punted", "answered", "drops", "parked", "in_batch")
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


def links(lab):
	"""Every direction between two nodes that carried something: what one end sent, the other got."""
	table = peers(lab)
	found = []
	for a in lab:
		for b in lab:
			tx = table.get((a.name, b.name), (None, None))[0]
			rx = table.get((b.name, a.name), (None, None))[1]
			if a is not b and (tx or rx):
				found.append({"from": a.name, "to": b.name, "tx": tx, "rx": rx})
	return found


def rest_of(lab, seconds=30, every=0.3):
	"""Wait until nothing is on its way any more: nothing parked, and no counter moves. Returns whether
	that came about."""
	last, end = None, time.monotonic() + seconds
	while time.monotonic() < end:
		now = [node_books(node) for node in lab]
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


def _reasons(found):
	total = {}
	for worker in found:
		for reason, count in worker["drops_by_reason"].items():
			if count:
				total[reason] = total.get(reason, 0) + count
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
				_three(worker["given_us"]), _three(worker["late_ns"], 1000), _reasons([worker]),
			))
		if not found:
			rows.append((node.name, *["no data"] * 8))
	widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
	return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def quantiles(values):
	"""p50/p99/max of seconds, as text in milliseconds."""
	if not values:
		return "no data"
	ordered = sorted(values)
	picked = [ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.99, 1)]
	return "/".join(f"{value * 1000:.0f}" for value in picked) + " ms"


def summary(lab, traffic):
	"""The object that --json prints."""
	return {
		"sent": len(traffic.sent),
		"delivered": len(traffic.delivered),
		"replies": len(traffic.replied),
		"lost": traffic.lost,
		"corrupted": traffic.corrupted,
		"nodes": [{"name": node.name, **node_books(node)} for node in lab],
		"links": links(lab),
	}


def faults(result):
	"""Sentences about what isn't as it has to be; empty when all is well."""
	found = []
	for key in ("lost", "corrupted"):
		if result[key]:
			found.append(f"{result[key]} messages {key}")
	for node in result["nodes"]:
		if gap(node) is None:
			found.append(f"{node['name']}: no data")
		elif gap(node) or node["accounting_gap"]:
			found.append(f"{node['name']}: books don't close, gap {gap(node)}")
	for link in result["links"]:
		if link["tx"] != link["rx"]:
			found.append(f"link {link['from']} -> {link['to']}: {link['tx']} sent, {link['rx']} received")
	return found
