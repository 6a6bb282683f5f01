#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Every lint rule has to fail on what it forbids and to be silent on what it allows.

A case is (rule, path, bad text, good text); it is laid into a small tree of its own.
"""
import pathlib
import sys
import tempfile

from lint import RULES
from tree import Tree

HEAD = "// SPDX-License-Identifier: BSD-3-Clause\n// Copyright (c) 2026 the Fogline authors\n"
PYHEAD = HEAD.replace("//", "#")
EMPTY = HEAD + "#pragma once\n"
# Files that includes in the cases point at.
BACKGROUND = {
	"dataplane/api/abi.h": EMPTY,
	"dataplane/sphinx/sphinx.h": EMPTY,
	"dataplane/worker.h": EMPTY,
	"drivers/port_ops.h": EMPTY,
	"tests/unit/fake.h": EMPTY,
	"dataplane/api/ring.h": EMPTY,
	"dataplane/api/other.h": EMPTY + '#include "ring.h"\n',
	**{f"{folder}/README.md": "# Why\n" for folder in (
		"dataplane", "dataplane/api", "dataplane/sphinx", "drivers", "tests", "tests/unit",
		"controlplane", "xdp")},
}


def _function(lines):
	return HEAD + "int f(void)\n{\n" + "\tg();\n" * (lines - 3) + "\treturn 0;\n}\n"


CASES = [
	("spdx", "drivers/a.c", "int a;\n", HEAD + "int a;\n"),
	("spdx", "drivers/a.c", HEAD.split("\n")[0] + "\nint a;\n", HEAD),
	("spdx", "xdp/a.bpf.c", HEAD.replace("BSD-3-Clause", "MIT"),
		HEAD.replace("BSD-3-Clause", "(BSD-3-Clause OR GPL-2.0-only)")),
	("spdx", "run", "#!/bin/sh\ntrue\n", "#!/bin/sh\n" + PYHEAD + "true\n"),
	("comments", "drivers/a.c", HEAD + "/* no */\n", HEAD + 'char *a = "/*"; // "/* */"\n'),
	("whitespace", "drivers/a.c", HEAD + "int a; \n", HEAD + "int a;\n"),
	("whitespace", "drivers/a.c", HEAD + "int a;", HEAD + "\tint a;\n"),
	("machine-paths", "drivers/a.c", HEAD + "// see /" + "home/alice/notes\n", HEAD + "// see /etc/fogline\n"),
	("file-size", "drivers/a.c", "\n" * 801, "\n" * 800),
	("function-size", "drivers/a.c", _function(101), _function(100)),
	("function-size", "tests/a.py", "def f():\n" + "\tg()\n" * 100, "def f():\n" + "\tg()\n" * 99),
	("names", "drivers/utils.c", HEAD, None),
	("names", "drivers/common/a.c", HEAD, None),
	("readme", "bench/a.c", HEAD, None),
	("layers", "dataplane/sphinx/a.c", '#include "../worker.h"\n', '#include "sphinx.h"\n'),
	("layers", "dataplane/calendar.c", '#include "worker.h"\n', '#include "api/abi.h"\n'),
	("layers", "dataplane/api/a.h", '#include "../sphinx/sphinx.h"\n', '#include "abi.h"\n'),
	("layers", "drivers/a.c", '#include "dataplane/worker.h"\n', '#include "dataplane/api/abi.h"\n'),
	("layers", "dataplane/a.c", '#include "tests/unit/fake.h"\n', '#include "drivers/port_ops.h"\n'),
	("layers", "dataplane/a.c", '#include "nowhere.h"\n', "#include <stdio.h>\n"),
	("layers", "controlplane/a.c", '#include "steer.skel.h"\n', '#include "api/abi.h"\n'),
	("sql", "controlplane/a.c", 'r = fog_db_run(tx, text, FOG_NONE);\n', 'r = fog_db_run(tx, "SELECT " COLUMNS " FROM t", FOG_NONE);\n'),
	("sql", "controlplane/a.c", 'snprintf(text, 9, "SELECT %s FROM t", name);\n',
		'static const char *const text[] = {"SELECT 1"};\nr = fog_db_ask(tx, &row, text[i], FOG_NONE);\n'),
	("sql", "controlplane/a.c", 'strcat(text, " WHERE name = \'%s\'");\n', 'snprintf(text, 9, "select %s", name);\n'),
	("sql", "controlplane/a.c", 'int f(const char *sql)\n{\n\tsqlite3_exec(db, sql, 0, 0, 0);\n}\n',
		'int audit_list_read(const char *sql)\n{\n\tfog_db_ask(tx, row, sql, FOG_NONE);\n}\n'),
	("log-lines", "drivers/a.c", 'fprintf(stderr,\n\t"port %s\\n", name);\n', 'LOG_INFO("port %s", name);\nfprintf(f, "x");\n'),
	("log-lines", "controlplane/a.c", 'fputs("x\\n", stderr);\n', 'fputs("x\\n", f);\n'),
	("mends", "drivers/a.c", 'x = driver_fail(p, -1, "(\\"%s\\"): %s", f(a, \'(\'),\n\tstrerror(-n(1)));\n',
		'x = driver_fail(p, -1, "no %s: %s; raise it", a, strerror(-n(1)));\n'),
	("mends", "dataplane/a.c", 'LOG_ERR("%s: %s", path,\n\tstrerror(errno));\n', 'LOG_INFO("%s: %s", path, strerror(errno));\n'),
	("mends", "controlplane/a.c", 'fprintf(stderr, "%s: "\n\t"%s\\n", path, strerror(e));\n',
		'fprintf(out, "%s: %s\\n", path, strerror(e));\nfprintf(stderr, "%s: %s\\n", path, mend(e));\n'),
	("mends", "controlplane/a.c", 'perror("a");\n', '// perror\n'),
	("foreign-headers", "dataplane/sphinx/a.c", "#include <rte_mbuf.h>\n", "#include <sodium.h>\n"),
	("foreign-headers", "dataplane/replay.c", "#include <bpf/bpf.h>\n", "#include <stdlib.h>\n"),
	("foreign-headers", "controlplane/a.c", "#include <rte_eal.h>\n", "#include <jansson.h>\n"),
	("foreign-headers", "dataplane/worker.c", "#include <jansson.h>\n", "#include <rte_eal.h>\n"),
	("foreign-headers", "drivers/a.c", "#include <cyaml/cyaml.h>\n", "#include <xdp/xsk.h>\n"),
	("include-cycles", "dataplane/api/ring.h", '#include "other.h"\n', '#include "abi.h"\n'),
	("python", "tests/a.py", "import os\n", "import os\nos.getpid()\n"),
	("python", "tests/a.py", "def f(:\n", "def f():\n\tpass\n"),
	("python", "config/a.py", "import scapy\nscapy.x\n", "import os\nos.getpid()\n"),
	("shell", "run", "#!/bin/sh\nif true\n", "#!/bin/sh\nif true; then :; fi\n"),
	("clang-format", "drivers/a.c", "int  a ;\n", "int a;\n"),
	("cppcheck", "drivers/a.c", "int f(void)\n{\n\tint a[2];\n\n\treturn a[2];\n}\n",
		"int f(void)\n{\n\tint a[2] = {0};\n\n\treturn a[1];\n}\n"),
]


def findings(rule, path, text):
	"""What 'rule' finds in the small tree with 'text' at 'path' (None: without the file)."""
	with tempfile.TemporaryDirectory() as folder:
		root = pathlib.Path(folder)
		for name, content in {**BACKGROUND, **({path: text} if text is not None else {})}.items():
			(root / name).parent.mkdir(parents=True, exist_ok=True)
			(root / name).write_text(content)
		style = pathlib.Path(__file__).resolve().parents[2] / ".clang-format"
		(root / ".clang-format").write_text(style.read_text())
		return [finding for finding in RULES[rule](Tree(root)) if not finding.warning]


def main():
	failed = 0
	for rule, path, bad, good in CASES:
		caught = findings(rule, path, bad)
		silent = not findings(rule, path, good)
		if caught and silent:
			continue
		failed += 1
		print(f"{rule}: {path}: {'finds fault with good text' if caught else 'misses'} {(good if caught else bad)!r}")
	for rule in set(RULES) - {case[0] for case in CASES}:
		failed += 1
		print(f"{rule}: has no case here")
	print(f"{len(CASES)} cases, {failed} failed")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
