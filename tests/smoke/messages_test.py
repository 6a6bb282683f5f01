#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The errors that operators meet most, really provoked: each program says what is wrong and names the
mend, and ends with a code that isn't 0."""
import json
import os
import pathlib
import socket
import subprocess
import tempfile

from _init import ROOT, check, netns

BIN = pathlib.Path(os.environ.get("FOGLINE_BIN") or ROOT / "build" / "bin").absolute()
TOPOLOGY = ROOT / "config" / "testnet" / "topology.yaml"
NETNS = f"fogmsg-{os.getpid()}"
LIMIT_S = 60
rows = 0


def said(what, mend, argv, inside=False):
	"""Run a program that must fail, and say both."""
	global rows
	words = [*(["ip", "netns", "exec", NETNS] if inside else []), str(BIN / argv[0]), *map(str, argv[1:])]
	done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LIMIT_S)
	check(done.returncode not in (0, -6, -11), f"{argv}: exit code {done.returncode}: {done.stderr}")
	line = next((line for line in done.stderr.splitlines() if what in line), None)
	check(line, f"{argv}: nothing of '{what}' in: {done.stderr}")
	check(mend in done.stderr, f"{argv}: no word of '{mend}' in: {done.stderr}")
	rows += 1


class Files:
	def __init__(self, folder):
		self.folder = pathlib.Path(folder)
		self.count = 0

	def text(self, text, mode=0o600):
		self.count += 1
		path = self.folder / f"file{self.count}"
		path.write_text(text)
		path.chmod(mode)
		return path

	def config(self, port=None, **more):
		self.count += 1
		return self.text(json.dumps({
			"instance": f"msg{self.count}", "user": "", "dataplane_user": "", "run_dir": f"{self.folder}/run", "state_dir": f"{self.folder}/state",
			"topology": str(TOPOLOGY), "workers": {"cpus": [0]},
			"ports": [{"name": "p", "driver": "loop", "device": "l", "addresses": ["198.18.0.1"], **(port or {})}], **more}))

	def blob(self, port=None, **more):
		path = self.folder / f"blob{self.count}"
		argv = [BIN / "fogctl", "config", "compile", self.config(port, **more), "-o", path, "--any-host"]
		done = subprocess.run(argv, capture_output=True, text=True)
		check(done.returncode == 0, f"compile: {done.stderr}")
		return path

	def start(self, *more, run_dir=None, **blob):
		return ["fog-dataplane", "--blob", self.blob(**blob), "--run-dir", run_dir or self.folder / "run", *more]


def control_program(files):
	said("there is no command 'sttus'", "usage: fogctl", ["fogctl", "sttus"])
	said("nonexistent/rest.sock", "is fog-controlplane running?", ["fogctl", "status", "--socket", "/nonexistent/rest.sock"])
	said("holds no token", "sudo", ["fogctl", "status", "--url", "http://127.0.0.1:1", "--token-file", "/nonexistent"])
	said("cannot be read", "give the path of a file", ["fogctl", "config", "check", "/nonexistent.yaml"])
	said("the file is empty", "copy config/fogline.yaml", ["fogctl", "config", "check", files.text("")])
	said("unknown key 'instanec'", "known are instance", ["fogctl", "config", "check", files.text("instanec: a\n")])
	said("cannot be written", "choose a folder", ["fogctl", "config", "compile", files.config(), "-o", "/nonexistent/b", "--any-host"])
	said("is on a disk", "choose a folder on tmpfs", ["fogctl", "config", "check", files.config(replay={"dir": "/var/lib/fogline-none"})])
	said("there is no interface fog-none", "ip link",
		["fogctl", "host", "init", "queues", "--device", "fog-none", "-y", "--undo-file", files.folder / "undo.json"])


def data_plane(files):
	said("/nonexistent", "compile it with fogctl config compile", ["fog-dataplane", "--blob", "/nonexistent", "--run-dir", files.folder])
	said("Is a directory", "compile it", ["fog-dataplane", "--blob", files.folder, "--run-dir", files.folder])
	said("others could have changed it", "compile it again, as root",
		["fog-dataplane", "--blob", files.text("x", 0o666), "--run-dir", files.folder])
	said("file", "compile it again with this version's fogctl", ["fog-dataplane", "--blob", files.text("x" * 9000), "--run-dir", files.folder])
	said("run_dir /nonexistent/run", "make the folder above it", files.start(run_dir="/nonexistent/run"))
	said("path too long", "less than 100 bytes", files.start(run_dir="/run/" + "x" * 120))
	said("--crypto fast", "take ref", files.start("--crypto", "fast"))
	said("EAL does not start", "fogctl host init hugepages", files.start(memory={"hugepages": True, "mib": 1 << 20, "packet_buffers": 8192}))
	pci = {"driver": "dpdk", "device": "0000:ff:1f.7"}
	said("DPDK finds no Ethernet device", "fogctl host init vfio", files.start(port=pci))
	afxdp = {"driver": "afxdp", "device": "fa"}
	said("interface fog-none", "ip link show", files.start(port={**afxdp, "device": "fog-none"}), inside=True)
	said("interface fa is down", "ip link set dev fa up", files.start(port=afxdp), inside=True)
	for side in ("fa", "fb"):
		netns.ip("link", "set", side, "addrgenmode", "none", "up", netns=NETNS)
	said("mtu 3000 is above", "ip link set dev fa mtu 3000", files.start(port={**afxdp, "mtu": 3000}), inside=True)
	said("has 1 receive queues", "ethtool -L fa", files.start(port={**afxdp, "queues": 4}), inside=True)
	said("no VLAN interface 7", "ip link add link fa", files.start(port={**afxdp, "vlan": 7, "addresses": []}), inside=True)
	said("has no address", "ip address add", files.start(port={**afxdp, "addresses": []}), inside=True)


def control_plane(files):
	def start(**more):
		return ["fog-controlplane", "--config", files.config(**more)]

	said("cannot be read", "give the path", ["fog-controlplane", "--config", "/nonexistent.yaml"])
	said("no user 'fog-nobody'", "useradd", start(user="fog-nobody"))
	said("node_config: error:", "useradd", start(user="fog-nobody"))  # what ends it is no warning
	tcp = {"tcp": "127.0.0.1:1", "token_file": "/nonexistent"}
	said("cannot read the API token", "openssl rand", start(rest=tcp))
	said("must be closed to everybody", "chmod 0600", start(rest={**tcp, "token_file": str(files.text("x" * 40, 0o644))}))
	said("a token has 32 to 512", "openssl rand", start(rest={**tcp, "token_file": str(files.text("short"))}))
	said("a token has no spaces", "openssl rand", start(rest={**tcp, "token_file": str(files.text("a b" * 20))}))
	said("identity", "state_dir", start(state_dir="/proc/fogline"))
	token = str(files.text("x" * 40))
	with socket.create_server(("127.0.0.1", 0)) as taken:
		said("in use", "change rest.tcp", start(rest={"tcp": f"127.0.0.1:{taken.getsockname()[1]}", "token_file": token}))
	(files.folder / "run").mkdir(exist_ok=True)
	with socket.socket(socket.AF_UNIX) as other:
		other.bind(str(files.folder / "run" / "rest.sock"))
		other.listen()
		said("REST socket", "stop it first", start())
	(files.folder / "run" / "rest.sock").unlink()


def generator(files):
	argv = ["fog-trafficgen", "pcap", "--count", "2"]
	said("pcap needs --count", "--help", argv)
	said("nonexistent", "give --out a file", [*argv, "--out", "/nonexistent/a.pcap"])
	said("no node is called 'nobody'", "give a name", [*argv, "--out", files.folder / "a.pcap", "--first", "nobody"])
	said("--pool means nothing", "add it", ["fog-trafficgen", "run", "--port", "afxdp:fa", "--count", "2", "--pool", "1"])


with tempfile.TemporaryDirectory() as folder:
	files = Files(folder)
	netns.create(NETNS)
	try:
		netns.ip("link", "add", "fa", "type", "veth", "peer", "name", "fb", netns=NETNS)
		control_program(files)
		data_plane(files)
		control_plane(files)
		generator(files)
	finally:
		netns.ip("netns", "del", NETNS)
print(f"{rows} errors, each with its mend")
