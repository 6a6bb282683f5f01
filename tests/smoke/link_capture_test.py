#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What an encrypted link shows: frames of one size, handshakes among them, and behind the header of a frame
nothing but noise. Captured between a mix and the switch from before its first frame on."""
import base64
import math
import struct
import zlib

from _init import ROOT, Lab, Rest, Traffic, check, encrypted, equal, netns, report
from peer import GEO, MIX_PORT
from steady import three

INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
HEADER, TAG = 16, 16
FRAME = GEO.packet + HEADER + TAG
FRAMES_MIN = 10_000
MESSAGES = 3000  # four frames each: to the mix and from it, on the way there and back
UNLIKELY = 1e-9  # of one position; there are some 1,400
PIECE = 16  # of known text; no piece that travels is shorter than three of these


def mix_frames(frames):
	"""(source, destination, payload) of every UDP datagram to or from the mix port."""
	for _, data in frames:
		if data[12:14] != b"\x08\x00" or data[23] != 17:
			continue
		check(data[14] == 0x45, "an IPv4 header with options")
		udp = data[34:]
		source, to, length = struct.unpack_from("!HHH", udp)
		if MIX_PORT in (source, to):
			equal(to, MIX_PORT, "destination port of mix traffic")
			yield data[26:30], data[30:34], udp[8:length]


def unlikelihood(counts, total):
	"""Chance that bytes which are all alike likely are spread as unevenly as this, or worse: chi-square with
	255 degrees of freedom, by Wilson and Hilferty's approximation."""
	wanted = total / 256
	chi = sum((count - wanted) ** 2 for count in counts) / wanted
	z = ((chi / 255) ** (1 / 3) - (1 - 2 / (9 * 255))) / math.sqrt(2 / (9 * 255))
	return math.erfc(z / math.sqrt(2)) / 2


def uneven_positions(payloads):
	"""Positions behind the header whose bytes are not random."""
	found = []
	for at in range(HEADER, FRAME):
		column = bytes(payload[at] for payload in payloads)
		counts = [0] * 256
		for byte in column:
			counts[byte] += 1
		if unlikelihood(counts, len(column)) < UNLIKELY:
			found.append(at)
	return found


def headers(frames):
	"""Every field of every header as it is specified. Returns the DATA frames' payloads, and how many frames of
	each type there are."""
	highest, data, kinds = {}, [], {}
	for source, to, payload in frames:
		equal(len(payload), FRAME, "length of a frame")
		kind, reserved, index, counter = struct.unpack_from("!B3sIQ", payload)
		kinds[kind] = kinds.get(kind, 0) + 1
		check(kind in (INITIATION, RESPONSE, COOKIE, DATA), f"type {kind}")
		equal(reserved, bytes(3), f"reserved bytes of type {kind}")
		if kind != DATA:
			equal(counter, 0, f"counter of type {kind}")
			continue
		key = source, to, index
		if key in highest:
			check(counter > highest[key], f"counter {counter} after {highest[key]}")
		else:
			equal(counter, 0, "first counter of a sub-session")
		highest[key] = counter
		data.append(payload)
	for (_, _, index), counter in highest.items():
		equal(index & 63, 0, "sub-session of a node with one worker")
	return data, kinds


def nothing_known(lab, payloads, text):
	"""Neither keys and names of nodes, nor what the messages say, in the clear or as REST would show it."""
	whole = b"|".join(payloads)
	secrets = [text[at:at + PIECE] for at in range(0, len(text) - PIECE, PIECE)]
	for node in lab:
		secrets += [bytes.fromhex(node.status[key]) for key in ("node_id", "identity_public_key", "link_key", "vrf_key")]
		secrets.append(bytes.fromhex(node.rest.get("/v1/status")["data_plane"]["mix_public_key"]))
	secrets += [base64.b64encode(secret)[:PIECE] for secret in secrets] + [b"/betanet/mix/1"]
	for secret in secrets:
		check(secret not in whole, f"{secret!r} stands in a frame")


def self_test(data):
	"""These checks find what they look for: bytes that are constant in one frame of twenty."""
	bent = [payload[:HEADER] + (bytes(2) if i % 20 == 0 else payload[HEADER:HEADER + 2]) + payload[HEADER + 2:]
		for i, payload in enumerate(data)]
	equal(uneven_positions(bent), [HEADER, HEADER + 1], "positions that were bent")


captures = []
with Lab(network=encrypted()) as lab:
	three(lab, setup=lambda node: captures.append(netns.Capture(lab.switch.netns, node.switch_port)))
	with captures[0] as capture:
		text = (ROOT / "LICENSE").read_bytes()
		traffic = Traffic(Rest(lab["gateway"].socket_path), Rest(lab["service"].socket_path), "service", text, MESSAGES)
		traffic.run()
		equal((traffic.lost, traffic.corrupted), (0, 0), "messages lost and corrupted")
		check(report.rest_of(lab), "traffic doesn't come to rest")
	data, kinds = headers(mix_frames(capture.frames))
	print(f"{sum(kinds.values())} frames of {FRAME} bytes, by type {kinds}")
	check(kinds.get(INITIATION, 0) >= 2, "no handshakes among them")
	check(kinds.get(RESPONSE, 0) >= 2, "no handshakes among them")
	check(len(data) >= FRAMES_MIN, f"{len(data)} data frames, {FRAMES_MIN} are needed")
	nothing_known(lab, [payload for _, _, payload in mix_frames(capture.frames)], text)
	# The two bytes that every Sphinx packet begins with; by chance once in 65,536 frames.
	begin_so = sum(payload[HEADER:HEADER + 2] == bytes(2) for payload in data)
	check(begin_so < 10, f"{begin_so} of {len(data)} frames show the prefix of a packet")
	equal(uneven_positions(data), [], "positions that are not random")
	bodies = b"".join(payload[HEADER:] for payload in data)
	check(len(zlib.compress(bodies)) >= len(bodies), "frames can be compressed")
	self_test(data)
