# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The memory of a running process, and the secrets of a node, for tests that look for the ones in the other."""
import ctypes
import os
import pathlib
import re

KEY_SPEC_USER_KEYRING = -4
VMA = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s*(.*)$")
PIECE = 1 << 22
REPLAY_KEY_AT, REPLAY_KEY_LEN = 56, 16  # in the file of a replay table (dataplane/replay_table.h)


def areas(pid):
	"""(begin, end, permissions, name, flags) of every mapping; flags as /proc/PID/smaps names them."""
	found, area = [], None
	with open(f"/proc/{pid}/smaps") as lines:
		for line in lines:
			match = VMA.match(line)
			if match:
				area = [int(match[1], 16), int(match[2], 16), match[3], match[4]]
			elif line.startswith("VmFlags:"):
				found.append((*area, set(line.split()[1:])))
	return found


def places(pid, needle):
	"""The mappings in which the bytes occur: (name, flags), once for each occurrence."""
	found = []
	memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
	for begin, end, permissions, name, flags in areas(pid):
		if not permissions.startswith("r") or name in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
			continue
		at = begin
		while at < end:
			try:
				piece = os.pread(memory, min(PIECE, end - at) + len(needle) - 1, at)
			except OSError:
				break  # the mapping went meanwhile, or can't be read by anybody
			found += [(name or "anonymous", flags)] * piece.count(needle)
			at += PIECE
	os.close(memory)
	return found


def tasks(pid):
	"""Folders of the threads in /proc."""
	return sorted(pathlib.Path(f"/proc/{pid}/task").iterdir())


def stack_pointer(task):
	"""Of a thread that waits in a system call; None while it runs."""
	words = (task / "syscall").read_text().split()
	return int(words[-2], 16) if len(words) > 2 else None


def mix_key(instance, uid, epoch=1):
	"""The private mix key, from the kernel's keyring of its control plane's user."""
	come, go = os.pipe()
	pid = os.fork()
	if pid == 0:
		os.setgroups([])
		os.setresgid(uid, uid, uid)
		os.setresuid(uid, uid, uid)
		keyutils = ctypes.CDLL("libkeyutils.so.1")
		key = ctypes.create_string_buffer(32)
		serial = keyutils.keyctl_search(
			KEY_SPEC_USER_KEYRING, b"user", f"fogline:{instance}:mix:{epoch}".encode(), 0)
		got = keyutils.keyctl_read(serial, key, 32)
		os.write(go, key.raw if got == 32 else b"")
		os._exit(0)
	os.close(go)
	key = os.read(come, 32)
	os.close(come)
	os.waitpid(pid, 0)
	return key


def replay_keys(folder):
	"""The keys of the replay tables in a folder."""
	return [path.read_bytes()[REPLAY_KEY_AT:REPLAY_KEY_AT + REPLAY_KEY_LEN] for path in folder.glob("replay-*")]
