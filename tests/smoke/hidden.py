# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Cover against real traffic, as whoever watches a link sees it: times and sizes of frames.

The link is that from a mix to the only mix of the next layer. What the mix forwards for others (loop packets that
the gateway orders, and cover of other nodes) is the real traffic there, its own packets and dummies are cover. Both go out
mixed with each other, as they always do. Which frame was what, the observer doesn't know; we know it from `fogctl trace`,
which has a record of every packet that was forwarded, with the time at which it was sent."""
import bisect
import math
import random
import socket
import statistics
import struct
import threading

from _init import check, netns

SO_TIMESTAMPNS = 35
NEAR_NS = 1_000_000  # a frame is on the wire so soon after its record says that it was sent
WINDOW_NS = 20_000_000  # in which bytes are counted
FOLDS, ROUNDS, RIDGE = 5, 5, 1e-3
ALPHA = 1e-6  # of one Kolmogorov-Smirnov test


class Timed:
	"""Frames from one address to another on an interface, with the kernel's time of each: [(ns, bytes)]."""

	def __init__(self, space, interface, source, to):
		self.frames = []
		self._ends = socket.inet_aton(source) + socket.inet_aton(to)
		self._sock = netns.packet_socket(space, interface)
		self._sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
		self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
		self._sock.settimeout(0.1)
		self._stop = threading.Event()
		self._thread = threading.Thread(target=self._read)
		self._thread.start()

	def _read(self):
		while not self._stop.is_set():
			try:
				data, ancillary, _, _ = self._sock.recvmsg(128, 64, socket.MSG_TRUNC)
			except TimeoutError:
				continue
			if data[12:14] != b"\x08\x00" or data[23] != socket.IPPROTO_UDP or data[26:34] != self._ends:
				continue
			seconds, ns = struct.unpack("qq", ancillary[0][2])
			self.frames.append((seconds * 10**9 + ns, struct.unpack_from("!H", data, 38)[0] - 8))

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self._stop.set()
		self._thread.join()
		self._sock.close()


def matches(times, sent, offset, near):
	"""Which frame belongs to each record: both are in order, and each frame belongs to one at most.
	Returns [(frame, distance)]."""
	found, at = [], 0
	for one in sent:
		wanted = one + offset
		at = max(at, bisect.bisect_left(times, wanted - near))
		best = at
		while best + 1 < len(times) and abs(times[best + 1] - wanted) < abs(times[best] - wanted):
			best += 1
		if best < len(times) and abs(times[best] - wanted) <= near:
			found.append((best, times[best] - wanted))
			at = best + 1
	return found


def labels(times, sent):
	"""True for each frame that is one of the records'. The trace's clock is as fast as the kernel's, but its zero
	is not known: it is the one by which most of the first records find a frame."""
	few = sent[:200]
	candidates = [time - sent[0] for time in times if abs(time - sent[0] - (times[0] - sent[0])) < 5 * 10**9]
	offset = max(candidates, key=lambda candidate: len(matches(times, few, candidate, NEAR_NS // 10)))
	for _ in range(3):
		found = matches(times, sent, offset, NEAR_NS)
		offset += round(statistics.median(distance for _, distance in found))
	found = matches(times, sent, offset, NEAR_NS)
	check(len(found) > 0.99 * len(sent), f"{len(found)} of {len(sent)} records have a frame")
	near = statistics.median(abs(distance) for _, distance in found)
	print(f"{len(found)} of {len(sent)} records have a frame, half of them within {near / 1e3:.0f} us")
	real = [False] * len(times)
	for frame, _ in found:
		real[frame] = True
	# Frames beyond the trace's first and last record are of unknown kind.
	return real, found[0][0], found[-1][0] + 1


def features(frames, first, last):
	"""size, gap before, gap after, bytes in the time before: of frames first .. last - 1."""
	rows, begin, inside = [], 0, 0
	for at in range(last):
		time, size = frames[at]
		while frames[begin][0] < time - WINDOW_NS:
			inside -= frames[begin][1]
			begin += 1
		if at > 0 and first <= at and at + 1 < len(frames):
			rows.append((size, (time - frames[at - 1][0]) / 1e3, (frames[at + 1][0] - time) / 1e3, inside))
		inside += size
	return rows


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
	x = d * math.sqrt(len(ours) * len(others) / (len(ours) + len(others)))
	if x < 0.2:
		return d, 1.0
	return d, min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 100))))


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
	"""Standardised, with logarithms of the gaps and a column of ones besides."""
	wide = [(*row, math.log1p(row[1]), math.log1p(row[2])) for row in rows]
	scaled = []
	for column in zip(*wide):
		mean, deviation = statistics.fmean(column), statistics.pstdev(column)
		scaled.append([(value - mean) / deviation if deviation > 0 else 0.0 for value in column])
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


def judge(frames, real, first, last):
	"""(AUC, {feature: p}) of the frames first .. last - 1."""
	first = max(first, 1)
	rows = features(frames, first, last)
	y = [int(value) for value in real[first:first + len(rows)]]
	ks = {}
	for at, name in ((0, "size"), (1, "gap"), (3, "bytes")):
		ks[name] = smirnov(
			[row[at] for row, one in zip(rows, y) if one], [row[at] for row, one in zip(rows, y) if not one])[1]
	return regression(rows, y), ks


def told(area, ks):
	"""Whether cover can be told from real traffic."""
	return not 0.47 <= area <= 0.53 or min(ks.values()) < ALPHA


def bent(frames, real):
	"""The same capture with cover at constant gaps, as a worse clock would send it."""
	cover = [time for (time, _), one in zip(frames, real) if not one]
	step = (cover[-1] - cover[0]) / (len(cover) - 1)
	moved = [(cover[0] + i * step, False) for i in range(len(cover))]
	moved += [(time, True) for (time, _), one in zip(frames, real) if one]
	moved.sort()
	return [(time, frames[0][1]) for time, _ in moved], [one for _, one in moved]


def piggyback(frames, real):
	"""The same capture with cover that leaves right behind the next real frame, as a lazy worker would send it."""
	out, held = [], 0
	for (time, size), one in zip(frames, real):
		held += not one
		if one:
			out.append((time, size, True))
			out += [(time + 20_000 * (k + 1), size, False) for k in range(held)]
			held = 0
	out.sort()
	return [(time, size) for time, size, _ in out], [one for _, _, one in out]
