#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Questions to a port without a kernel, made and judged by scapy, which shares nothing with the worker:
what is answered and how, what is handed to the manager, what is dropped under which name.

usage: answer_check.py ANSWER_PIPE
"""
import logging
import random
import struct
import subprocess
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.config import conf  # noqa: E402

conf.ipv6_enabled = True
from scapy.layers.inet import ICMP, IP, UDP  # noqa: E402
from scapy.layers.inet6 import (  # noqa: E402
	ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6MLDMultAddrRec, ICMPv6MLReport2, ICMPv6ND_NA, ICMPv6ND_NS,
	ICMPv6ND_RA, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6Unknown, IPv6, IPv6ExtHdrHopByHop, PadN,
	RouterAlert, in6_getnsma, in6_getnsmac,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils6 import inet_ntop, inet_pton  # noqa: E402
import socket  # noqa: E402

PEER, OTHER, ALL = "02:00:00:00:00:99", "02:00:00:00:00:77", "ff:ff:ff:ff:ff:ff"
US4, PEER4, US6, PEER6 = "10.0.0.1", "10.0.0.7", "fd00::1", "fd00::7"
NOWHERE = "00:00:00:00:00:00"
VLAN = 100
BUCKET = 100  # answers that may come at once
BURST = 60  # frames between two waits: fewer than the bucket holds


def same(got, wanted, what):
	if got != wanted:
		raise AssertionError(f"{what}: {got!r}, should be {wanted!r}")


class Pipe:
	"""The worker on the other side."""

	def __init__(self, program, vlan):
		self.process = subprocess.Popen(
			[program, *(["vlan"] if vlan else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		self.vlan, self.sent = vlan, 0
		self.mac = bytes.fromhex(self._line("mac")).hex(":")
		self.link_local = inet_ntop(socket.AF_INET6, bytes.fromhex(self._line("link_local")))
		self.report = bytes.fromhex(self._line("listen"))

	def _line(self, what):
		word, _, rest = self.process.stdout.readline().strip().partition(" ")
		same(word, what, "what the worker says first")
		return rest

	def raw(self, data):
		"""What becomes of these bytes: (word, text)."""
		self.sent += 1
		if self.sent % BURST == 0:
			self.process.stdin.write("wait\n")
		return self.line(data.hex())

	def line(self, text):
		self.process.stdin.write(text + "\n")
		self.process.stdin.flush()
		word, _, rest = self.process.stdout.readline().strip().partition(" ")
		return word, rest

	def frame(self, packet, to=None, source=PEER):
		tag = Dot1Q(vlan=VLAN) / packet if self.vlan else packet
		return bytes(Ether(dst=to or self.mac, src=source) / tag)

	def ask(self, packet, **options):
		return self.raw(self.frame(packet, **options))

	def dropped(self, reason, packet, **options):
		same(self.ask(packet, **options), ("dropped", reason), packet.summary())

	def answer(self, packet, **options):
		"""The answer as scapy reads it, with every checksum as scapy computes it."""
		word, rest = self.ask(packet, **options)
		same(word, "answered", packet.summary())
		return self.sound(bytes.fromhex(rest))

	def sound(self, data):
		read, fresh = Ether(data), Ether(data)
		for layer in (IP, ICMP):
			if layer in fresh:
				del fresh[layer].chksum
		if IPv6 in fresh:
			del fresh[IPv6].plen
			upper = fresh[IPv6].payload
			if IPv6ExtHdrHopByHop in fresh:
				upper = upper.payload
			if hasattr(upper, "cksum"):
				del upper.cksum
		same(bytes(fresh), data, "the answer as scapy builds it")
		same(read.src, self.mac, "source MAC")
		if self.vlan:
			same((read[Dot1Q].vlan, read.type), (VLAN, 0x8100), "tag")
		else:
			same(Dot1Q in read, False, "a tag")
		return read

	def punted(self, packet, **options):
		"""What the manager hears: (IP, MAC or None, solicited, conflict)."""
		word, rest = self.ask(packet, **options)
		same(word, "punted", packet.summary())
		family, ip, port, mac, has_mac, solicited, conflict = struct.unpack("<B3x16sH6sBBBx", bytes.fromhex(rest))
		same(port, 0, "port")
		address = inet_ntop(socket.AF_INET, ip[:4]) if family == 4 else inet_ntop(socket.AF_INET6, ip)
		return address, mac.hex(":") if has_mac else None, bool(solicited), bool(conflict)

	def close(self):
		self.process.stdin.close()
		same(self.process.wait(60), 0, "end of the worker")


def group(address):
	"""Solicited-node group and its MAC address."""
	raw = in6_getnsma(inet_pton(socket.AF_INET6, address))
	return inet_ntop(socket.AF_INET6, raw), in6_getnsmac(raw)


def solicit(target, source=PEER6, to=None, option=True, **ip):
	packet = IPv6(src=source, dst=to or group(target)[0], **{"hlim": 255, **ip}) / ICMPv6ND_NS(tgt=target)
	return packet / ICMPv6NDOptSrcLLAddr(lladdr=PEER) if option else packet


def advertise(target, source=PEER6, to=US6, mac=PEER, hlim=255, **flags):
	packet = IPv6(src=source, dst=to, hlim=hlim) / ICMPv6ND_NA(tgt=target, **flags)
	return packet / ICMPv6NDOptDstLLAddr(lladdr=mac) if mac else packet


def echo4(size=56, source=PEER4, to=US4, **ip):
	return IP(src=source, dst=to, ttl=3, **ip) / ICMP(type=8, id=7, seq=9) / Raw(bytes(i % 251 for i in range(size)))


def echo6(size=56, source=PEER6, to=US6, **ip):
	return IPv6(src=source, dst=to, **ip) / ICMPv6EchoRequest(id=7, seq=9, data=bytes(i % 251 for i in range(size)))


def asks_arp(pipe):
	for source, to in ((PEER4, ALL), ("0.0.0.0", ALL), (PEER4, pipe.mac)):  # question, probe, confirmation
		got = pipe.answer(ARP(op=1, hwsrc=PEER, psrc=source, hwdst=NOWHERE, pdst=US4), to=to)
		same(got.dst, PEER, "where the reply goes")
		arp = got[ARP]
		same((arp.op, arp.hwsrc, arp.psrc, arp.hwdst, arp.pdst), (2, pipe.mac, US4, PEER, source), "ARP reply")
	for reason, arp in (
		("not_our_address", {"pdst": "10.0.0.9"}), ("arp", {"hwtype": 6}), ("arp", {"ptype": 0x86DD}),
		("arp", {"hwlen": 8}), ("arp", {"plen": 16}), ("arp", {"op": 3}), ("arp", {"op": 0}),
		("arp", {"hwsrc": ALL}), ("arp", {"hwsrc": NOWHERE}), ("arp", {"hwsrc": "01:00:5e:00:00:01"}),
		("arp", {"hwsrc": pipe.mac}), ("arp", {"psrc": "224.0.0.1"}), ("arp", {"psrc": "127.0.0.1"}),
		("arp", {"psrc": "10.0.0.255"}), ("arp", {"psrc": "10.0.0.0"}), ("arp", {"psrc": "255.255.255.255"}),
	):
		question = {"op": 1, "hwsrc": PEER, "psrc": PEER4, "hwdst": NOWHERE, "pdst": US4, **arp}
		# Lengths that lie must not change where scapy puts the fields.
		data = bytearray(pipe.frame(ARP(**{k: v for k, v in question.items() if k not in ("hwlen", "plen")}), to=ALL))
		at = 14 + 4 * bool(pipe.vlan)
		data[at + 4], data[at + 5] = question.get("hwlen", 6), question.get("plen", 4)
		same(pipe.raw(bytes(data)), ("dropped", reason), str(arp))
	ask = ARP(op=1, hwsrc=PEER, psrc=PEER4, hwdst=NOWHERE, pdst=US4)
	pipe.dropped("ethertype", ask, to=OTHER)  # another host's frame
	pipe.dropped("ethertype", ask, to=ALL, source="01:00:00:00:00:05")
	pipe.dropped("ethertype", ask, to=ALL, source=pipe.mac)


def tells_arp(pipe):
	reply = {"op": 2, "hwsrc": PEER, "psrc": PEER4, "hwdst": pipe.mac, "pdst": US4}
	same(pipe.punted(ARP(**reply)), (PEER4, PEER, True, False), "reply to us")
	same(pipe.punted(ARP(**{**reply, "hwdst": OTHER})), (PEER4, PEER, False, False), "reply to another")
	same(pipe.punted(ARP(**reply), to=ALL), (PEER4, PEER, False, False), "reply to all")
	announcement = ARP(op=1, hwsrc=PEER, psrc=PEER4, hwdst=NOWHERE, pdst=PEER4)
	same(pipe.punted(announcement, to=ALL), (PEER4, PEER, False, False), "announcement")
	for arp in ({"op": 1, "pdst": US4}, {"op": 1, "pdst": PEER4}, {"op": 2, "pdst": US4}):
		claim = ARP(hwsrc=PEER, psrc=US4, hwdst=NOWHERE, **arp)
		same(pipe.punted(claim, to=ALL)[3], True, f"conflict by {arp}")
	for arp in ({"psrc": "0.0.0.0"}, {"psrc": "239.1.1.1"}, {"hwsrc": ALL}):
		pipe.dropped("arp", ARP(**{**reply, **arp}))


def asks_nd(pipe):
	for target in (US6, pipe.link_local):
		address, mac = group(target)
		for packet, to in (
			(solicit(target), mac), (solicit(target, option=False), mac), (solicit(target, to=target), pipe.mac),
		):
			got = pipe.answer(packet, to=to)
			na = got[ICMPv6ND_NA]
			same((got.dst, got[IPv6].src, got[IPv6].dst, got[IPv6].hlim), (PEER, target, PEER6, 255), "advertisement")
			same((na.tgt, na.R, na.S, na.O, na[ICMPv6NDOptDstLLAddr].lladdr), (target, 0, 1, 1, pipe.mac), "its words")
		got = pipe.answer(solicit(target, source="::", option=False), to=mac)
		same((got.dst, got[IPv6].dst), ("33:33:00:00:00:01", "ff02::1"), "to somebody without an address")
		same((got[ICMPv6ND_NA].S, got[ICMPv6ND_NA].O), (0, 1), "flags")
	mac = group(US6)[1]
	for packet in (
		solicit(US6, hlim=254), solicit(US6, source="::"), solicit(US6, source="::", to=US6, option=False),
		solicit(US6, source="ff02::5"), solicit(US6, source=US6), solicit(US6, source="::1"),
		solicit(US6, option=False) / ICMPv6NDOptSrcLLAddr(lladdr=ALL),
		solicit(US6, option=False) / ICMPv6NDOptSrcLLAddr(lladdr=PEER, len=0),
		solicit(US6, option=False) / ICMPv6NDOptSrcLLAddr(lladdr=PEER, len=2),
		solicit(US6, option=False) / Raw(b"\x01\x01\x02"),
		IPv6(src=PEER6, dst=group(US6)[0], hlim=255) / ICMPv6ND_NS(tgt=US6, code=1),
		IPv6(src=PEER6, dst=group(US6)[0], hlim=255) / ICMPv6ND_NS(tgt=US6, cksum=0x1234),
		IPv6(src=PEER6, dst=group(US6)[0], hlim=255) / ICMPv6ND_NS(tgt="ff02::1"),
		IPv6(src=PEER6, dst=group(US6)[0], hlim=255) / ICMPv6Unknown(type=135, code=0, msgbody=bytes(8)),
	):
		pipe.dropped("nd", packet, to=mac)
	pipe.dropped("not_our_address", solicit("fd00::abcd:1"), to=mac)  # another host of our group
	pipe.dropped("not_our_address", solicit(US6), to=OTHER)
	pipe.dropped("not_our_address", IPv6(src="fe80::1", dst="ff02::1", hlim=255) / ICMPv6ND_RA(), to="33:33:00:00:00:01")
	hops = IPv6(src=PEER6, dst=group(US6)[0], hlim=255) / IPv6ExtHdrHopByHop() / ICMPv6ND_NS(tgt=US6)
	pipe.dropped("not_our_address", hops, to=mac)


def listens(pipe):
	"""The report that a snooping switch reads: with it, questions for our address come through."""
	got = pipe.sound(pipe.report)
	same((got.dst, got[IPv6].src, got[IPv6].dst, got[IPv6].hlim), ("33:33:00:00:00:16", pipe.link_local, "ff02::16", 1),
		"addresses of the report")
	same([type(option) for option in got[IPv6ExtHdrHopByHop].options], [RouterAlert, PadN], "options")
	same((got[RouterAlert].value, got[ICMPv6MLReport2].records_number), (0, 1), "alert, records")
	record = got[ICMPv6MLDMultAddrRec]
	same((record.rtype, record.sources_number, record.dst), (2, 0, group(US6)[0]), "the record")


def tells_nd(pipe):
	same(pipe.punted(advertise(PEER6, S=1, O=1)), (PEER6, PEER, True, False), "answer")
	same(pipe.punted(advertise(PEER6, S=1, mac=None)), (PEER6, None, True, False), "answer without an address")
	everybody = {"to": "33:33:00:00:00:01"}
	same(pipe.punted(advertise(PEER6, S=0, O=1, to="ff02::1"), **everybody), (PEER6, PEER, False, False), "unasked")
	same(pipe.punted(advertise(US6, S=0, O=1, to="ff02::1"), **everybody)[3], True, "conflict")
	for packet in (
		advertise(PEER6, S=1, to="ff02::1"), advertise(PEER6, S=1, hlim=64), advertise("ff02::9", S=1),
		advertise(PEER6, S=1, mac=ALL), advertise(PEER6, source="::", S=0), advertise(PEER6, source="ff05::1"),
	):
		pipe.dropped("nd", packet, to=pipe.mac if packet.dst == US6 else everybody["to"])


def asks_echo(pipe):
	room = 1500 - 28
	for size in (0, 1, 56, 57, room):
		got = pipe.answer(echo4(size))
		same((got.dst, got[IP].src, got[IP].dst, got[IP].ttl), (PEER, US4, PEER4, 64), "IPv4 of the reply")
		same((got[ICMP].type, got[ICMP].code, got[ICMP].id, got[ICMP].seq), (0, 0, 7, 9), "echo reply")
		same(bytes(got[ICMP].payload), bytes(echo4(size)[Raw].load), "its data")
	for to in (US6, pipe.link_local):
		for size in (0, 1, 56, 57, 1500 - 48):
			got = pipe.answer(echo6(size, to=to))
			same((got.dst, got[IPv6].src, got[IPv6].dst), (PEER, to, PEER6), "IPv6 of the reply")
			reply = got[ICMPv6EchoReply]
			same((reply.id, reply.seq, reply.data), (7, 9, echo6(size)[ICMPv6EchoRequest].data), "its words")
	# Ethernet fills up short frames; that is no part of the answer.
	padded = pipe.frame(echo4(1)) + bytes(17)
	word, rest = pipe.raw(padded)
	same((word, len(rest) // 2), ("answered", len(padded) - 17), "without the padding")
	for packet in (
		echo4(room + 1), echo4(source="0.0.0.0"), echo4(source="10.0.0.255"), echo4(source="224.0.0.5"),
		echo4(source="255.255.255.255"), echo4(source="127.0.0.1"), echo4(source=US4),
		echo4(options=[b"\x01\x01\x01\x00"]), IP(src=PEER4, dst=US4) / ICMP(type=8, code=1),
		IP(src=PEER4, dst=US4) / ICMP(type=8, chksum=0x1234), IP(src=PEER4, dst=US4, proto=1) / Raw(bytes(7)),
		echo6(1500 - 47), echo6(source="::"), echo6(source="ff02::1"), echo6(source="::1"), echo6(source=US6),
		IPv6(src=PEER6, dst=US6) / ICMPv6EchoRequest(cksum=0x1234), IPv6(src=PEER6, dst=US6) / ICMPv6EchoRequest(code=1),
	):
		pipe.dropped("echo", packet)
	for packet in (echo4(), echo6()):
		pipe.dropped("echo", packet, to=ALL if IP in packet else "33:33:00:00:00:01")
	pipe.dropped("not_our_address", echo4(to="10.0.0.9"))
	pipe.dropped("not_our_address", echo4(to="10.0.0.255"), to=ALL)
	pipe.dropped("not_our_address", echo6(to="ff02::1"), to="33:33:00:00:00:01")
	pipe.dropped("echo", echo4(flags="MF"))
	pipe.dropped("fragment", echo4(frag=5))
	pipe.dropped("echo", echo4(chksum=0x1234))
	for kind in (0, 3, 5, 13):  # reply, unreachable, redirect, timestamp: nothing that we answer
		pipe.dropped("not_udp", IP(src=PEER4, dst=US4) / ICMP(type=kind))
	pipe.dropped("not_udp", IPv6(src=PEER6, dst=US6) / ICMPv6EchoReply())
	pipe.dropped("udp_port", IP(src=PEER4, dst=US4) / UDP(dport=7) / Raw(bytes(64)))


def bases(pipe):
	"""One good frame of each kind."""
	return [pipe.frame(packet, to=to) for packet, to in (
		(ARP(op=1, hwsrc=PEER, psrc=PEER4, hwdst=NOWHERE, pdst=US4), ALL),
		(ARP(op=2, hwsrc=PEER, psrc=PEER4, hwdst=pipe.mac, pdst=US4), None),
		(solicit(US6), group(US6)[1]), (advertise(PEER6, S=1, O=1), None), (echo4(9), None), (echo6(9), None),
	)]


def hostile(pipe):
	"""Nothing that is cut off is answered, and what answers there are to damaged frames are sound."""
	for frame in bases(pipe):
		for length in range(1, len(frame)):
			same(pipe.raw(frame[:length])[0], "dropped", f"{length} bytes of {Ether(frame).summary()}")
	chance = random.Random(1)
	outcomes = {}
	for frame in bases(pipe) * 100:
		data = bytearray(frame)
		for _ in range(chance.randint(1, 3)):
			data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
		word, rest = pipe.raw(bytes(data))
		outcomes[word] = outcomes.get(word, 0) + 1
		if word == "answered":
			pipe.sound(bytes.fromhex(rest))
	same({"dropped", "answered", "punted"} >= set(outcomes), True, f"outcomes {outcomes}")
	return outcomes


def limited(pipe):
	"""A burst is answered, a flood is not; the two kinds of questions don't eat each other's share."""
	arp, *_, echo, _ = bases(pipe)
	for flood, other in ((arp, echo), (echo, arp)):
		pipe.process.stdin.write("wait\n")
		word, rest = pipe.line(f"flood {flood.hex()}")
		answered, refused = map(int, rest.split())
		same((word, refused), ("flooded", 1), "the first that is too many")
		same(answered >= BUCKET, True, f"{answered} answered before")
		same(pipe.raw(other)[0], "answered", "the other kind")


for vlan in (False, True):
	pipe = Pipe(sys.argv[1], vlan)
	for part in (asks_arp, tells_arp, asks_nd, listens, tells_nd, asks_echo, hostile, limited):
		try:
			part(pipe)
		except Exception:
			pipe.process.kill()
			raise
	pipe.close()
print("ARP, neighbour discovery and echo as scapy makes and reads them")
