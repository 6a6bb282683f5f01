# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What an emulated machine boots: one of Debian's kernels, and an initramfs that holds some programs
of this build and the libraries they need; on a CD, or as two files."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile

# What is taken of each package. The cloud kernel is small, and knows virtual machines' devices only.
CLOUD, FULL = "linux-image-cloud-amd64", "linux-image-amd64"
KERNELS = {
	CLOUD: ["./boot/vmlinuz-*"],
	FULL: ["./boot/vmlinuz-*", "./lib/modules/*"],
}
LOADER = [
	pathlib.Path("/usr/lib/ISOLINUX/isolinux.bin"),
	pathlib.Path("/usr/lib/syslinux/modules/bios/ldlinux.c32"),
]


def _apt(*argv, cwd=None):
	return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)


def _download(folder, package):
	"""Fetch the package that has the kernel; the one that is asked for only depends on it."""
	depends = _apt("apt-cache", "depends", package)
	names = re.findall(r"^ *Depends: (linux-image-\S+)", depends.stdout, re.MULTILINE)
	if not names:
		return None, depends.stderr or f"apt-cache knows no {package}\n"
	got = _apt("apt-get", "download", names[0], cwd=folder)
	return next(pathlib.Path(folder).glob("*.deb"), None), got.stderr


def _unpack(folder, package):
	deb, why = _download(folder, package)
	if not deb:  # the lists may be missing, or older than the archive
		_apt("apt-get", "update")
		deb, why = _download(folder, package)
	if not deb:
		raise SystemExit(f"no kernel for the emulated machine:\n{why}mend: sudo apt-get update")
	root = folder / "root"
	root.mkdir()
	with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as tar:
		subprocess.run(
			["tar", "-x", "-C", root, "--wildcards", *KERNELS[package]], stdin=tar.stdout, check=True)
	for tree in root.glob("lib/modules/*"):
		subprocess.run(["depmod", "--basedir", root, tree.name], check=True)
	return root


@contextlib.contextmanager
def locked(cache):
	"""Tests run side by side; what they share is made by one of them."""
	cache.mkdir(parents=True, exist_ok=True)
	with (cache / "lock").open("w") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX)
		yield


def kernel(cache, package=CLOUD):
	"""Folder of a Debian kernel, fetched once and unpacked, not installed: the host's boot menu is not
	ours."""
	folder = cache / package
	with locked(cache):
		if not folder.exists():
			with tempfile.TemporaryDirectory(dir=cache) as work:
				_unpack(pathlib.Path(work), package).rename(folder)
	return folder


def vmlinuz(folder):
	return next((folder / "boot").glob("vmlinuz-*"))


def modules(folder, names):
	"""Members of an initramfs: these modules of the kernel in 'folder', and what they need, with the
	index that modprobe looks into."""
	tree = next((folder / "lib" / "modules").iterdir())
	needs = {}  # path -> paths of what has to be loaded before it
	for line in (tree / "modules.dep").read_text().splitlines():
		path, others = line.split(":")
		needs[path] = others.split()
	found = {pathlib.PurePath(path).stem.replace("-", "_"): path for path in needs}
	picked = set()
	for name in names:
		path = found.get(name.replace("-", "_"))
		if path is None:
			raise SystemExit(f"{folder.name} has no module {name}")
		picked |= {path, *needs[path]}
	files = [*tree.glob("modules.*"), *(tree / path for path in sorted(picked))]
	return {str(path.relative_to(folder)): (0o644, path.read_bytes()) for path in files}


def libraries(program):
	"""What the dynamic loader would load, the loader included."""
	out = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
	return {pathlib.Path(name) for name in re.findall(r"(/\S+) \(0x", out)}


def link(target):
	"""A symbolic link, as a member of an initramfs."""
	return 0o120777, os.fsencode(target)


def with_libraries(programs):
	"""Members of an initramfs: these programs (path inside -> path outside) with their libraries, each
	of which lies where it really is and is linked from where it is looked for: a library that is loaded
	by two names must be one file."""
	members = {name: (0o755, pathlib.Path(path).read_bytes()) for name, path in programs.items()}
	for library in set().union(*(libraries(path) for path in programs.values())):
		real = library.resolve()
		members[str(real).lstrip("/")] = (0o755, real.read_bytes())
		if real != library:
			members[str(library).lstrip("/")] = link(real)
	return members


def _entry(name, mode, data):
	"""A member of a cpio archive, format "newc"."""
	name = name.encode() + b"\0"
	fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
	head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
	return head.ljust(-(-len(head) // 4) * 4, b"\0") + data.ljust(-(-len(data) // 4) * 4, b"\0")


def initramfs(files):
	"""files: path inside -> (mode, bytes); see link. Folders come of themselves."""
	folders = {str(parent) for name in files for parent in pathlib.PurePath(name).parents} - {"."}
	members = [_entry(name, 0o040755, b"") for name in sorted({*folders, "dev", "proc"})]
	members += [_entry(name, mode if mode >> 12 else 0o100000 | mode, data) for name, (mode, data) in sorted(files.items())]
	return b"".join([*members, _entry("TRAILER!!!", 0, b"")])


def contents(init, programs, data, commands):
	"""The files of an initramfs that vm_init rules. programs and data: path inside -> path outside."""
	return {
		**with_libraries({"init": init, **programs}),
		**{name: (0o644, pathlib.Path(path).read_bytes()) for name, path in data.items()},
		"commands": (0o644, "".join(f"{line}\n" for line in commands).encode()),
	}


def build(cache, name, files, arguments):
	"""A CD with the cloud kernel, made anew only when something in it has changed."""
	config = f"DEFAULT vm\nLABEL vm\nKERNEL vmlinuz\nINITRD initrd\nAPPEND {arguments}\n".encode()
	parts = {
		"vmlinuz": vmlinuz(kernel(cache)).read_bytes(), "initrd": initramfs(files), "isolinux.cfg": config,
		**{path.name: path.read_bytes() for path in LOADER},
	}
	digest = hashlib.sha256()
	for part in sorted(parts):
		digest.update(b"%s %d\n" % (part.encode(), len(parts[part])) + parts[part])
	image, stamp = cache / f"{name}.iso", cache / f"{name}.sha256"
	if image.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
		return image
	stamp.unlink(missing_ok=True)
	with tempfile.TemporaryDirectory(dir=cache) as folder:
		for part, text in parts.items():
			pathlib.Path(folder, part).write_bytes(text)
		subprocess.run([
			"xorrisofs", "-quiet", "-o", os.fspath(image), "-b", "isolinux.bin", "-c", "boot.cat",
			"-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", folder,
		], check=True)
	stamp.write_text(digest.hexdigest())
	return image


def file(cache, name, files):
	"""An initramfs as a file, written anew only when it has changed."""
	data, path = initramfs(files), cache / name
	with locked(cache):
		if not path.exists() or path.read_bytes() != data:
			path.write_bytes(data)
	return path
