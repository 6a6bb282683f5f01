# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A minimal Debian to install packages in: made once, unpacked for every test."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

# Beside what is essential: what judges units, manuals and completion.
TOOLS = ["systemd", "man-db", "groff", "bash-completion"]


def run(*argv, **options):
	done = subprocess.run([*map(str, argv)], capture_output=True, text=True, **options)
	if done.returncode:
		raise AssertionError(f"{' '.join(map(str, argv))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
	return done.stdout


@contextlib.contextmanager
def alone(folder):
	"""One test at a time makes what lies in 'folder'."""
	folder.mkdir(exist_ok=True)
	with open(folder / "package.lock", "w", encoding="ascii") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX)
		yield


def field(package, name):
	return run("dpkg-deb", "-f", package, name).strip()


def depends(package):
	"""Names of what a package depends on, the first of alternatives."""
	return [re.split(r"[ (|:]", word.strip())[0] for word in field(package, "Depends").split(",")]


def mirror():
	"""Where this host gets Debian from, and the release."""
	text = run("apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)", "Created-By: Packages")
	for line in text.split("\n"):
		origin, _, rest = line.partition(" ")
		release, _, uri = rest.partition(" ")
		if origin == "Debian" and "-" not in release:
			return release, uri
	raise AssertionError("apt knows no Debian mirror here: run apt-get update")


class Chroot:
	"""`with Chroot(kept, wanted) as c`: a fresh system with TOOLS and 'wanted' installed."""

	def __init__(self, kept, wanted):
		self._kept, self._wanted = kept, sorted({*wanted, *TOOLS})

	def __enter__(self):
		self.root = pathlib.Path(tempfile.mkdtemp(prefix="fogline-chroot-"))
		try:
			self._fill()
		except BaseException:
			self.__exit__()
			raise
		return self

	def __exit__(self, *_):
		shutil.rmtree(self.root, ignore_errors=True)

	def _fill(self):
		with alone(self._kept.parent):
			self._fill_alone()
		self.root.chmod(0o755)

	def _fill_alone(self):
		key = hashlib.sha256(" ".join(self._wanted).encode()).hexdigest()[:16]
		tar, mark = self._kept.with_suffix(".tar"), self._kept.with_suffix(".key")
		if not tar.exists() or not mark.exists() or mark.read_text() != key:
			self._make()
			fresh = tar.with_suffix(".new")
			run("tar", "-C", self.root, "--one-file-system", "-cf", fresh, ".")
			fresh.rename(tar)
			mark.write_text(key)
		else:
			run("tar", "-C", self.root, "-xpf", tar)

	def _make(self):
		release, uri = mirror()
		run("debootstrap", "--variant=minbase", release, self.root, uri)
		shutil.copy("/etc/resolv.conf", self.root / "etc" / "resolv.conf")
		self.sh("apt-get update -qq && apt-get install -y -qq --no-install-recommends " + " ".join(self._wanted))
		self.sh("apt-get clean; rm -rf /var/lib/apt/lists/*")

	def sh(self, command, **options):
		"""Run a command in there, in namespaces of its own; returns what it printed."""
		inner = f"mount -t proc proc {self.root}/proc && exec chroot {self.root} /bin/bash -c \"$0\""
		environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
			**{key: value for key, value in os.environ.items() if key.endswith("_proxy")}}
		return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", inner, command,
			env=environment, **options)

	def files(self):
		"""Every path, but for what any package leaves: logs, caches and books of apt, dpkg, man-db, systemd."""
		names = {path.relative_to(self.root).as_posix() for path in self.root.rglob("*")}
		others = re.compile(r"(proc|tmp|run/systemd|var/(cache|log|lib/(dpkg|apt)))(/|$)")
		return {name for name in names if not others.match(name)}
