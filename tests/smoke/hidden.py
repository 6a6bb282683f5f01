# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Cover against real traffic, as whoever watches a link sees it: times, sizes, headers and bytes of frames.

The link is that from a mix to the only mix of the next layer. What the mix forwards for others (loop packets that
a gateway orders, and cover of other nodes, which it can't tell from messages) is the real traffic there; what it sends
for itself, packets of its stock and dummies, is cover. Both go out mixed with each other, as they always do. Which
frame was what, the observer doesn't know; we know it from `fogctl trace`, which has a record of every packet in the
order in which they were sent: the frames without one are dummies."""
import bisect
import collections
import json
import math
import random
import socket
import statistics
import struct
import subprocess
import time
import zlib

from _init import Lab, check, encrypted, netns, wait_for

SO_TIMESTAMPNS = 35
UDP_AT, HEADER, TAG = 14 + 20, 16, 16  # frames are IPv4, untagged
NEAR_NS = 1_000_000  # a frame is on the wire so soon before its record says that it was sent
WINDOW_NS = 20_000_000  # in which bytes are counted
FOLDS, ROUNDS, RIDGE = 2, 4, 1e-3
AUC = 0.03  # so far from a half
ALPHA = 1e-6  # of one Kolmogorov-Smirnov test

COVER = {"loops": "20ms", "drops": "20ms", "dummies": "100ms", "slack": "3s"}

Frame = collections.namedtuple("Frame", "ns data")  # the kernel's time; all bytes from the Ethernet header on


def total(node, field):
	"""Of all workers."""
	return sum(one[field] for one in node.rest.get("/v1/workers")["workers"])


class Timed(netns.Capture):
	"""Frames from one address to another on an interface: list of Frame."""

	def __init__(self, space, interface, source, to):
		self._ends = socket.inet_aton(source) + socket.inet_aton(to)
		super().__init__(space, interface, (socket.SOL_SOCKET, SO_TIMESTAMPNS, 1))

	def _receive(self, sock):
		data, ancillary, _, _ = sock.recvmsg(4096, 64)
		if data[12:14] == b"\x08\x00" and data[23] == socket.IPPROTO_UDP and data[26:34] == self._ends:
			seconds, ns = struct.unpack("qq", ancillary[0][2])
			self.frames.append(Frame(seconds * 10**9 + ns, data))


def traced(node, count, seconds, due=False):
	"""Records of the next 'count' packets, [(ns at which it was sent, real)], in the order in which they were sent.
	With 'due': when it was due, in place of when it was sent."""
	argv = [
		node.lab.bin / "fogctl", "--socket", node.socket_path, "trace", "-j", "--sample", "1", "--count", str(count),
		"--seconds", str(seconds),
	]
	before = total(node, "trace_lost")
	done = subprocess.run(argv, capture_output=True, text=True)
	check(done.returncode == 0, done.stderr)
	records = [json.loads(line) for line in done.stdout.splitlines()]
	check(total(node, "trace_lost") == before, "records were lost")
	return [
		(one["arrival_ns"] + (-one["late_ns"] if due else one["stages_ns"]["send"]), one["port"] is not None)
		for one in records if one["outcome"] == "sent"
	]


def matches(times, sent, offset, near):
	"""Which frame belongs to each record: both are in order, and each frame belongs to one at most.
	Returns [(frame, distance)]."""
	found, at = [], 0
	for one, _ in sent:
		wanted = one + offset
		at = max(at, bisect.bisect_left(times, wanted - near))
		best = at
		while best + 1 < len(times) and abs(times[best + 1] - wanted) < abs(times[best] - wanted):
			best += 1
		if best < len(times) and abs(times[best] - wanted) <= near:
			found.append((best, times[best] - wanted))
			at = best + 1
	return found


def clusters(times, sent, offset):
	"""Frames and records that are near each other: [(frames, records)], numbers of both. A record is stamped behind
	its frame, and much later when the worker is interrupted there: then it belongs to those before."""
	events = sorted([(time, 0, at) for at, time in enumerate(times)] + [(one + offset, 1, at) for at, (one, _) in enumerate(sent)])
	found, last = [], None
	for time, which, at in events:
		if last is None or time - last > NEAR_NS:
			found.append(([], []))
		found[-1][which].append(at)
		last = time
	joined = []
	for one in found:
		if joined and len(one[1]) > len(one[0]):
			joined[-1][0].extend(one[0])
			joined[-1][1].extend(one[1])
		else:
			joined.append(one)
	return joined


def chosen(frames, records, cost):
	"""Of more frames than records those that the records belong to: in order, with the least cost."""
	spare = len(frames) - len(records)
	best = [(0.0, ())] * (spare + 1)  # with so many frames left out so far
	for i, record in enumerate(records):
		row = []
		for k in range(spare + 1):
			here = best[k][0] + cost(frames[i + k], record), (*best[k][1], frames[i + k])
			row.append(min(here, row[-1]) if row else here)
		best = row
	return best[-1][1]


def labels(times, sent):
	"""Kind of each frame: True (real), False (cover), or None where it is not known. The trace's clock is as fast as
	the kernel's, but its zero is not known: it is the one by which most of the first records find a frame. A record may be
	late by itself, so some of them are tried."""
	few = sent[:100]
	candidates = [time - one for one, _ in sent[:10] for time in times if time < times[0] + 5 * 10**9]
	offset = max(candidates, key=lambda candidate: len(matches(times, few, candidate, NEAR_NS // 10)))
	for _ in range(3):
		offset += round(statistics.median(distance for _, distance in matches(times, sent, offset, NEAR_NS)))
	kinds, clear, unclear = [False] * len(times), 0, 0
	for frames, records in clusters(times, sent, offset):
		if len(frames) < len(records) or len(frames) - len(records) > 20:
			unclear += len(frames)
			for frame in frames:
				kinds[frame] = None
			continue
		clear += len(records)
		cost = lambda frame, record: abs(sent[record][0] + offset - times[frame])
		for frame, record in zip(chosen(frames, records, cost), records):
			kinds[frame] = sent[record][1]
	check(clear > 0.98 * len(sent), f"{clear} of {len(sent)} records have a frame")
	# What comes before the first and after the last record is of unknown kind.
	first, last = sent[0][0] + offset - NEAR_NS, sent[-1][0] + offset - NEAR_NS
	return [kind if first <= time <= last else None for kind, time in zip(kinds, times)]


def uneven(data):
	"""How unevenly bytes are spread: chi-square of their upper halves."""
	counts = collections.Counter(byte >> 4 for byte in data)
	wanted = len(data) / 16
	return sum((counts[value] - wanted) ** 2 for value in range(16)) / wanted


def constants(data):
	"""What no frame of a session differs in: IP header without its checksum, where it goes to, type, session."""
	return zlib.crc32(data[14:24] + data[26:34] + data[UDP_AT + 2:UDP_AT + 6] + data[UDP_AT + 8:UDP_AT + 16])


def features(frames, kinds):
	"""[(size, gap before, gap after, bytes in the time before, constants, source port, ...)] of the frames of known kind, and
	their kinds. Frames at the ends have a gap on one side only."""
	rows, y, begin, inside = [], [], 0, 0
	for at, (ns, data) in enumerate(frames):
		while frames[begin].ns < ns - WINDOW_NS:
			inside -= len(frames[begin].data)
			begin += 1
		if 0 < at < len(frames) - 1 and kinds[at] is not None:
			before, after = (ns - frames[at - 1].ns) / 1e3, (frames[at + 1].ns - ns) / 1e3
			sealed = data[UDP_AT + 8 + HEADER:]
			rows.append((
				len(data), before, after, inside, constants(data), data[UDP_AT + 1], statistics.fmean(sealed), uneven(sealed),
				*sealed[:4], *sealed[-TAG:-TAG + 4], math.log1p(before), math.log1p(after)))
			y.append(int(kinds[at]))
		inside += len(data)
	return rows, y


def smirnov_chance(d, n, m=None):
	"""Chance of such a D or a greater one (Smirnov's asymptotic law); without m: against a law, not a sample."""
	x = d * math.sqrt(n if m is None else n * m / (n + m))
	if x < 0.2:
		return 1.0
	return min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 100))))


def exponential(gaps, mean):
	"""One-sample Kolmogorov-Smirnov against the exponential law: (D, chance)."""
	d = 0.0
	for at, gap in enumerate(sorted(gaps)):
		law = 1 - math.exp(-gap / mean)
		d = max(d, abs(law - at / len(gaps)), abs(law - (at + 1) / len(gaps)))
	return d, smirnov_chance(d, len(gaps))


def smirnov(ours, others):
	"""Two-sample Kolmogorov-Smirnov: D and the chance of such a D or a greater one (Smirnov's asymptotic law)."""
	ours, others = sorted(ours), sorted(others)
	i = j = 0
	d = 0.0
	while i < len(ours) and j < len(others):
		value = min(ours[i], others[j])
		i = bisect.bisect_right(ours, value, i)
		j = bisect.bisect_right(others, value, j)
		d = max(d, abs(i / len(ours) - j / len(others)))
	return d, smirnov_chance(d, len(ours), len(others))


def solve(a, b):
	"""Gauss with pivots."""
	n = len(b)
	rows = [[*a[i], b[i]] for i in range(n)]
	for i in range(n):
		pivot = max(range(i, n), key=lambda k: abs(rows[k][i]))
		rows[i], rows[pivot] = rows[pivot], rows[i]
		for k in range(i + 1, n):
			ratio = rows[k][i] / rows[i][i]
			rows[k] = [x - ratio * y for x, y in zip(rows[k], rows[i])]
	out = [0.0] * n
	for i in reversed(range(n)):
		out[i] = (rows[i][n] - sum(rows[i][k] * out[k] for k in range(i + 1, n))) / rows[i][i]
	return out


def logistic(x, y):
	"""Weights by Newton's method with a little ridge. 'x' has a column of ones."""
	n = len(x[0])
	w = [0.0] * n
	for _ in range(ROUNDS):
		gradient = [-RIDGE * len(x) * v for v in w]
		hessian = [[RIDGE * len(x) if i == k else 0.0 for k in range(n)] for i in range(n)]
		for row, label in zip(x, y):
			p = 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(a * b for a, b in zip(row, w))))))
			weight = p * (1 - p)
			for i in range(n):
				gradient[i] += (label - p) * row[i]
				scaled = weight * row[i]
				for k in range(i + 1):
					hessian[i][k] += scaled * row[k]
		for i in range(n):
			for k in range(i):
				hessian[k][i] = hessian[i][k]
		w = [a + b for a, b in zip(w, solve(hessian, gradient))]
	return w


def auc(scores, y):
	"""Area under the ROC curve by ranks, ties shared."""
	order = sorted(range(len(scores)), key=scores.__getitem__)
	ranks, at = 0.0, 0
	while at < len(order):
		end = at
		while end < len(order) and scores[order[end]] == scores[order[at]]:
			end += 1
		ranks += sum(y[order[k]] for k in range(at, end)) * (at + end + 1) / 2
		at = end
	ones = sum(y)
	return (ranks - ones * (ones + 1) / 2) / (ones * (len(y) - ones))

def columns(rows):
	"""Standardised, without those that are the same everywhere, and a column of ones besides."""
	scaled = []
	for column in zip(*rows):
		mean, deviation = statistics.fmean(column), statistics.pstdev(column)
		if deviation > 0:
			scaled.append([(value - mean) / deviation for value in column])
	return [(1.0, *row) for row in zip(*scaled)]


def regression(rows, y):
	"""AUC of a logistic regression on frames that it was not made from, by cross-validation."""
	x = columns(rows)
	fold = [i * FOLDS // len(x) for i in range(len(x))]
	random.Random(1).shuffle(fold)
	areas = []
	for out in range(FOLDS):
		w = logistic([row for row, f in zip(x, fold) if f != out], [v for v, f in zip(y, fold) if f != out])
		scores = [sum(a * b for a, b in zip(row, w)) for row, f in zip(x, fold) if f == out]
		areas.append(auc(scores, [v for v, f in zip(y, fold) if f == out]))
	return statistics.fmean(areas)


def histogram(frames, kinds, wanted):
	counts = collections.Counter()
	for frame, kind in zip(frames, kinds):
		if kind is wanted:
			counts.update(frame.data[UDP_AT + 8 + HEADER:])
	return counts


def smirnov_counts(ours, others):
	"""The same of two histograms of bytes."""
	n, m = sum(ours.values()), sum(others.values())
	d = i = j = 0
	for value in range(256):
		i, j = i + ours[value], j + others[value]
		d = max(d, abs(i / n - j / m))
	return d, smirnov_chance(d, n, m)


def judge(frames, kinds):
	"""(AUC, {feature: chance}, how many of each kind)."""
	rows, y = features(frames, kinds)
	real, cover = ([row for row, kind in zip(rows, y) if kind == wanted] for wanted in (1, 0))
	names = {"size": 0, "gap before": 1, "gap after": 2, "bytes before": 3, "headers": 4, "source port": 5}
	ks = {name: smirnov([row[at] for row in real], [row[at] for row in cover])[1] for name, at in names.items()}
	ks["bytes"] = smirnov_counts(histogram(frames, kinds, True), histogram(frames, kinds, False))[1]
	n = min(len(real), len(cover))
	some = random.Random(2)
	real, cover = some.sample(real, n), some.sample(cover, n)
	return regression(real + cover, [1] * n + [0] * n), ks, n


def told(area, ks, n):
	"""Whether cover can be told from real traffic. With few frames the area is less certain: six standard deviations
	of what it is when nothing can be told (Hanley and McNeil, 1982)."""
	return abs(area - 0.5) > max(AUC, 6 * math.sqrt((2 * n + 1) / (12 * n * n))) or min(ks.values()) < ALPHA


def bent_gaps(frames, kinds):
	"""The same capture with cover at constant gaps, as a worse clock would send it."""
	cover = [at for at, kind in enumerate(kinds) if kind is False]
	begin, step = frames[cover[0]].ns, (frames[cover[-1]].ns - frames[cover[0]].ns) / (len(cover) - 1)
	at = {frame: begin + round(i * step) for i, frame in enumerate(cover)}
	return sort([(Frame(at.get(i, frame.ns), frame.data), kind) for i, (frame, kind) in enumerate(zip(frames, kinds))])


def piggyback(frames, kinds):
	"""The same capture with cover that leaves right behind the next real frame, as a lazy worker would send it."""
	out, held = [], []
	for frame, kind in zip(frames, kinds):
		if kind is False:
			held.append(frame)
			continue
		out.append((frame, kind))
		out += [(Frame(frame.ns + 20_000 * (i + 1), late.data), False) for i, late in enumerate(held)]
		held = []
	return sort(out)


def bent_sizes(frames, kinds):
	"""The same capture with a quarter of cover a byte shorter."""
	return [Frame(ns, data[:-1] if kind is False and i % 4 == 0 else data) for i, ((ns, data), kind) in
		enumerate(zip(frames, kinds))], kinds


def bent_headers(frames, kinds):
	"""The same capture with cover of a lower time to live."""
	return [Frame(ns, data[:22] + bytes([data[22] - 1]) + data[23:] if kind is False else data) for (ns, data), kind in
		zip(frames, kinds)], kinds


def bent_bytes(frames, kinds):
	"""The same capture with a seventh of cover dummies whose second half is not sealed."""
	half = len(frames[0].data) // 2
	return [Frame(ns, data[:half] + bytes(len(data) - half) if kind is False and i % 7 == 0 else data) for i, ((ns, data), kind)
		in enumerate(zip(frames, kinds))], kinds


def sort(pairs):
	pairs.sort(key=lambda pair: pair[0].ns)
	return [frame for frame, _ in pairs], [kind for _, kind in pairs]


def watched(lab, node, to, wanted):
	"""Capture frames until there are 'wanted' of each kind. Returns frames, kinds."""
	counts, frames, kinds = {True: 0, False: 0}, [], []
	with Timed(lab.switch.netns, node.switch_port, node.ip4, to.ip4) as timed:
		while min(counts.values()) < wanted:
			begin = len(timed.frames)
			sent = traced(node, min(10000, max(4 * (wanted - min(counts.values())), 1000)), 600)
			time.sleep(0.2)  # the last of them reach the capture's thread
			part = timed.frames[begin:]
			part_kinds = labels([frame.ns for frame in part], sent)
			frames, kinds = frames + part, kinds + part_kinds
			for kind in counts:
				counts[kind] += part_kinds.count(kind)
	return frames, kinds


def run(wanted):
	"""The whole test with at least so many frames of each kind."""
	network = {**encrypted(120), "cover": {**encrypted(120)["cover"], **COVER}}
	with Lab(network=network) as lab:
		lab.add("gateway", "gateway")
		lab.add("mix1", "mix", 1)
		lab.add("mix2", "mix", 2)
		lab.add("service", "service")
		lab.start()
		mix = lab["mix1"]
		for node in lab:
			wait_for("cover", lambda node=node: total(node, "cover_sent") > 50)
		lab["gateway"].rest.post("/v1/loops", {"count": 100000, "rate": 40, "seconds": 3600})
		frames, kinds = watched(lab, mix, lab["mix2"], wanted)
		check(total(mix, "dummies") > 0 and total(mix, "cover_sent") > 0, "no cover")
	found = judge(frames, kinds)
	print(f"{kinds.count(True)} real frames, {kinds.count(False)} of cover: AUC {found[0]:.4f}, {found[1]}")
	for bend in (bent_gaps, piggyback, bent_sizes, bent_headers, bent_bytes):
		worse = judge(*bend(frames, kinds))
		check(told(*worse), f"{bend.__name__} is not noticed: {worse}")
	check(found[2] >= wanted, f"{found[2]} frames of a kind")
	check(not told(*found), f"cover can be told from real traffic: {found}")
