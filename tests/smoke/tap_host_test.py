#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A port without a kernel is a host of its own: the kernel at the other end of the wire (net_tap) finds
it by ARP and neighbour discovery and pings it, and it finds its next hops by itself, on the link and
behind a gateway, in both families. No address is fixed on either side."""
import json
import os
import struct
import subprocess

from _init import Lab, check, equal, netns, skip, wait_for
from peer import QUICK, ethernet, hop, mac_of, ones_sum, sphinx

GEO = sphinx.GEOMETRIES["mtu"]
ROUTER_MAC = "02:00:00:00:aa:01"
ROUTER4, ROUTER6 = "10.91.0.254", "fd91::fe"
FAR4, FAR6 = "10.92.0.2", "fd92::2"
STRANGER = bytes.fromhex("0200000000ee")
ARP, REQUEST, REPLY = 0x0806, 1, 2

if not os.path.exists("/dev/net/tun"):
	skip("needs tap devices (/dev/net/tun, CONFIG_TUN)")


def run(space, *argv):
	done = subprocess.run(netns.command(space, argv), capture_output=True, text=True)
	check(done.returncode == 0, f"{' '.join(map(str, argv))}: {done.stdout}{done.stderr}")
	return done.stdout


def neighbour(space, address, device):
	"""What the kernel knows about a neighbour: (MAC, states)."""
	for entry in json.loads(netns.ip("-j", "neigh", "show", "dev", device, netns=space)):
		if entry["dst"] == address:
			return entry.get("lladdr"), entry["state"]
	return None, []


def arp(operation, sender_mac, sender, target_mac, target):
	quad = [bytes(map(int, address.split("."))) for address in (sender, target)]
	return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + sender_mac + quad[0] + target_mac + quad[1]


def echo(number, source, to):
	"""An ICMP echo request in its IPv4 packet."""
	head = struct.pack("!BBHHH", 8, 0, 0, 77, number)
	data = head[:2] + struct.pack("!H", ~ones_sum(head) & 0xFFFF) + head[4:]
	quads = b"".join(bytes(map(int, address.split("."))) for address in (source, to))
	start = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(data), number, 0, 64, 1)
	return start + struct.pack("!H", ~ones_sum(start + quads) & 0xFFFF) + quads + data


class Guest:
	"""A node of the network that is a UDP socket of a kernel."""

	def __init__(self, lab, name, space, address):
		self.name, self.space, self.address, self.keys = name, space, address, sphinx.Node()
		self.sock = None
		lab.guests.append({
			"name": name, "id": self.keys.id.hex(), "mix_key": self.keys.public.hex(), "address": address,
			"role": "service"})

	def open(self):
		self.sock = netns.udp_socket(self.space, self.address, 9001)
		self.sock.settimeout(30)

	def passes(self, mix, to):
		"""A packet from here over the appliance to another guest, byte for byte."""
		path = [hop(mix), sphinx.Hop(to.keys.id, to.keys.public, recipient=bytes(32))]
		packet, keys = sphinx.wrap_with_keys(GEO, path, os.urandom(GEO.payload_len))
		own = mix.ip6 if ":" in self.address else mix.ip4
		self.sock.sendto(packet, (own, 9001))
		data, source = to.sock.recvfrom(65536)
		equal(data, sphinx.unwrap_with_keys(GEO, keys[0], packet).packet, f"packet of {self.name} at {to.name}")
		equal(source[0], mix.ip6 if ":" in to.address else mix.ip4, f"source of the packet at {to.name}")


def router(space, port_mac, far):
	"""The tap's kernel end becomes a host with its own MAC address, and a router to another network."""
	netns.ip("link", "set", "fog0", "down", netns=space)
	netns.ip("link", "set", "fog0", "address", ROUTER_MAC, netns=space)
	netns.ip("link", "set", "fog0", "up", netns=space)
	check(port_mac.hex(":") != ROUTER_MAC, "two MAC addresses")
	netns.ip("link", "add", "tofar", "type", "veth", "peer", "name", "eth0", "netns", far, netns=space)
	for where, name in ((space, "tofar"), (far, "eth0")):
		run(where, "ethtool", "-K", name, "tx", "off")
		netns.ip("link", "set", name, "up", netns=where)
	for where, name, address in (
		(space, "fog0", ROUTER4 + "/24"), (space, "fog0", ROUTER6 + "/64"), (space, "tofar", "10.92.0.1/24"),
		(space, "tofar", "fd92::1/64"), (far, "eth0", FAR4 + "/24"), (far, "eth0", FAR6 + "/64"),
	):
		netns.ip("address", "add", address, "dev", name, *(["nodad"] if ":" in address else []), netns=where)
	netns.ip("route", "add", "default", "via", "10.92.0.1", netns=far)
	netns.ip("-6", "route", "add", "default", "via", "fd92::1", netns=far)
	run(space, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")


def books_close(mix):
	"""Every counter balances, and the driver has seen the frames that the worker counted."""
	def right():
		found = mix.rest.get("/v1/workers")
		ports = mix.rest.get("/v1/ports")["ports"]
		total = found["sum"]
		if not total or not ports:
			return False
		for worker in found["workers"]:
			equal(worker["accounting_gap"], 0, "gap in the books")
		return total["rx"] == ports[0]["rx_frames"] and total["tx"] == ports[0]["tx_frames"] and total
	return wait_for("books and driver to agree", right, seconds=30)


with Lab(network=QUICK) as lab:
	mix = lab.add("mix1", "mix", 1, setup=lambda node: netns.ip("address", "flush", "dev", "eth0", netns=node.netns))
	mix.options["config"] = {"ports": [{
		"name": "tap", "driver": "dpdk", "device": "net_tap0,iface=fog0",
		"addresses": [mix.ip4 + "/24", mix.ip6 + "/64"], "gateway4": ROUTER4, "gateway6": ROUTER6,
	}]}
	far = lab.run.namespace("far")
	netns.create(far)
	guests = [
		Guest(lab, "near4", mix.netns, ROUTER4), Guest(lab, "near6", mix.netns, ROUTER6),
		Guest(lab, "far4", far, FAR4), Guest(lab, "far6", far, FAR6),
	]
	lab.start()
	port_mac = mac_of(mix.netns, "fog0")  # the tap starts with the port's own
	router(mix.netns, port_mac, far)
	for guest in guests:
		guest.open()

	# The kernel finds us, and hears us.
	link_local = f"fe80::{port_mac[0] ^ 2:02x}{port_mac[1]:02x}:{port_mac[2]:02x}ff:fe{port_mac[3]:02x}:" \
		f"{port_mac[4]:02x}{port_mac[5]:02x}%fog0"
	for space, address in (
		(mix.netns, mix.ip4), (mix.netns, mix.ip6), (mix.netns, link_local), (far, mix.ip4), (far, mix.ip6),
	):
		for size in (0, 56, 1452):  # the last is a full packet in IPv6
			run(space, "ping", "-q", "-c", "3", "-i", "0.2", "-W", "10", "-s", str(size), address)
	for address in (mix.ip4, mix.ip6):
		mac, states = neighbour(mix.netns, address, "fog0")
		equal(mac, port_mac.hex(":"), f"MAC address that the kernel found for {address}")
		check("FAILED" not in states and "PERMANENT" not in states, f"{address} found by asking: {states}")

	# We find our next hops, and packets flow between all of them.
	wait_for("next hops", mix.resolved, alive=mix.check_alive)
	for sender in guests:
		for to in guests:
			sender.passes(mix, to)
	total = books_close(mix)
	check(total["answered"] >= 45, f"45 pings and some questions answered: {total['answered']}")
	check(total["punted"] >= 2, f"answers of the router passed on to the manager: {total['punted']}")
	check(total["made"] > total["answered"], "answers and questions of our own are made")
	equal(total["tx"], len(guests) ** 2 + total["made"], "sent: packets, answers, questions")

	# Whoever says unasked that the router is elsewhere is not believed.
	with netns.Capture(mix.netns, "fog0") as wire:
		sock = netns.packet_socket(mix.netns, "fog0")
		sock.send(ethernet(port_mac, STRANGER, arp(REPLY, STRANGER, ROUTER4, port_mac, mix.ip4), ethertype=ARP))
		sock.send(ethernet(b"\xff" * 6, STRANGER, arp(REQUEST, STRANGER, ROUTER4, bytes(6), ROUTER4), ethertype=ARP))
		wait_for("both to be heard", lambda: mix.rest.get("/v1/workers")["sum"]["punted"] >= total["punted"] + 2)
		for to in guests:
			guests[0].passes(mix, to)
		wrong = [data for outgoing, data in wire.frames if not outgoing and data[:6] == STRANGER]
		equal(wrong, [], "frames to the stranger")

		# Whoever takes our address is told, and so are people.
		sock.send(ethernet(b"\xff" * 6, STRANGER, arp(REQUEST, STRANGER, mix.ip4, bytes(6), mix.ip4), ethertype=ARP))
		announcement = arp(REQUEST, port_mac, mix.ip4, bytes(6), mix.ip4)
		wait_for("the claim to be answered", lambda: any(announcement in data for _, data in list(wire.frames)))
		wait_for("a word about it", lambda: "uses our address 10.91.0.1 too" in mix.log("data").read_text())
		sock.close()

	# More pings than anybody needs are dropped under their name.
	def refused():
		return {drop["reason"]: drop["packets"] for drop in mix.rest.get("/v1/drops")["reasons"]}["answer_rate"]

	def flooded():
		for number in range(1000):
			sock.send(ethernet(port_mac, bytes.fromhex(ROUTER_MAC.replace(":", "")), echo(number, ROUTER4, mix.ip4)))
		return refused()
	sock = netns.packet_socket(mix.netns, "fog0")
	wait_for("pings that are too many", flooded)
	sock.close()
	books_close(mix)

	# After a loss of link all are told where our addresses are, and switches to which groups we listen.
	def up():
		return mix.rest.get("/v1/ports")["ports"][0]["link_up"]

	def said(to, what):
		return any(not outgoing and data[:6] == to and what in data for outgoing, data in list(wire.frames))
	netns.ip("link", "set", "fog0", "down", netns=mix.netns)
	wait_for("the loss of link", lambda: not up())
	netns.ip("link", "set", "fog0", "up", netns=mix.netns)
	with netns.Capture(mix.netns, "fog0") as wire:
		group = bytes.fromhex("ff02" + 9 * "00" + "01ff" + "000001")  # of our IPv6 address
		wait_for("an announcement", lambda: said(b"\xff" * 6, announcement))
		wait_for("a listener's report", lambda: said(bytes.fromhex("333300000016"), group))

	# What the device counts is shown.
	port = mix.rest.get("/v1/ports")["ports"][0]
	check(port["device"].get("rx_good_packets", 0) > 0, f"the device's own counters: {port['device']}")
	check(b'fog_port_device_stat{port="tap",stat="rx_good_packets"}' in mix.rest.call("GET", "/metrics")[2],
		"the device's counters in the metrics")
	check("tap: device rx_good_packets" in mix.fogctl("ports"), "the device's counters in fogctl ports")
