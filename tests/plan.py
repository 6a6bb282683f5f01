# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What the runner runs: groups of tests, and the build that each group starts from."""
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable

import postgres

GROUPS = ["lint", "unit", "vm", "package", "smoke", "asan", "tsan", "fuzz"]
FUZZ_S, FUZZ_LONG_S = 4, 300

# Sanitizers stop at the first finding. ASLR is off for them: their shadow memory of this compiler
# generation collides with mappings that newer kernels place with more random bits.
SANITIZED = ["setarch", "-R"]
SANITIZER_ENV = {
	"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:exitcode=99",
	"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
	"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:exitcode=99",
}


# Labs that run at the same time have this much load together: one that measures and nothing else, or one that
# others would disturb and a quiet one, or two, or four quiet ones.
LOAD_MAX, LOAD_ONLY, LOAD_ALONE, LOAD_LAB, LOAD_QUIET = 4, 4, 3, 2, 1


def _nothing():
	return None


@dataclasses.dataclass
class Test:
	name: str
	argv: list
	timeout: float = 120
	env: dict = dataclasses.field(default_factory=dict)
	cwd: pathlib.Path | None = None
	load: int = 0  # of a lab: how much of LOAD_MAX it takes
	first: bool = False  # the longest chain of tests hangs on it
	missing: Callable = _nothing  # names the feature that the host lacks, or None
	then: Callable | None = None  # for builds: the tests that come of it

	@property
	def lab(self):
		return self.load > 0


def summary(text):
	"""Number of CUnit tests in a log, for the report."""
	match = re.search(r"^\s*tests\s+(\d+)\s+\d+\s+(\d+)\s+(\d+)", text, re.MULTILINE)
	return f"{match.group(1)} tests" if match else ""


def _root_only():
	return None if os.geteuid() == 0 else "needs root (namespaces, AF_XDP): sudo ./fogline test"


def introspect(folder, what):
	out = subprocess.run(
		["meson", "introspect", folder, f"--{what}"], capture_output=True, text=True, check=True)
	return json.loads(out.stdout)


def _short(test):
	suite = [part.split(":")[-1] for part in test["suite"]]
	return "/".join([*(part for part in suite if part not in ("fogline", "unit")), test["name"]])


def _meson_tests(folder, prefix, wrap, env, pick=lambda test: True):
	"""The tests that meson knows in a build folder, as ours."""
	slow = 5 if wrap else 1
	return [
		Test(
			f"{prefix}/{_short(test)}", [*wrap, *test["cmd"]], test["timeout"] * slow * 2,
			{**test["env"], **env}, test["workdir"] or folder,
		)
		for test in introspect(folder, "tests") if pick(test)
	]


# Not under sanitizers (nor test_sandbox_seccomp): what asks how much a build carries, which is not the product's speed then, and
# what looks at sandboxes and locked memory, which sanitizers don't live with.
PLAIN_ONLY = {
	"audit", "audit_long", "bench_api", "bench_e2e", "bench_xdp", "capacity", "capacity_long", "client_long", "cover_clock", "cover_hidden",
	"cover_hidden_long", "generator", "grafana", "link_capture", "pcap", "rights", "rollover_kill", "rollover_kill_long", "sandbox_calls", "secrets", "soak_long", "timing"}


def _programs(folder, long):
	return sorted([*folder.glob("*_test.py"), *(folder.glob("*_long.py") if long else [])])


# Tests of the API among those of tests/smoke, and on which of postgres.STORES they run; with --long it is on all. The last of
# each is the one under sanitizers.
API = {
	"api": ["sqlite-empty", "postgresql-migrated"], "config_commands": ["sqlite-migrated", "postgresql-empty"],
	"description": ["sqlite-migrated"], "docs": ["sqlite-empty"], "openapi": ["postgresql-empty"],
	"permissions": ["sqlite-migrated", "postgresql-migrated"]}


def _on_stores(root, name, path, wrap, long):
	"""(what stands behind the test's name, its command) for each store that it runs on."""
	if name not in API:
		return [("", [*wrap, sys.executable, path])]
	stores = API[name][-1:] if wrap and not long else postgres.STORES if long else API[name]
	runs = [root / "tests" / "postgres.py", "--store"]
	return [(f"-{store}", [*wrap, sys.executable, *runs, store, sys.executable, path]) for store in stores]


def _smoke_tests(root, folder, prefix, wrap, env):
	"""Programs of tests/smoke; they find the programs under test by FOGLINE_BIN."""
	slow, long = 3 if wrap else 1, "FOGLINE_LONG" in env
	paths = _programs(root / "tests" / "smoke", long)
	if wrap:
		spared = PLAIN_ONLY | (SANITIZED_LONG if not long else set())
		paths = [path for path in paths if path.stem.removesuffix("_test") not in spared]
	return [
		Test(
			f"{prefix}/{path.stem.removesuffix('_test')}{store}",
			argv, (4500 if path.stem.endswith("_long") else 300) * slow,
			{"FOGLINE_BIN": str(folder / "bin"), **env}, load=_load(path.stem.removesuffix("_test"), wrap),
			missing=_root_only,
		)
		for path in paths
		for store, argv in _on_stores(root, path.stem.removesuffix("_test"), path, wrap, long)
	]


# Under sanitizers only with --long: what takes minutes there, labs whose code others reach, too, and comparisons with
# Python of what unit tests and fuzz targets run there. What is hostile, killed, started again or its own kind of path
# stays in each run.
SANITIZED_LONG = {
	"accept_replays", "accounts_code", "accounts_login", "address_change", "api_kill", "audit_simulated", "client", "commands", "delay",
	"demo", "demo_running", "description", "directory_outage", "drain_traffic", "driver_auto", "enrol", "forward", "host", "idle",
	"losses_check", "n_minus_1", "notify", "planes", "sphinx_cross_check", "sphinx_verify_check", "tap_host", "timing_check", "twins", "upgrade", "vrf_cross", "xdp_program"}

# Labs that say something of what the host can do at all: nothing beside them.
ONLY = {"bench_api", "bench_e2e", "bench_xdp", "capacity", "capacity_long", "host", "idle", "soak_long", "xdp_program"}

# Labs that say something of rates or delays: another one beside them would disturb, unless it is quiet.
ALONE = {
	"audit", "audit_long", "cover_hidden", "cover_hidden_long", "delay", "demo_running", "generator", "rollover_kill", "rollover_kill_long", "timing"}

# Labs that compute for less than a third of their time, and those of them that do under sanitizers, too.
QUIET = {
	"accept_replays", "address_change", "benchmarks", "config_change", "config_commands", "control_kill", "cover", "dataplane_kill",
	"description", "directory", "directory_outage", "docs", "drain", "enrol", "grafana", "host_view", "hostile_ring", "ipv6_vlan",
	"mailbox", "malformed", "n_minus_1", "notify", "openapi", "permissions", "planes", "replay", "sandbox_calls", "store_kill", "tap",
	"tap_host", "tiers", "trace", "upgrade"}


QUIET_SANITIZED = {"config_change", "config_commands", "permissions", "cover", "directory", "mailbox", "trace"}


def _load(name, sanitized):
	if name in ONLY:
		return LOAD_ONLY
	if name in ALONE:
		return LOAD_ALONE
	return LOAD_QUIET if name in (QUIET_SANITIZED if sanitized else QUIET) else LOAD_LAB


def program(test):
	"""What a test runs; where it runs on several stores, that stands behind the program that does so, as seen from the
	build's folder."""
	cmd = test["cmd"]
	if len(cmd) < 3 or pathlib.Path(cmd[1]).name != "postgres.py":
		return cmd[0]
	rest = cmd[2:]
	while rest[0].startswith("--"):
		rest = rest[2 if rest[0] == "--store" else 1:]
	return rest[0]


def races(test):
	"""Rings, replay table, calendar, keys that come and go, mailboxes, loops, cover, fetching, stores, accounts, audit, limits: where threads meet."""
	return re.search(
		r"(^|/build-tsan/)tests/unit/(core/|shm/|pipeline/test_manager_key$|control/test_(cover|loops|mailbox)$|services/test_|audit_log/test_audit_log_chain$|limits/test_|directory/test_directory_fetch|store/|accounts/test_threads$)",
		program(test))


def _tsan_then(root, long):
	folder = root / "build-tsan"
	env = {**SANITIZER_ENV, **({} if long else {"FOGLINE_STORES": " ".join(postgres.FEW)})}
	return _meson_tests(folder, "tsan", SANITIZED, env, races)


def _asan_then(root, long):
	folder = root / "build-asan"
	env = {**SANITIZER_ENV, "FOGLINE_SANITIZER": "1", **({"FOGLINE_LONG": "1"} if long else {"FOGLINE_FEW": "1", "FOGLINE_STORES": " ".join(postgres.FEW)})}

	def wanted(test):
		return not test["cmd"][0].endswith("test_sandbox_seccomp") and (long or test["name"] not in SANITIZED_LONG)
	return [
		*_meson_tests(folder, "asan/unit", SANITIZED, env, wanted),
		*_smoke_tests(root, folder, "asan/smoke", SANITIZED, env),
	]


# What the code in dataplane/crypto/avx512 may use.
AVX512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512ifma", "vaes", "vpclmulqdq"}


def _cpu_flags():
	text = pathlib.Path("/proc/cpuinfo").read_text()
	match = re.search(r"^flags\s*: (.*)$", text, re.MULTILINE)
	return set(match[1].split()) if match else set()


def _vm_tests(root, folder, long):
	"""Emulated machines. Where the host's CPU has AVX-512, the unit tests run that code directly. A power cut takes minutes
	of an emulated CPU."""
	spared = set() if long else {"power_cut_test.py", *(["avx512_test.py"] if AVX512 <= _cpu_flags() else [])}
	env = {"FOGLINE_LONG": "1"} if long else {}
	return [
		Test(f"vm/{path.stem.removesuffix('_test')}", [sys.executable, path, folder],
			5 * 3600 if long else 900, env)
		for path in _programs(root / "tests" / "vm", long) if path.name not in spared
	]


def _package_tests(root):
	return [
		Test(f"package/{path.stem.removesuffix('_test')}", [sys.executable, path], 900, missing=_root_only)
		for path in sorted((root / "tests" / "package").glob("*_test.py"))
	]


def _plain_then(root, long):
	folder = root / "build"
	env = {"FOGLINE_LONG": "1"} if long else {"FOGLINE_STORES": " ".join(postgres.FEW)}
	return [
		*_vm_tests(root, folder, long),  # first: it is the longest
		*_package_tests(root),
		*_meson_tests(folder, "unit", [], env),
		*_smoke_tests(root, folder, "smoke", [], env),
	]


def _fuzz_then(root, long):
	seconds = FUZZ_LONG_S if long else FUZZ_S
	tests = []
	folder = root / "build-asan"
	for program in fuzz_targets(folder):
		corpus = root / "tests" / "fuzz" / "corpus" / program.name.removeprefix("fuzz_")
		# New finds go beside the build, never into the kept corpus.
		fresh = folder / "corpus" / program.name
		fresh.mkdir(parents=True, exist_ok=True)
		corpora = [fresh, *([corpus] if corpus.is_dir() else [])]
		# What libFuzzer returns of itself for a finding is what a test returns that is skipped.
		argv = [
			*SANITIZED, program, f"-max_total_time={seconds}", "-rss_limit_mb=2048", "-timeout=10",
			"-print_final_stats=1", "-error_exitcode=1", f"-artifact_prefix={fresh.parent}/{program.name}-", *corpora,
		]
		tests.append(Test(f"fuzz/{program.name.removeprefix('fuzz_')}", argv, seconds + 60, SANITIZER_ENV))
	return tests


def fuzz_targets(folder):
	found = [
		pathlib.Path(target["filename"][0]) for target in introspect(folder, "targets")
		if target["type"] == "executable" and "/tests/fuzz/" in target["defined_in"]
	]
	if not found:
		raise RuntimeError(f"{folder} was made without fuzz targets; run: rm -r {folder}")
	return found


def _build(root, name, then, long):
	"""A build as a test: when it passes, what it built is tested."""
	argv = {
		"plain": ["./fogline", "build"],
		"asan": ["./fogline", "build", "--asan"],
		"tsan": [sys.executable, "tests/build_some.py", "tsan"],
		"fuzz": [sys.executable, "tests/build_some.py", "fuzz"],  # a part of what "asan" builds
	}[name]
	return Test(f"build/{name}", argv, 1200, then=lambda: then(root, long), first=name == "plain")


def tests(root, groups, long):
	"""What a run starts with."""
	start = []
	if {"unit", "vm", "package", "smoke"} & set(groups):
		start.append(_build(root, "plain", _plain_then, long))
	tsan = [_build(root, "tsan", _tsan_then, long)] if "tsan" in groups else []
	fuzz = "fuzz" in groups
	if "asan" in groups:
		# The longest chain of all: another build would only take its CPUs away.
		start.append(_build(root, "asan", lambda *where: [
			*_asan_then(*where), *tsan, *(_fuzz_then(*where) if fuzz else [])], long))
	else:
		start += [*tsan, *([_build(root, "fuzz", _fuzz_then, long)] if fuzz else [])]
	if "lint" in groups:
		start.append(Test("lint/rules", [sys.executable, "tests/lint/lint.py"], 600))
		start.append(Test("lint/selftest", [sys.executable, "tests/lint/selftest.py"], 600))
	return start
