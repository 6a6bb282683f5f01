# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A mixnet of real appliances on one host: each a data plane and a control plane in a network
namespace of its own, on AF_XDP over veth, joined by a switch namespace.

	with Lab() as lab:
		lab.add("gateway", "gateway")
		...
		lab.start()
		lab["gateway"].rest.post("/v1/messages", {...})

Only the standard library. Needs root. Everything is gone afterwards, however this process ends.
"""
import functools
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import time

import guard
import netns
from faults import Faults
from rest import Recorded, Rest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 60  # until something that has to come is taken for missing
REMEMBERED = ("/v1/status", "/v1/workers", "/v1/links", "/v1/cover")  # of a node that has left


class LabError(Exception):
	pass


def wait_for(what, condition, seconds=PATIENCE_S, every=0.05, alive=lambda: None):
	"""First true result of condition(). OSError counts as "not yet". Raises LabError after 'seconds'."""
	end = time.monotonic() + seconds
	while True:
		alive()
		last = ""
		try:
			value = condition()
			if value:
				return value
		except OSError as error:
			last = f" (last: {error})"
		if time.monotonic() > end:
			raise LabError(f"no {what} after {seconds} s{last}")
		time.sleep(every)


def encrypted(epoch_s=60):
	"""Keys of the topology file for encrypted links and a mix key an epoch, of at least 12 s: the default
	delays want an overlap of 6 s, and that is half of it. No cover: a lab counts its own packets, and a test
	that wants cover says so."""
	return {
		"links": "noise",
		"mix_key": {"epoch": f"{epoch_s}s", "overlap": f"{min(10, epoch_s // 2)}s", "tolerance": "1s"},
		"cover": dict.fromkeys(
			("loops", "drops", "dummies", "client_send", "client_loops", "client_fetch"), "0ms",
		),
	}


def agreed(epoch_s=16):
	"""Keys of the network file where authorities say which nodes there are: short epochs, because everything
	takes one, and delays that are over soon, so that an epoch's packets are."""
	network = encrypted(epoch_s)
	return {
		**network, "mix_key": {**network["mix_key"], "overlap": "3s"}, "delay": {"mean": "20ms", "max": "100ms"},
	}


def default_path():
	"""The demo's network: (name, role, layer)."""
	return [
		("gateway", "gateway", 0), ("mix1", "mix", 1), ("mix2", "mix", 2), ("mix3", "mix", 3),
		("service", "service", 0),
	]


class Authority:
	"""One authority of a network with a directory, in a namespace of its own."""

	def __init__(self, lab, index):
		self.lab, self.name = lab, f"auth{index + 1}"
		self.folder = lab.run.folder / "authorities" / self.name
		self.netns, self.ip4, self.ip6 = lab.add_host(self.name, 150 + index)
		self.refuse_path = self.folder.with_suffix(".refuse")
		self.log_path = self.folder.with_suffix(".log")
		self.process = None
		self.folder.mkdir(mode=0o711, parents=True)
		self.refuse_path.write_text("")
		shown = subprocess.run(
			[*self.argv[:1], "--state-dir", self.folder, "--show", "--listen", self.listen], capture_output=True, text=True)
		if shown.returncode:
			raise LabError(f"{self.name}: fog-authority --show: {shown.stderr}")
		self.entry = {
			"name": self.name, "address": self.address, "port": 9003,
			**{key: re.search(rf"{key}: ([0-9a-f]{{64}})", shown.stdout)[1] for key in ("identity", "vrf_key", "tls_key")},
		}

	@property
	def address(self):
		return self.ip6 if self.lab.ipv6 else self.ip4

	@property
	def listen(self):
		return f"[{self.address}]:9003" if self.lab.ipv6 else f"{self.address}:9003"

	@property
	def argv(self):
		return [
			self.lab.bin / "fog-authority", "--network", self.lab.topology_path, "--state-dir", self.folder,
			"--listen", self.listen, "--refuse", self.refuse_path,
		]

	def start(self):
		with self.log_path.open("ab") as log:
			self.process = subprocess.Popen(
				netns.command(self.netns, self.argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

	def end(self, how=signal.SIGTERM):
		"""Returns the exit code; None when it did not run."""
		process, self.process = self.process, None
		if process is None:
			return None
		process.send_signal(how)
		return process.wait(PATIENCE_S)


class Node:
	"""One appliance. Made by Lab.add."""

	def __init__(self, lab, index, name, role, layer, options):
		self.lab, self.name, self.role, self.layer = lab, name, role, layer
		self.netns = lab.run.namespace(name)
		# Numbers without a name do; the run's first half for control planes, the second for data planes.
		self.uid, self.data_uid = lab.run.uids[index], lab.run.uids[len(lab.run.uids) // 2 + index]
		self.ip4, self.ip6 = f"10.91.0.{index + 1}", f"fd91::{index + 1:x}"
		self.folder = lab.run.folder / name
		self.run_dir, self.state_dir = self.folder / "run", self.folder / "state"
		self.replay_dir = lab.run.shm / name
		self.config_path, self.blob_path = self.folder / "config.yaml", self.folder / "launch.blob"
		self.socket_path = self.run_dir / "rest.sock"
		self.options = options
		self.status = None  # what its control plane said of itself when it started
		self.switch_port = None  # its interface's other end, in the switch's namespace
		self.processes = {}  # "control" and "data", while they run
		self.environment = {}  # of a process, beyond ours: {"data": {"NAME": "value"}}
		self.prefix = {}  # command that starts it: {"control": ["setpriv", ...]}
		self.rest = Rest(self.socket_path)

	@property
	def address(self):
		return self.ip6 if self.lab.ipv6 else self.ip4

	def prepare(self):
		"""Folders, namespace, interface, config."""
		for folder, uid in (
			(self.folder, 0), (self.run_dir, self.uid), (self.state_dir, 0), (self.replay_dir, 0),
		):
			folder.mkdir(mode=0o711 if folder != self.replay_dir else 0o700)
			os.chown(folder, uid, uid)
		netns.create(self.netns)
		queues = self.options.get("queues", 1)
		self.switch_port = self.lab.switch.join(self.netns, [f"{self.ip4}/24", f"{self.ip6}/64"], queues)
		self.options.get("setup", lambda node: None)(self)
		self.config_path.write_text(json.dumps(self.config(), indent=2) + "\n")

	@property
	def id(self):
		return self.status["node_id"]

	@property
	def mix_key(self):
		return self.status["mix_public_key"]

	def entry(self):
		"""How the topology file lists it."""
		keys = {
			"identity": self.status["identity_public_key"], "link_key": self.status["link_key"],
			"vrf_key": self.status["vrf_key"],
		} if self.lab.noise else {"mix_key": self.mix_key}
		return {
			"name": self.name, "id": self.id, **keys, "address": self.address, "role": self.role,
			**({"layer": self.layer} if self.layer else {}),
		}

	def config(self):
		"""What stands in the node's configuration (JSON is YAML too)."""
		cpus = sorted(os.sched_getaffinity(0))
		place = list(self.lab.nodes).index(self.name)
		workers = self.options.get("workers", 1)
		port = {"name": "eth0", "device": "eth0", "driver": "afxdp"}
		for key in ("queues", "vlan"):
			if key in self.options:
				port[key] = self.options[key]
		config = {
			"instance": f"lab{self.lab.run.number}-{self.name}",
			"user": str(self.uid),
			"dataplane_user": str(self.data_uid),
			"run_dir": str(self.run_dir),
			"state_dir": str(self.state_dir),
			"topology": str(self.lab.topology_path),
			"workers": {
				"cpus": [cpus[(place + i) % len(cpus)] for i in range(workers)],
				"idle": self.options.get("idle", "adaptive"),
			},
			"replay": {"dir": str(self.replay_dir)},
			"ports": [port],
		}
		if self.lab.authorities:
			config["node"] = {
				"name": self.name, "role": self.role, "layer": self.layer, "address": self.address,
			}
			config["directory"] = {"listen": f"[{self.ip6}]:9003" if self.lab.ipv6 else f"{self.ip4}:9003"}
		for key, value in self.options.get("config", {}).items():
			config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
		return config

	def start(self, which):
		"""Start the "control" or the "data" process."""
		argv = {
			"control": [self.lab.bin / self.options.get("controlplane", "fog-controlplane"), "--config", self.config_path],
			"data": [self.lab.bin / self.options.get("dataplane", "fog-dataplane"), "--blob", self.blob_path, "--run-dir", self.run_dir,
				*self.options.get("arguments", [])],
		}[which]
		environment = {**os.environ, **self.environment.get(which, {})}
		for sanitizer in ("ASAN", "UBSAN", "TSAN"):
			key = f"{sanitizer}_OPTIONS"
			environment[key] = f"{environment.get(key, '')}:log_path={self.findings / which}"
		self.findings.mkdir(exist_ok=True)
		self.findings.chmod(0o777)
		with self.log(which).open("ab") as log:
			self.processes[which] = subprocess.Popen(
				netns.command(self.netns, [*self.prefix.get(which, []), *argv]), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
				env=environment, start_new_session=True,
			)

	@property
	def findings(self):
		"""Folder of what sanitizers have to say."""
		return self.folder / "findings"

	def audited(self, path):
		"""Rows of the audit that say what came of requests of a path, oldest first."""
		store = sqlite3.connect(f"file:{self.state_dir}/control/platform.db?mode=ro", uri=True)
		try:
			rows = store.execute("SELECT method, status, actor_kind, actor_id FROM audit WHERE path=? AND outcome<>'begun' ORDER BY id", (path,))
			return [dict(zip(("method", "status", "actor_kind", "actor_id"), row)) for row in rows]
		finally:
			store.close()

	def log(self, which):
		return self.folder / f"{which}.log"

	def check_alive(self):
		"""Raises with the end of the log when a process has ended by itself."""
		for which, process in self.processes.items():
			if process.poll() is not None:
				raise LabError(
					f"{self.name}: {which} plane ended with {process.returncode}\n{self.log_end(which)}")

	def log_end(self, which, lines=30):
		return "\n".join(self.log(which).read_text(errors="replace").split("\n")[-lines:])

	def end(self, which, how=signal.SIGTERM, seconds=PATIENCE_S):
		"""Send a signal and wait for the end. Returns the exit code."""
		process = self.processes.pop(which, None)
		if process is None:
			return None
		process.send_signal(how)
		try:
			return process.wait(seconds)
		except subprocess.TimeoutExpired:
			process.kill()
			process.wait()
			raise LabError(f"{self.name}: {which} plane ignores {how.name}\n{self.log_end(which)}") from None
		finally:
			if which == "control":
				self.rest.close()

	def kill(self, which):
		return self.end(which, signal.SIGKILL)

	def wait_ready(self):
		try:
			wait_for(f"readiness of {self.name}", self.ready, self.lab.patience_s, alive=self.check_alive)
		except LabError as error:
			ends = "\n".join(self.log_end(which, 12) for which in ("control", "data"))
			raise LabError(f"{error}: {self.rest.call('GET', '/readyz')[2]}\n{ends}") from None

	def ready(self):
		return self.rest.call("GET", "/readyz")[0] == 200

	def resolved(self):
		"""Whether it knows the link-layer address of every next hop; before, it drops no_neighbour."""
		plane = self.rest.get("/v1/status")["data_plane"]
		return bool(plane) and plane["next_hops_ready"] == plane["next_hops"]

	def linked(self):
		"""Whether it has an encrypted link with every other node."""
		links = self.rest.get("/v1/links")
		return links["up"] == links["nodes"]

	def fogctl(self, *words, **options):
		"""Run fogctl against this node; returns what it printed."""
		done = subprocess.run(
			[self.lab.bin / "fogctl", "--socket", self.socket_path, *words], capture_output=True,
			text=True, **options)
		if done.returncode:
			raise LabError(f"fogctl {' '.join(words)}: {done.returncode}: {done.stderr}")
		return done.stdout


class Lab:
	"""Options: 'binaries' (folder of the programs; default $FOGLINE_BIN or build/bin), 'ipv6' (mix
	traffic over IPv6), 'network' (keys of the topology file that differ from the defaults), 'directory'
	(number of authorities that agree on the nodes; 0: the topology file lists them)."""

	def __init__(self, binaries=None, ipv6=False, network=None, directory=0):
		self.bin = pathlib.Path(binaries or os.environ.get("FOGLINE_BIN") or ROOT / "build" / "bin").absolute()
		for name in ("fog-dataplane", "fog-controlplane", "fogctl"):
			if not (self.bin / name).exists():
				raise LabError(f"{self.bin / name} is missing; run: ./fogline build")
		if os.geteuid() != 0:
			raise LabError("network namespaces and AF_XDP need root; run it with sudo")
		guard.sweep()
		self.ipv6 = ipv6
		self.network = network or {}
		self.nodes = {}
		self.left = []  # nodes that have left the network; their 'rest' is what they said last
		self.refusals_wanted = False  # a test that provokes the sandboxes sets it
		self.guests = []  # topology entries of nodes that a test plays itself
		self.run = guard.Run()
		self.topology_path = self.run.folder / "topology.yaml"
		self.switch = netns.Switch(self.run.namespace("switch"))
		self.authorities = [Authority(self, i) for i in range(directory)]

	@functools.cached_property
	def faults(self):
		"""What is lost or kept away between the nodes."""
		return Faults(self.switch)

	@property
	def noise(self):
		"""Whether links are encrypted and mix keys change by epoch."""
		return self.network.get("links") == "noise"

	@property
	def covered(self):
		"""Whether there is cover traffic, so that counters never come to rest."""
		cover = self.network.get("cover", {})
		return self.noise and any(cover.get(key) != "0ms" for key in ("loops", "drops", "dummies"))

	@property
	def patience_s(self):
		"""Until a node that isn't ready won't be: it may have to wait for an epoch that it can announce."""
		epoch = self.network.get("mix_key", {}).get("epoch", "0s")
		return PATIENCE_S + 2 * int(epoch.rstrip("s"))

	def __getitem__(self, name):
		return self.nodes[name]

	def __iter__(self):
		return iter(self.nodes.values())

	def __enter__(self):
		return self

	def __exit__(self, kind, error, _):
		self.close()

	def add(self, name, role, layer=0, **options):
		"""Another appliance; options: queues, workers, vlan, idle, config (keys that win,
		mapping by mapping), arguments (more of them for fog-dataplane), dataplane (another program in its place), setup (called with the node once its namespace and interface are there)."""
		self.nodes[name] = Node(self, len(self.nodes) + len(self.left), name, role, layer, options)
		return self.nodes[name]

	def retire(self, name):
		"""Switch an appliance off for good that has left the network; returns it."""
		node = self.nodes.pop(name)
		self.left.append(node)
		said = Recorded(node.rest, REMEMBERED)
		for which in ("control", "data"):
			code = node.end(which)
			if code:
				raise LabError(f"{node.name}: {which} plane ended with {code}\n{node.log_end(which)}")
		node.rest = said
		return node

	def add_host(self, name, index=200):
		"""A namespace on the switch without an appliance, for traffic of tests. Returns its name,
		IPv4 and IPv6 address."""
		space = self.run.namespace(name)
		netns.create(space)
		self.switch.join(space, [f"10.91.0.{index}/24", f"fd91::{index:x}/64"])
		return space, f"10.91.0.{index}", f"fd91::{index:x}"

	def launch(self, *nodes):
		"""Start appliances. Where the file lists the nodes, it is written once all of them have told their keys."""
		if self.authorities:
			self.write_topology()
		for node in nodes:
			node.prepare()
			node.start("control")
		for node in nodes:
			node.status = wait_for(
				f"REST of {node.name}", lambda node=node: node.rest.get("/v1/status"),
				alive=node.check_alive)
		if not self.authorities:
			self.write_topology()
		for node in nodes:
			self.compile(node)
			node.start("data")

	def start(self):
		"""All appliances, ready to forward."""
		if self.authorities:
			self.write_topology()
		for authority in self.authorities:
			authority.start()
		self.launch(*self)
		for node in self:
			node.wait_ready()
		if not self.guests: # theirs is the test's affair
			for node in self:
				wait_for(f"next hops of {node.name}", node.resolved, alive=node.check_alive)
				if self.noise:
					wait_for(f"links of {node.name}", node.linked, alive=node.check_alive)

	def compile(self, node):
		argv = [self.bin / "fogctl", "config", "compile", node.config_path, "-o", node.blob_path]
		done = subprocess.run(argv, capture_output=True, text=True)
		if done.returncode:
			raise LabError(f"{node.name}: fogctl config compile: {done.stderr or done.stdout}")

	def write_topology(self):
		"""The network as all nodes see it; replaced at once, so nobody reads half of it."""
		nodes = {
			"directory": {
				"threshold": 2 * len(self.authorities) // 3 + 1, "authorities": [a.entry for a in self.authorities],
			},
		} if self.authorities else {"nodes": [node.entry() for node in self] + self.guests}
		text = json.dumps({"network": {"name": "lab", "links": "none", **self.network}, **nodes}, indent=2)
		if self.topology_path.exists() and self.topology_path.read_text() == text + "\n":
			return
		fresh = self.topology_path.with_suffix(".new")
		fresh.write_text(text + "\n")
		fresh.chmod(0o644)
		fresh.rename(self.topology_path)

	def findings(self):
		"""Reports of sanitizers, as one text; empty when there is none."""
		texts = []
		for path in sorted(path for node in [*self, *self.left] for path in node.findings.glob("*")):
			lines = path.read_text(errors="replace").split("\n")
			# The leak check's remark about a thread of EAL that it can't stop; no leak by itself.
			if any(line.strip() and "was not suspended" not in line for line in lines):
				texts.append(f"{path}:\n" + "\n".join(lines))
		return "\n".join(texts)

	def refusals(self):
		"""Lines in which a process says that its sandbox was in its way."""
		if self.refusals_wanted:
			return []
		return [
			f"{node.name}: {line}" for node in [*self, *self.left] for which in ("control", "data") if node.log(which).exists()
			for line in node.log(which).read_text(errors="replace").split("\n") if ": the sandbox " in line
		]

	def close(self):
		"""End everything in order; raises LabError when a process didn't end well, or a sanitizer or a
		sandbox had something to say."""
		trouble = []
		try:
			for authority in self.authorities:
				code = authority.end()
				if code:
					trouble.append(f"{authority.name} ended with {code}\n{authority.log_path.read_text(errors='replace')[-2000:]}")
			for which in ("control", "data"):
				for node in [*self, *self.left]:
					try:
						code = node.end(which)
					except LabError as error:
						trouble.append(str(error))
						continue
					if code:
						trouble.append(
							f"{node.name}: {which} plane ended with {code}\n{node.log_end(which)}")
			findings = self.findings()
			if findings:
				trouble.append(findings)
			trouble += self.refusals()
		finally:
			self.run.close()
		if trouble:
			raise LabError("\n".join(trouble))
