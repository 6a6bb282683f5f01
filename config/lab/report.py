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


def everyone(lab):
	"""The nodes of a lab, and those that have left it, as they were then."""
	return [*lab, *lab.left]


def peers(lab):
	"""(node, peer) -> (tx, rx) as 'node' counts them, over all of its workers."""
	table = {}
	# A node that has left has no name any more where it is counted.
	names = {node.id: node.name for node in everyone(lab) if node.status}
	for node in everyone(lab):
		for worker in workers(node):
			for peer in worker["peers"]:
				pair = (node.name, names.get(peer["node_id"], peer["name"]))
				tx, rx = table.get(pair, (0, 0))
				table[pair] = (tx + peer["tx"], rx + peer["rx"])
	return table


def links(lab, sent=None):
	"""Every direction between two nodes that carried something: what one end sent ('sent': as peers() said it
	earlier), the other got."""
	received = peers(lab)
	sent = sent or received
	found = []
	for a in everyone(lab):
		for b in everyone(lab):
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


def _cells(name, messages, worker):
	"""A row of the hops' table."""
	return (
		name, messages, str(worker["rx"] + worker["injected"]), str(worker["tx"]), str(worker["delivered"]),
		f"{worker['cover_sent']}+{worker['dummies']}", str(worker["parked"]), _three(worker["owed_us"]),
		_three(worker["given_us"]), _three(worker["late_ns"], 1000),
		_reasons({reason: count for reason, count in worker["drops_by_reason"].items() if count}),
	)


def hop_table(lab, traffic):
	"""Lines of a table with one row per hop (per worker, where a node has several). 'messages': those that it has
	helped to deliver; 'cover': its own packets of cover and dummies."""
	rows = [("hop", "messages", "in", "forwarded", "delivered", "cover+dummies", "parked", "owed ms p50/p99/max",
		"given ms p50/p99/max", "late ms p50/p99/max", "dropped")]
	for node in everyone(lab):
		found = workers(node)
		shown = f"{node.name} (left)" if node in lab.left else node.name
		messages = str(traffic.over(node.name))
		for index, worker in enumerate(found):
			rows.append(_cells(shown if len(found) == 1 else f"{shown}#{index}", messages, worker))
		if not found:
			rows.append((shown, messages, *["no data"] * 9))
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


def cover(node):
	"""Cover of a node: what its workers have sent, and what became of its loops; None: no data."""
	try:
		found = node.rest.get("/v1/cover")
	except OSError:
		return None
	sent = {key: sum(worker[key] for worker in workers(node))
		for key in ("cover_sent", "cover_starved", "cover_capped", "dummies")}
	return {**sent, "loops": found["loops"], "alerts": found["alerts"]}


def consensus(node):
	"""What a node of a network with a directory goes by, in short; None: no data."""
	try:
		status, _, found = node.rest.call("GET", "/v1/consensus")
	except OSError:
		return None
	if status != 200:
		return None
	return {
		**{key: found[key] for key in ("epoch", "until", "digest", "beacon", "layers", "threshold", "left_out")},
		"signed": [authority["name"] for authority in found["authorities"] if authority["signed"]],
		"nodes": [{key: one[key] for key in ("name", "role", "layer", "since")} for one in found["nodes"]],
	}


def summary(lab, traffic):
	"""The object that --json prints. With encrypted links also what they and the rollovers cost, with a directory
	the consensus by now."""
	result = _summary(lab, traffic)
	if lab.noise:
		for node, shown in zip(everyone(lab), result["nodes"]):
			found = drops(node)
			shown["key_drops"] = {reason: found.get(reason, 0) for reason in KEY_DROPS}
			shown["sessions"] = sessions(node)
			shown["cover"] = cover(node)
	if lab.authorities:
		result["consensus"] = consensus(next(iter(lab)))
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
		"late": len(traffic.late),
		"lost": traffic.lost,
		"corrupted": traffic.corrupted,
		"nodes": [
			{"name": node.name, "left": node in lab.left, "messages": traffic.over(node.name), **node_books(node)}
			for node in everyone(lab)],
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
		lines.append(f"{node['name']}: links {up}; dropped for keys: {lost}; {_loops(node['cover'])}")
	return lines


def _loops(cover):
	if cover is None:
		return "loops: no data"
	found = cover["loops"]
	return f"loops: {found['sent']} sent, {found['returned']} back, {found['flying']} on their way, {found['lost']} lost"


def directory(found):
	"""Lines about a consensus, as consensus() gives it."""
	if found is None:
		return ["consensus: no data"]
	layers = ", ".join(
		f"{one['name']} ({'layer ' + str(one['layer']) if one['layer'] else one['role']})"
		for one in sorted(found["nodes"], key=lambda one: (one["role"] == "mix", one["layer"], one["name"])))
	return [
		f"consensus of epoch {found['epoch']}, good until {found['until']}, signed by {', '.join(found['signed'])} "
		f"({found['threshold']} are needed)",
		f"  digest {found['digest'][:16]}.., beacon {found['beacon'][:16]}..",
		f"  {len(found['nodes'])} nodes: {layers}",
	]


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
		if noise and not node["left"] and (
			node["sessions"] is None or node["sessions"]["up"] < node["sessions"]["nodes"]):
			found.append(f"{node['name']}: not all links are up")
		found += _cover_faults(node["name"], node["cover"]) if noise else []
	return found + (_lost_frames(result) if noise else [
		f"link {link['from']} -> {link['to']}: {link['tx']} sent, {link['rx']} received"
		for link in result["links"] if link["tx"] != link["rx"]])


def _cover_faults(name, cover):
	if cover is None:
		return [f"{name}: no data of cover"]
	loops = cover["loops"]
	fates = sum(loops[key] for key in ("returned", "lost", "unknown", "flying"))
	found = [f"{name}: {loops[key]} loops {key}" for key in ("lost", "unknown") if loops[key]]
	if fates != loops["sent"]:
		found.append(f"{name}: {loops['sent']} loops sent, {fates} accounted for")
	return found + [f"{name}: alert of an n-1 attack at {alert['node']}" for alert in cover["alerts"]]


def missing(lab):
	"""node -> frames that others have sent to it and that it has not received. Some are sent before its port is
	open, when a lab starts. A handshake comes from nobody in particular before it is opened, so this is not by link."""
	received = {node.name: node_books(node)["rx"] or 0 for node in everyone(lab)}
	return {name: sum(tx for (_, to), (tx, _) in peers(lab).items() if to == name) - rx
		for name, rx in received.items()}


def _lost_frames(result):
	"""Frames that went missing since missing() was asked for the first time."""
	found = []
	for node in result["nodes"]:
		sent = sum(link["tx"] or 0 for link in result["links"] if link["to"] == node["name"])
		lost = sent - node["rx"] - result["missing_before"].get(node["name"], 0)
		if lost > 0:
			found.append(f"{node['name']}: {lost} of {sent} frames sent to it are missing")
	return found
