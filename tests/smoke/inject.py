# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Has a thread of a running process make a system call that its program never makes: what somebody who
has taken it over would do. By ptrace, x86-64."""
import ctypes
import os
import struct

from _init import wait_for

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
PTRACE_GETREGSET, PTRACE_SETREGSET, NT_PRSTATUS = 0x4204, 0x4205, 1
WALL = 0x40000000
# Places in struct user_regs_struct.
RDX, RSI, RDI, ORIG_RAX, RAX, RIP = 12, 13, 14, 15, 10, 16
SYSCALL = b"\x0f\x05"
NO_CALL = 2**64 - 1
libc = ctypes.CDLL(None, use_errno=True)


def _ptrace(request, tid, address=None, data=None):
	if libc.ptrace(request, tid, ctypes.c_void_p(address), data):
		raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")


def _registers(request, tid, values=bytes(27 * 8)):
	words = ctypes.create_string_buffer(values, len(values))
	part = (ctypes.c_void_p * 2)(ctypes.addressof(words), len(values))
	_ptrace(request, tid, NT_PRSTATUS, ctypes.byref(part))
	return list(struct.unpack("=27Q", words.raw))


def _stopped(pid, tid):
	"""Registers of the thread, which stands still; None, and it runs on, when it was not waiting in a
	system call."""
	_ptrace(PTRACE_SEIZE, tid)
	_ptrace(PTRACE_INTERRUPT, tid)
	os.waitpid(tid, WALL)
	words = _registers(PTRACE_GETREGSET, tid)
	with open(f"/proc/{pid}/mem", "rb") as memory:
		memory.seek(words[RIP] - 2)
		if words[ORIG_RAX] != NO_CALL and memory.read(2) == SYSCALL:
			return words
	_ptrace(PTRACE_DETACH, tid)
	return None


def call(pid, tid, number, *arguments):
	"""The instruction of the system call in which the thread waits is used once more. Returns when the
	thread runs on; its wait ends with the result of the injected call."""
	words = wait_for(f"thread {tid} to wait in a system call", lambda: _stopped(pid, tid), every=0.001)
	words[RIP] -= len(SYSCALL)
	words[RAX], words[ORIG_RAX] = number, NO_CALL  # nothing to restart
	for register, value in zip((RDI, RSI, RDX), arguments, strict=False):
		words[register] = value
	_registers(PTRACE_SETREGSET, tid, struct.pack("=27Q", *words))
	_ptrace(PTRACE_DETACH, tid)
