# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Which queue a NIC gives a flow: receive side scaling with the Toeplitz hash and its published key and verification
suite (Microsoft's network driver documentation, "RSS hashing functions" and "Verifying the RSS hash calculation")."""
import socket
import struct

KEY = int(
	"6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa", 16)
KEY_BITS = 320
TABLE = 128  # entries of the redirection table, which name the queues in turn
# (source, its port, destination, its port, hash with the ports)
SUITE = (
	("66.9.149.187", 2794, "161.142.100.80", 1766, 0x51CCC178),
	("199.92.111.2", 14230, "65.69.140.83", 4739, 0xC626B0EA),
	("24.19.198.95", 12898, "12.22.207.184", 38024, 0x5C2B394A),
	("38.27.205.30", 48228, "209.142.163.6", 2217, 0xAFC7327F),
	("153.39.163.191", 44251, "202.188.127.2", 1303, 0x10E828A2),
)


def hash_of(source, source_port, to, port):
	"""For every bit of the input that is set, the 32 bits of the key that begin there."""
	data = socket.inet_aton(source) + socket.inet_aton(to) + struct.pack("!HH", source_port, port)
	bits, found = int.from_bytes(data, "big"), 0
	for at in range(8 * len(data)):
		if bits >> (8 * len(data) - 1 - at) & 1:
			found ^= KEY >> (KEY_BITS - 32 - at) & 0xFFFFFFFF
	return found


def queue_of(source, source_port, to, port, queues):
	return hash_of(source, source_port, to, port) % TABLE % queues


def verify():
	"""This is the hash that the verification suite was made with."""
	for *flow, wanted in SUITE:
		if hash_of(*flow) != wanted:
			raise AssertionError(f"hash of {flow}: {hash_of(*flow):#x}, should be {wanted:#x}")
