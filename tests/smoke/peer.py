# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A node of the network that the test plays itself, frame by frame, with the second implementation of
the packet format (tests/sphinx_ref); and the books of the appliance that it talks to."""
import json
import os
import socket
import struct
import sys
import threading
import time

from _init import ROOT, LabError, check, equal, moved, netns, wait_for

sys.path.insert(0, str(ROOT / "tests" / "sphinx_ref"))
import sphinx_ref as sphinx  # noqa: E402

GEO = sphinx.GEOMETRIES["mtu"]
MIX_PORT = 9001
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_AUXDATA = 263, 8
VLAN_VALID = 1 << 4  # TP_STATUS_VLAN_VALID
# The shortest delays: where delays are not the matter.
QUICK = {"delay": {"mean": "100us", "max": "200us"}}


def ones_sum(data):
	"""One's complement sum of 16-bit words (RFC 1071)."""
	data += bytes(len(data) % 2)
	total = sum(struct.unpack(f"!{len(data) // 2}H", data))
	while total >> 16:
		total = (total & 0xFFFF) + (total >> 16)
	return total


def address(text):
	return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def udp(
	source, to, payload, source_port=40000, port=MIX_PORT, length=None, break_checksum=False, no_checksum=False,
):
	"""A UDP datagram with its checksum (RFC 768, RFC 8200); 'length' lies about its length."""
	size = length or 8 + len(payload)
	head = struct.pack("!HHH", source_port, port, size)
	pseudo = address(source) + address(to) + struct.pack("!HH", 8 + len(payload), 17)
	checksum = ~ones_sum(pseudo + head + bytes(2) + payload) & 0xFFFF or 0xFFFF
	checksum = 0 if no_checksum else checksum ^ (0x0100 if break_checksum else 0)
	return head + struct.pack("!H", checksum) + payload


def ip(source, to, data, protocol=17, fragment=0, length=None, break_checksum=False):
	"""An IP packet. 'fragment' is IPv4's flags and offset; 'length' lies about the total length."""
	if ":" in to:
		return struct.pack("!IHBB", 6 << 28, length or len(data), protocol, 64) + address(source) + address(to) + data
	head = struct.pack("!BBHHHBB", 0x45, 0, length or 20 + len(data), 0, fragment, 64, protocol)
	addresses = address(source) + address(to)
	checksum = ~ones_sum(head + addresses) & 0xFFFF
	return head + struct.pack("!H", checksum ^ (0x0100 if break_checksum else 0)) + addresses + data


def ethernet(to, source, data, vlan=0, ethertype=None):
	if ethertype is None:
		ethertype = ETHERTYPE[data[0] >> 4]
	tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
	return to + source + tag + struct.pack("!H", ethertype) + data


def taken_apart(frame):
	"""(VLAN, source address, UDP source port, payload) of a mix frame that is right in every header,
	None for any other traffic."""
	at, vlan = 12, 0
	if frame[at:at + 2] == b"\x81\x00":
		vlan, at = struct.unpack("!H", frame[14:16])[0], 16
	family = {b"\x08\x00": 4, b"\x86\xdd": 6}.get(frame[at:at + 2])
	packet = frame[at + 2:]
	size = {4: 20, 6: 40}.get(family)
	if size is None or packet[9 if family == 4 else 6] != 17:
		return None
	datagram = packet[size:]
	source_port, port, length, checksum = struct.unpack("!HHHH", datagram[:8])
	if port != MIX_PORT:
		return None
	addresses = packet[12:20] if family == 4 else packet[8:40]
	if family == 4:
		equal(struct.unpack("!H", packet[2:4])[0], len(packet), "total length of IPv4")
		equal(ones_sum(packet[:20]), 0xFFFF, "sum of the IPv4 header")
	else:
		equal(struct.unpack("!H", packet[4:6])[0], len(datagram), "payload length of IPv6")
		check(checksum != 0, "IPv6 asks for a UDP checksum")
	equal(length, len(datagram), "UDP length")
	if checksum:
		equal(ones_sum(addresses + struct.pack("!HH", length, 17) + datagram), 0xFFFF, "sum of the datagram")
	source = addresses[:len(addresses) // 2]
	return vlan, socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, source), source_port, datagram[8:]


class Wire:
	"""Frames on an interface from now on, with the kernel's time stamps: (ns, outgoing, bytes)."""

	def __init__(self, space, interface):
		self.frames = []
		self._sock = netns.packet_socket(space, interface)
		self._sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
		self._sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
		self._sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
		self._sock.settimeout(0.1)
		self._end = False
		self._thread = threading.Thread(target=self._read, daemon=True)
		self._thread.start()

	def _read(self):
		while not self._end:
			try:
				data, control, _, source = self._sock.recvmsg(65536, 256)
			except TimeoutError:
				continue
			except OSError:
				return  # the interface is gone
			for level, kind, value in control:
				if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
					seconds, ns = struct.unpack("qq", value[:16])
				elif (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
					# The kernel takes the tag out of received frames: back with it.
					status, tag = struct.unpack("I12xH", value[:18])
					if status & VLAN_VALID:
						data = data[:12] + struct.pack("!HH", 0x8100, tag) + data[12:]
			self.frames.append((seconds * 10**9 + ns, source[2] == netns.PACKET_OUTGOING, data))

	def close(self):
		self._end = True
		self._thread.join()
		self._sock.close()


class Peer:
	"""A place on the switch, and in the topology the node "peer4"; with 'ipv6' the node "peer6" too."""

	def __init__(self, lab, name="peer", index=100, ipv6=False):
		self.lab = lab
		self.netns, self.ip4, self.ip6 = lab.add_host(name, index)
		self.nodes = {4: sphinx.Node(), 6: sphinx.Node()}
		self.interface, self.vlan = "eth0", 0
		addresses = [self.ip4, self.ip6] if ipv6 else [self.ip4]
		quiet(lab.switch.netns)
		if not ipv6:
			quiet(self.netns)
		for node, shown in zip(self.nodes.values(), addresses):
			lab.guests.append({
				"name": f"{name}6" if ":" in shown else f"{name}4", "id": node.id.hex(),
				"mix_key": node.public.hex(), "address": shown, "role": "service"})
		# Mix packets have a taker here, so that the kernel doesn't answer that there is none.
		self._takers = [netns.udp_socket(self.netns, shown, MIX_PORT) for shown in addresses]
		self.open(self.netns, "eth0")

	def open(self, space, interface):
		"""Move to an interface: there this node sends and listens."""
		self.close()
		self.interface, self.mac = interface, mac_of(space, interface)
		self.wire = Wire(space, interface)

		def make():
			sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
			sock.bind((interface, 0))
			return sock
		self.sock = netns.inside(space, make)

	def close(self):
		if hasattr(self, "wire"):
			self.wire.close()
			self.sock.close()

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.close()

	def known(self, node):
		"""'setup' of an appliance: it knows this peer for good, so that no ARP mixes into the counts."""
		netns.ip("neigh", "replace", self.ip4, "lladdr", show(self.mac), "dev", "eth0", "nud", "permanent",
			netns=node.netns)

	def frame(self, node, data, family=4, source_port=40000, to=None, vlan=None, **ip_options):
		"""A frame to 'node' with this packet; what else it has can be broken by keyword."""
		source = self.ip4 if family == 4 else self.ip6
		to = to or (node.ip4 if family == 4 else node.ip6)
		udp_options = ip_options.pop("udp", {})
		packet = ip(source, to, udp(source, to, data, source_port, **udp_options), **ip_options)
		return ethernet(mac_of(node.netns, self.interface), self.mac, packet, self.vlan if vlan is None else vlan)

	def send(self, frame):
		self.sock.send(frame)

	def received(self):
		"""Mix packets that have come: (VLAN, source address, UDP source port, packet)."""
		found = [taken_apart(data) for _, outgoing, data in list(self.wire.frames) if not outgoing]
		return [parts for parts in found if parts]

	def packets(self):
		return [parts[3] for parts in self.received()]

	def way(self, node, family=4):
		"""Path over an appliance to this peer."""
		here = self.nodes[family]
		return [hop(node), sphinx.Hop(here.id, here.public, recipient=bytes(32))]

	def make(self, node, family=4):
		"""A packet over an appliance to this peer, and what has to arrive: (packet, packet)."""
		packet, keys = sphinx.wrap_with_keys(GEO, self.way(node, family), os.urandom(GEO.payload_len))
		return packet, sphinx.unwrap_with_keys(GEO, keys[0], packet).packet


def hop(node, **commands):
	"""An appliance as its senders see it."""
	return sphinx.Hop(bytes.fromhex(node.id), bytes.fromhex(node.mix_key), **commands)


def quiet(space):
	"""No IPv6 chatter from this namespace, and no firewall between bridge ports, which would sort out
	the very frames that tests are about (where br_netfilter isn't there, neither is its setting)."""
	for name in (
		"net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
		"net.bridge.bridge-nf-call-iptables=0", "net.bridge.bridge-nf-call-ip6tables=0",
	):
		netns.subprocess.run(netns.command(space, ["sysctl", "-eqw", name]), check=True)


_macs = {}


def mac_of(space, interface):
	if (space, interface) not in _macs:
		link = json.loads(netns.ip("-j", "link", "show", interface, netns=space))
		_macs[space, interface] = bytes.fromhex(link[0]["address"].replace(":", ""))
	return _macs[space, interface]


def show(mac):
	return mac.hex(":")


def counters(node):
	"""GET /v1/workers, once it has data of every worker: while one writes, there may be none."""
	def complete():
		found = node.rest.get("/v1/workers")
		return found["sum"] and found
	return wait_for("counters", complete)


def counted(node):
	"""Everything that an appliance has counted of packets, as one flat dict."""
	found = counters(node)
	total = found["sum"]
	flat = {key: value for key, value in total.items() if isinstance(value, int)}
	for worker in found["workers"]:
		equal(worker["accounting_gap"], 0, f"gap in the books of worker {worker['worker']}")
		for key in ("delay_clamped", "ring_faults", "replays_accepted"):
			flat[key] = flat.get(key, 0) + worker[key]
	for key in ("owed_us", "given_us", "late_ns"):
		flat[key] = total[key]["count"]
	for peer in total["peers"]:
		flat[f"from {peer['name']}"], flat[f"to {peer['name']}"] = peer["rx"], peer["tx"]
	reasons = wait_for("drops", lambda: (drops := node.rest.get("/v1/drops"))["total"] is not None and drops)["reasons"]
	flat |= {reason["reason"]: reason["packets"] for reason in reasons}
	for port in wait_for("ports", lambda: node.rest.get("/v1/ports")["ports"]):
		for key in ("port_lost", "to_kernel", "tx_failed"):
			flat[key] = flat.get(key, 0) + port[key]
	status = node.rest.get("/v1/status")
	flat["replay_count"] = status["data_plane"]["replay_count"]
	return flat | {f"messages {key}": value for key, value in status["messages"].items()}


def per_worker(node, key):
	return {worker["worker"]: worker[key] for worker in counters(node)["workers"]}


def port_of_queue(peer, node, queue):
	"""A UDP source port whose frames arrive on this queue: found by trying, as the kernel spreads flows
	by a hash of its own. (The probes are counted as bad_prefix.)"""
	for port in range(41000, 41100):
		before = per_worker(node, "rx")
		peer.send(peer.frame(node, bytes(GEO.packet), source_port=port))
		if queue in wait_for("the probe", lambda before=before: moved(before, per_worker(node, "rx"))):
			return port
	raise AssertionError(f"no flow of 100 reaches queue {queue}")


# What several counters say together when a frame came from the peer and
DROPPED = {"rx": 1, "drops": 1, "from peer4": 1}  # was dropped
FORWARDED = {  # was forwarded back to it
	"rx": 1, "from peer4": 1, "tx": 1, "to peer4": 1, "replay_count": 1, "owed_us": 1, "given_us": 1, "late_ns": 1}
DELIVERED = {  # ended here
	"rx": 1, "from peer4": 1, "delivered": 1, "replay_count": 1, "messages delivered": 1}


class Books:
	"""Holds an appliance to what it has to count: `moves` adds to what has to have moved since the
	start, and everything else (but for 'besides') has to stand still."""

	def __init__(self, node, besides=()):
		self.node, self.before, self.wanted, self.besides = node, counted(node), {}, besides

	def moves(self, what, *parts, times=1, **once):
		"""'parts' are dicts like DROPPED, or reasons for a drop, each 'times' times; 'once' comes on top."""
		for part in parts:
			for key, value in (part if isinstance(part, dict) else {part: 1}).items():
				self.wanted[key] = self.wanted.get(key, 0) + times * value
		for key, value in once.items():
			self.wanted[key] = self.wanted.get(key, 0) + value
		self.stand(what)

	def stand(self, what):
		def right():
			change = moved(self.before, counted(self.node))
			self.change = {key: value for key, value in change.items() if key not in self.besides}
			return self.change == self.wanted
		try:
			wait_for(what, right, seconds=10, alive=self.node.check_alive)
		except LabError:
			surplus = moved(self.wanted, self.change)
			raise AssertionError(f"{what}: the counters are off by {surplus}") from None

	def close(self):
		"""Nothing comes late, and the driver has seen the same frames as the workers."""
		time.sleep(0.5)
		self.stand("at the end")
		total, ports = counted(self.node), wait_for("ports", lambda: self.node.rest.get("/v1/ports")["ports"])
		equal(sum(port["rx_frames"] for port in ports), total["rx"], "frames received by the driver")
		equal(sum(port["tx_frames"] for port in ports), total["tx"], "frames sent by the driver")


def start(lab):
	"""Start a lab and wait until every appliance knows the way to every other node."""
	lab.start()
	for node in lab:
		def reaches_all(node=node):
			state = node.rest.get("/v1/status")["data_plane"]
			return state["next_hops_ready"] == state["next_hops"] > 0
		wait_for(f"neighbours of {node.name}", reaches_all)


def played(lab, **options):
	"""The usual scene: one appliance "mix1" and this test as the node "peer4"."""
	peer = Peer(lab)
	node = lab.add("mix1", "mix", 1, **{"setup": peer.known, **options})
	try:
		start(lab)
	except BaseException:
		peer.close()
		raise
	return node, peer
