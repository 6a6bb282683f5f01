# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A bootable CD for an emulated machine: Debian's kernel for virtual machines, and an initramfs that
holds some programs of this build, the libraries they need, and vm_init, which runs them."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

KERNEL = "linux-image-cloud-amd64"
LOADER = [
	pathlib.Path("/usr/lib/ISOLINUX/isolinux.bin"),
	pathlib.Path("/usr/lib/syslinux/modules/bios/ldlinux.c32"),
]


def _apt(*argv, cwd=None):
	return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)


def _download(folder):
	"""Fetch the package that has the kernel; KERNEL itself only depends on it."""
	depends = _apt("apt-cache", "depends", KERNEL)
	names = re.findall(r"^ *Depends: (linux-image-\S+)", depends.stdout, re.MULTILINE)
	if not names:
		return None, depends.stderr or f"apt-cache knows no {KERNEL}\n"
	got = _apt("apt-get", "download", names[0], cwd=folder)
	return next(pathlib.Path(folder).glob("*.deb"), None), got.stderr


def kernel(cache):
	"""Debian's kernel, fetched once and unpacked, not installed: the host's boot menu is not ours."""
	path = cache / "vmlinuz"
	if path.exists():
		return path
	with tempfile.TemporaryDirectory(dir=cache) as folder:
		package, why = _download(folder)
		if not package:  # the lists may be missing, or older than the archive
			_apt("apt-get", "update")
			package, why = _download(folder)
		if not package:
			raise SystemExit(f"no kernel for the emulated machine:\n{why}mend: sudo apt-get update")
		subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
		found = next(pathlib.Path(folder, "boot").glob("vmlinuz-*"))
		shutil.move(found, path)
	return path


def libraries(program):
	"""What the dynamic loader would load, the loader included."""
	out = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
	return {pathlib.Path(name) for name in re.findall(r"(/\S+) \(0x", out)}


def _entry(name, mode, data):
	"""A member of a cpio archive, format "newc"."""
	name = name.encode() + b"\0"
	fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
	head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
	return head.ljust(-(-len(head) // 4) * 4, b"\0") + data.ljust(-(-len(data) // 4) * 4, b"\0")


def initramfs(files):
	"""files: path inside -> (mode, bytes). Folders come of themselves."""
	folders = {str(parent) for name in files for parent in pathlib.PurePath(name).parents} - {"."}
	members = [_entry(name, 0o040755, b"") for name in sorted({*folders, "dev", "proc"})]
	members += [_entry(name, 0o100000 | mode, data) for name, (mode, data) in sorted(files.items())]
	return b"".join([*members, _entry("TRAILER!!!", 0, b"")])


def contents(init, programs, data, commands):
	"""The files of an initramfs. programs and data: path inside -> path outside."""
	programs = {"init": init, **programs}
	for library in set().union(*(libraries(path) for path in programs.values())):
		programs[str(library).lstrip("/")] = library
	return {
		**{name: (0o755, pathlib.Path(path).read_bytes()) for name, path in programs.items()},
		**{name: (0o644, pathlib.Path(path).read_bytes()) for name, path in data.items()},
		"commands": (0o644, "".join(f"{line}\n" for line in commands).encode()),
	}


def build(cache, name, files, arguments):
	"""The CD, made anew only when something in it has changed."""
	config = f"DEFAULT vm\nLABEL vm\nKERNEL vmlinuz\nINITRD initrd\nAPPEND {arguments}\n".encode()
	parts = {
		"vmlinuz": kernel(cache).read_bytes(), "initrd": initramfs(files), "isolinux.cfg": config,
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
