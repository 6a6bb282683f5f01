#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What rights a node's processes have while packets flow, thread by thread; that the tables of a data
plane that was root are taken over; and that threads of real processes that make a call which their
sandbox forbids end them, and the last line says of what."""
import json
import os
import re
import signal

import inject
from _init import SANITIZED, Lab, check, equal, skip, wait_for
from memory import tasks
from steady import SHORT, Steady, three

NET_ADMIN, IPC_LOCK = 1 << 12, 1 << 14
NOBODY = {"CapPrm": 0, "CapEff": 0, "CapInh": 0, "CapAmb": 0, "CapBnd": 0}
THREADS = {"fog-dataplane", "eal-intr-thread", "rte-worker-1"}
EXECVE, OPENAT, SOCKET, CHMOD = 59, 257, 41, 90


def status(task):
	return dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)


def confined(task, uid, caps=0):
	now = status(task)
	name = now["Name"]
	for kind in ("Uid", "Gid"):
		equal(now[kind].split(), [str(uid)] * 4, f"{kind} of {name}")
	equal(now["Groups"].split(), [], f"groups of {name}")
	wanted = {**NOBODY, "CapPrm": caps, "CapEff": caps}
	equal({key: int(now[key], 16) for key in wanted}, wanted, f"capabilities of {name}")
	equal((now["NoNewPrivs"], now["Seccomp"]), ("1", "2"), f"no_new_privs and seccomp of {name}")
	return name


def node_confined(node):
	data, control = (node.processes[which].pid for which in ("data", "control"))
	names = {
		confined(task, node.data_uid, NET_ADMIN | IPC_LOCK if int(task.name) == data else 0) for task in tasks(data)
	}
	equal(names, THREADS, "threads of the data plane")
	check(len([confined(task, node.uid) for task in tasks(control)]) > 1, "one thread in the control plane")
	for which, pid in (("data", data), ("control", control)):
		# Undumpable: the files of its memory are root's, whoever it is.
		equal(os.stat(f"/proc/{pid}/mem").st_uid, 0, f"owner of the {which} plane's memory")
		line = re.search(r"^.*sandbox: .*$", node.log(which).read_text(), re.MULTILINE)
		check(line and "seccomp" in line[0] and "landlock" in line[0], f"the {which} plane says nothing of its sandbox")


def tables(node):
	return {path.name: (path.stat().st_uid, path.stat().st_mode & 0o7777) for path in node.replay_dir.iterdir()}


def restart(lab, node, user, data_uid):
	"""Another user from the next start of both processes on."""
	for which in ("control", "data"):
		node.end(which)
	node.options["config"] = {"dataplane_user": user}
	node.config_path.write_text(json.dumps(node.config()))
	node.start("control")
	wait_for("REST", lambda: node.rest.get("/v1/status"), alive=node.check_alive)
	lab.compile(node)
	node.start("data")
	node.wait_ready()
	equal({*tables(node).values()}, {(data_uid, 0o600)}, f"owner and mode of the replay tables as user '{user}'")


def taken_over(lab, node):
	"""From root, and what was accepted stays accepted: the table is the same."""
	name, = tables(node)
	node.end("data")
	for path in (node.replay_dir, node.replay_dir / name):
		os.chown(path, 0, 0)
	restart(lab, node, "", 0)
	check("rights: user 0" in node.log("data").read_text(), "the data plane didn't stay root")
	for task in tasks(node.processes["data"].pid):
		confined(task, 0, NET_ADMIN | IPC_LOCK if int(task.name) == node.processes["data"].pid else 0)
	restart(lab, node, str(node.data_uid), node.data_uid)
	check("replay table found" in node.log("data").read_text().rsplit("is up", 1)[1], "another replay table")
	equal([*tables(node)], [name], "names of the replay tables")


def stranger_refused(lab, node):
	name, = tables(node)
	node.end("data")
	os.chown(node.replay_dir / name, node.uid, node.uid)
	node.start("data")
	equal(node.processes["data"].wait(60), 1, "exit code with a table of another user")
	check(f"holds {name} of user {node.uid}" in node.log_end("data"), node.log_end("data"))
	node.processes.pop("data")
	os.chown(node.replay_dir / name, node.data_uid, node.data_uid)
	node.start("data")
	node.wait_ready()


def thread(pid, name):
	found, = [task for task in tasks(pid) if (task / "comm").read_text().strip() == name]
	return int(found.name)


def dies(node, name, number, line):
	"""One thread of the data plane makes a forbidden call."""
	process = node.processes["data"]
	inject.call(process.pid, thread(process.pid, name), number, 0, 0, 0)
	equal(process.wait(60), -signal.SIGSYS, f"end of the data plane after call {number} of {name}")
	end = node.log_end("data", 3)
	check((f"the sandbox forbids system call {number} " in end) == line, f"last lines: {end}")
	node.processes.pop("data")
	node.start("data")
	node.wait_ready()


def control_dies(node):
	"""Refused and told once, or the end where nobody calls such a thing by mistake."""
	process = node.processes["control"]
	for _ in range(2):
		inject.call(process.pid, process.pid, CHMOD, 0, 0)
	wait_for("the warning", lambda: node.log("control").read_text().count(f"refuses system call {CHMOD} ") == 1,
		alive=node.check_alive)
	check(node.ready(), "not ready any more")
	inject.call(process.pid, process.pid, EXECVE, 0, 0, 0)
	equal(process.wait(60), -signal.SIGSYS, "end of the control plane after execve")
	node.processes.pop("control")
	node.rest.close()
	node.start("control")
	node.wait_ready()


if SANITIZED:
	skip("a build without sanitizers: it has no sandbox")
with Lab(network=SHORT) as lab:
	three(lab)
	with Steady(lab) as traffic:
		traffic.more(50)
		for node in lab:
			node_confined(node)
		traffic.arrive()
	taken_over(lab, lab["mix1"])
	stranger_refused(lab, lab["mix1"])
	lab.refusals_wanted = True
	dies(lab["mix1"], "rte-worker-1", OPENAT, True)
	dies(lab["mix1"], "fog-dataplane", SOCKET, True)
	dies(lab["mix1"], "eal-intr-thread", OPENAT, True)
	dies(lab["mix1"], "rte-worker-1", EXECVE, False)  # at once, without a word
	control_dies(lab["mix1"])
	with Steady(lab) as traffic:
		traffic.more(20)
		traffic.arrive()
