# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Network namespaces, and sockets inside of them. Needs root."""
import ctypes
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000
PACKET_OUTGOING = 4
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*words, netns=None):
	"""Run ip(8), inside 'netns' if given; raises with its message when it fails."""
	argv = ["ip", *(["-n", netns] if netns else []), *map(str, words)]
	done = subprocess.run(argv, capture_output=True, text=True)
	if done.returncode:
		raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")
	return done.stdout


def names(prefix):
	"""All namespaces whose name starts with 'prefix'."""
	lines = ip("netns", "list").splitlines()
	return [line.split()[0] for line in lines if line.startswith(prefix)]


def pids(netns):
	return [int(pid) for pid in ip("netns", "pids", netns).split()]


def create(netns):
	ip("netns", "add", netns)
	ip("link", "set", "lo", "up", netns=netns)


def command(netns, argv):
	"""'argv' as a command line that runs inside 'netns', under the same process ID as its caller."""
	return ["nsenter", f"--net=/run/netns/{netns}", "--", *map(str, argv)]


def inside(netns, call):
	"""Result of call() in a thread that has entered 'netns'. Sockets that it opens stay inside."""
	result = []

	def work():
		try:
			fd = os.open(f"/run/netns/{netns}", os.O_RDONLY)
			try:
				if _libc.setns(fd, CLONE_NEWNET):
					raise OSError(ctypes.get_errno(), f"setns {netns}")
			finally:
				os.close(fd)
			result.append((call(), None))
		except BaseException as error:  # handed on to the caller below
			result.append((None, error))

	thread = threading.Thread(target=work)
	thread.start()
	thread.join()
	value, error = result[0]
	if error:
		raise error
	return value


def udp_socket(netns, address, port=0):
	"""A UDP socket inside 'netns', bound to an address of either family."""
	family = socket.AF_INET6 if ":" in address else socket.AF_INET

	def make():
		sock = socket.socket(family, socket.SOCK_DGRAM)
		sock.bind((address, port))
		return sock
	return inside(netns, make)


def packet_socket(netns, interface):
	"""A socket for whole Ethernet frames; what it receives includes what the interface sends."""
	def make():
		sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
		sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)  # a test that naps loses nothing
		sock.bind((interface, ETH_P_ALL))
		return sock
	return inside(netns, make)


class Capture:
	"""Frames on an interface from now on: list of (outgoing, bytes), closed by 'with'. 'options' are the socket's,
	each as setsockopt takes it."""

	def __init__(self, netns, interface, *options):
		self.frames = []
		self._sock = packet_socket(netns, interface)
		for option in options:
			self._sock.setsockopt(*option)
		self._sock.settimeout(0.1)
		self._stop = threading.Event()
		self._thread = threading.Thread(target=self._read)
		self._thread.start()

	def _read(self):
		while not self._stop.is_set():
			try:
				self._receive(self._sock)
			except TimeoutError:
				continue

	def _receive(self, sock):
		data, source = sock.recvfrom(65536)
		self.frames.append((source[2] == PACKET_OUTGOING, data))

	def close(self):
		self._stop.set()
		self._thread.join()
		self._sock.close()

	def __enter__(self):
		return self

	def __exit__(self, *_):
		self.close()


class Switch:
	"""A namespace with a bridge that joins the others."""

	def __init__(self, netns):
		self.netns = netns
		self.count = 0
		create(netns)
		ip("link", "add", "br0", "type", "bridge", "stp_state", 0, "mcast_snooping", 0, netns=netns)
		ip("link", "set", "br0", "up", netns=netns)

	def join(self, netns, addresses, queues=1, interface="eth0"):
		"""Give 'netns' an interface with these addresses ("10.0.0.1/24", "fd00::1/64") on the bridge.

		Returns the name of its other end in the switch."""
		port = f"p{self.count}"
		self.count += 1
		ip("link", "add", port, "numrxqueues", queues, "numtxqueues", queues, "type", "veth",
			"peer", "name", interface, "netns", netns, "numrxqueues", queues, "numtxqueues", queues,
			netns=self.netns)
		for where, name in ((self.netns, port), (netns, interface)):
			# A checksum that the kernel left to a device that isn't there would reach the wire open.
			argv = command(where, ["ethtool", "-K", name, "tx", "off", "txvlan", "off", "rxvlan", "off"])
			subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
		ip("link", "set", port, "master", "br0", "up", netns=self.netns)
		for address in addresses:
			extra = ["nodad"] if ":" in address else []
			ip("address", "add", address, "dev", interface, *extra, netns=netns)
		ip("link", "set", interface, "up", netns=netns)
		return port
