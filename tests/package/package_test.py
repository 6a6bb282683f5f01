#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The Debian package: installs, is what it should be, and is gone after a purge."""
import os
import pathlib
import re
import shutil
import sys
import tempfile

from chroot import Chroot, alone, depends, field, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPOSURE = 20  # in tenths
LIBRARIES = "usr/lib/x86_64-linux-gnu"
EXAMPLE = "usr/share/doc/fogline/examples/fogclient.c"
WANTED = [
	"usr/bin/fogctl", "usr/bin/fog-trafficgen", "usr/sbin/fog-dataplane", "usr/sbin/fog-controlplane",
	"usr/sbin/fog-authority", "usr/lib/systemd/system/fogline-authority@.service",
	"usr/lib/systemd/system/fogline-dataplane@.service", "usr/lib/systemd/system/fogline-controlplane@.service",
	"usr/lib/systemd/system/fogline-host@.service",
	"usr/lib/sysusers.d/fogline.conf", "usr/lib/tmpfiles.d/fogline.conf", "usr/lib/sysctl.d/60-fogline.conf",
	"usr/share/man/man1/fogctl.1.gz", "usr/share/man/man8/fog-dataplane.8.gz",
	"usr/share/man/man8/fog-controlplane.8.gz", "usr/share/man/man8/fog-authority.8.gz", "usr/share/man/man5/fogline.yaml.5.gz",
	"usr/share/bash-completion/completions/fogctl", "usr/share/doc/fogline/copyright",
	"usr/share/doc/fogline/examples/fogline.yaml", "usr/share/doc/fogline/examples/topology.yaml",
	"etc/fogline", "var/lib/fogline", "run/fogline",
	"usr/include/fogclient.h", f"{LIBRARIES}/libfogclient.so", f"{LIBRARIES}/libfogclient.so.0", f"{LIBRARIES}/libfogclient.a",
	f"{LIBRARIES}/pkgconfig/fogclient.pc", "usr/share/man/man3/fogclient.3.gz", EXAMPLE,
]
# What is typed, and what has to be among the completions.
COMPLETIONS = {
	"fogctl dr": ["drain", "drops"],
	"fogctl config ": ["check", "compile", "keys", "show", "put"],
	"fogctl --instance x config c": ["check", "compile"],
	"fogctl drain --": ["--wait", "--grace", "--instance", "--socket"],
	"fogctl config compile --": ["--any-host"],
	"fogctl sphinx ": ["keygen", "wrap", "verify"],
	"fogctl send --": ["--to", "--client", "--network", "--gateway", "--wait"],
	"fogctl client ": ["address", "status"],
	"fogctl profile ": ["list", "add", "remove", "use"],
	"fogctl login --": ["--user", "--password-file", "--profile", "--fingerprint"],
	"fogctl status --instance ": ["node1"],
	"fogctl config check /etc/host": ["/etc/hostname"],
}
COMPLETE = """
. /usr/share/bash-completion/bash_completion
. /usr/share/bash-completion/completions/fogctl
complete_line() {
	COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1)
	[ "${1: -1}" != ' ' ] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_fogctl
	printf '%s\\n' "${COMPREPLY[@]}"
}
"""


def check(condition, sentence):
	if not condition:
		raise AssertionError(sentence)


def built(folder):
	"""The package, in a folder of the caller's; another test may make it again meanwhile."""
	with alone(ROOT / "build"):
		run(ROOT / "fogline", "package", cwd=ROOT)
		package, = (ROOT / "build").glob("fogline_*.deb")
		return pathlib.Path(shutil.copy(package, folder))


def judged(package):
	version = field(package, "Version")
	said = run(ROOT / "build" / "bin" / "fogctl", "version").split()[1]
	check(version == said, f"package {version}, programs {said}")
	names = depends(package)
	for name in ("libc6", "librte-eal23", "libsodium23", "libsystemd0"):
		check(name in names, f"does not depend on {name}: {names}")


def installed(system):
	for name in WANTED:
		check(os.path.lexists(system.root / name), f"{name} is missing")
	users = (system.root / "etc/passwd").read_text()
	for user in ("fogline", "fogline-dp"):
		check(re.search(rf"^{user}:", users, re.MULTILINE), f"there is no user {user}")
	system.sh("fogctl version && fog-controlplane --version && fog-dataplane --help >/dev/null")


def units(system):
	names = " ".join(f"fogline-{name}@node1.service" for name in ("dataplane", "controlplane", "host"))
	said = system.sh(f"systemd-analyze verify {names} 2>&1")
	check(said == "", f"systemd-analyze verify says: {said}")
	text = system.sh(f"systemd-analyze security --offline=true --threshold={EXPOSURE} --no-pager "
		"fogline-controlplane@node1.service 2>&1")
	exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", text)
	check(exposure and float(exposure[1]) < EXPOSURE / 10, text)
	for half in ("dataplane", "controlplane", "host"):
		unit = (system.root / f"usr/lib/systemd/system/fogline-{half}@.service").read_text()
		check(not re.search(r"@\w+@", unit), f"fogline-{half} has a path that was not filled in")
		check(not re.search(r"^(BindsTo|Requires|PartOf|Requisite)=", unit, re.MULTILINE), f"fogline-{half} is bound")
	return exposure[1]


def library(system):
	"""The example, built as its head says against what was installed, runs where only the package's dependencies are."""
	folder = system.root / LIBRARIES
	env = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(system.root), "PKG_CONFIG_LIBDIR": str(folder / "pkgconfig")}
	program = system.root / "tmp/fogclient"

	def build(*how):
		flags = run("pkg-config", *how, "--cflags", "--libs", "fogclient", env=env).split()
		if how:
			flags[flags.index("-lfogclient")] = folder / "libfogclient.a"
		run("cc", "-o", program, system.root / EXAMPLE, *flags)
		said = system.sh("/tmp/fogclient /tmp/mail /usr/share/doc/fogline/examples/fogline.yaml 2>&1 || echo exit $?")
		check("exit 1" in said and "fogline.yaml:" in said, f"with a file that is no network's the example says: {said}")
	build("--static")
	build()
	needed = run("readelf", "-d", program)
	check("[libfogclient.so.0]" in needed, f"the example needs {needed}")
	program.unlink()
	shutil.rmtree(system.root / "tmp/mail")


def manuals(system):
	for page in ("1 fogctl", "3 fogclient", "8 fog-dataplane", "8 fog-controlplane", "8 fog-authority", "5 fogline.yaml"):
		said = system.sh(f"man --warnings -P cat {page} 2>&1 >/dev/null")
		check(said == "", f"man {page} warns: {said}")
		text = system.sh(f"MANWIDTH=100 man -P cat {page}")
		check(len(text) > 1000 and "SEE ALSO" in text, f"man {page}: {text}")
	text = system.sh("MANWIDTH=200 man -P cat fogctl")
	for command in re.findall(r"^  (\w+) ", system.sh("fogctl help"), re.MULTILINE):
		check(f"fogctl {command}" in text, f"man fogctl is silent about {command}")
	functions = re.findall(r"FOG_CLIENT_API [\w *]*\b(fog_client_\w+)\(", (system.root / "usr/include/fogclient.h").read_text())
	text = system.sh("MANWIDTH=200 man -P cat fogclient")
	for function in functions:
		check(f"{function}(" in text, f"man fogclient is silent about {function}")
	keys = [line.split("\t")[0] for line in system.sh("fogctl config keys").split("\n")[1:-1]]
	text = system.sh("MANWIDTH=200 man -P cat fogline.yaml")
	for key in keys:
		check(key in text, f"man fogline.yaml is silent about {key}")


def completion(system):
	(system.root / "run/fogline/node1").mkdir()
	for typed, wanted in COMPLETIONS.items():
		found = system.sh(f"{COMPLETE}\ncomplete_line '{typed}'").split("\n")
		check(set(wanted) <= set(found), f"'{typed}' completes to {found}, not to {wanted}")
	(system.root / "run/fogline/node1").rmdir()


def used(system):
	"""What is there after some use: a configuration of the administrator, state of the programs."""
	(system.root / "etc/fogline/node1.yaml").write_text("instance: node1\n")
	state = system.root / "var/lib/fogline/node1"
	state.mkdir()
	(state / "identity.key").write_text("x")
	(system.root / "var/lib/other").mkdir()
	system.sh("systemctl enable fogline-controlplane@node1 fogline-host@node1 fogline-dataplane@node1")
	link = "etc/systemd/system/fogline-dataplane@node1.service.wants/fogline-host@node1.service"
	check(os.path.lexists(system.root / link), "the data plane does not want fogline-host@ when that is enabled")


def killed(system):
	"""What a killed data plane leaves: the folder of a pinned link, here without a BPF filesystem."""
	folder = system.root / "sys/fs/bpf/fogline/node1/eth0"
	folder.mkdir(parents=True)
	(folder / "link").touch()
	return folder.parents[1]


def gone(system, before, package):
	config, state = system.root / "etc/fogline/node1.yaml", system.root / "var/lib/fogline/node1/identity.key"
	used(system)
	pins = killed(system)
	system.sh("dpkg --remove fogline")
	check(not pins.exists(), "remove left the pin of a killed data plane")
	pins.parent.rmdir()
	pins.parents[1].rmdir()
	check(config.exists() and state.exists(), "remove took configuration or state away")
	check(not (system.root / "usr/bin/fogctl").exists(), "remove left programs")
	system.sh(f"dpkg -i /tmp/{package.name} && dpkg -i /tmp/{package.name}")  # again, and over itself
	check(state.exists(), "installing took state away")
	system.sh("dpkg --purge fogline")
	check(config.exists(), "purge took a configuration that the administrator wrote")
	check((system.root / "var/lib/other").exists(), "purge took somebody else's folder")
	config.unlink()
	(system.root / "etc/fogline").rmdir()
	(system.root / "var/lib/other").rmdir()
	after = system.files()
	# Users stay, with the backups of the files that hold them.
	left = {name for name in after - before if not re.match(r"etc/(passwd|group|shadow|gshadow)-$", name)}
	check(not left, f"purge left {sorted(left)}")
	check(not before - after, f"purge took {sorted(before - after)}")
	system.sh(f"dpkg -i /tmp/{package.name} && dpkg --purge fogline")
	check(not (system.root / "etc/fogline").exists(), "purge left an empty /etc/fogline")


def main():
	if os.geteuid() != 0:
		print("needs root (chroot)")
		sys.exit(77)
	folder = tempfile.TemporaryDirectory()
	package = built(folder.name)
	judged(package)
	with folder, Chroot(ROOT / "build" / "debian", depends(package)) as system:
		before = system.files()
		shutil.copy(package, system.root / "tmp")
		system.sh(f"dpkg -i /tmp/{package.name}")
		installed(system)
		library(system)
		exposure = units(system)
		manuals(system)
		completion(system)
		gone(system, before, package)
	print(f"{package.name}: exposure of the control plane {exposure}")


if __name__ == "__main__":
	main()
