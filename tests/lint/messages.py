# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What programs tell operators. A message that ends in the system's word for an errno says what went
wrong and leaves the reader alone with it: the mend belongs behind. That a mend is a good one no rule
can see; tests/smoke/messages_test.py meets the frequent ones."""
import re

from tree import Finding

PROGRAMS = re.compile(r"^(dataplane|drivers|xdp|controlplane|bench/trafficgen|log)/")
# But for what answers a wrong command line.
LOGGED = re.compile(r"^(drivers|dataplane(?!/crypto|/sphinx)|controlplane(?!/ctl))/(?!(main|daemon)\.c)")
CALL = re.compile(r"\b(LOG_ERR|LOG_WARN|driver_fail|host_stop|tell_error|fog_report_error|fog_report_warning|fprintf|perror)\s*\(")
STRING = re.compile(r'"((?:\\.|[^"\\])*)"')
ERRNO = re.compile(r"\w*strerror\s*\([^;]*\)$|^strerror_r\b")


def _arguments(text, start):
	"""Arguments of the call whose parenthesis opens before 'start', as they stand."""
	found, depth, at, begin = [], 1, start, start
	while at < len(text) and depth:
		literal = STRING.match(text, at)
		if literal:
			at = literal.end()
			continue
		if text.startswith("//", at):
			at = text.index("\n", at)
			continue
		if text[at] == "'":
			at = text.index("'", at + 3 if text[at + 1] == "\\" else at + 1)
		depth += (text[at] in "([{") - (text[at] in ")]}")
		if (text[at] == "," and depth == 1) or depth == 0:
			found.append(text[begin:at].strip())
			begin = at + 1
		at += 1
	return found


def log_lines(tree):
	"""Both processes speak through log/: what goes around it has no level and breaks --log-format json."""
	for path in tree.files(".c"):
		if not LOGGED.match(path):
			continue
		text = tree.text(path)
		for call in re.finditer(r"\b(fprintf|fputs|vfprintf|perror)\s*\(([^;]*?\bstderr\b|\s*\")", text):
			if call.group(1) != "perror" and "stderr" not in call.group(2):
				continue
			yield Finding(path, text.count("\n", 0, call.start()) + 1, "goes around the log: use LOG_INFO and the like")


def mends(tree):
	"""No message to an operator ends in errno's own text."""
	for path in tree.files(".c"):
		if not PROGRAMS.match(path):
			continue
		text = tree.text(path)
		for call in CALL.finditer(text):
			line = text.count("\n", 0, call.start()) + 1
			arguments = _arguments(text, call.end())
			if call.group(1) == "perror":
				yield Finding(path, line, "perror names no mend; write what to do behind strerror")
				continue
			if call.group(1) == "fprintf" and arguments[0] != "stderr":
				continue
			formats = ["".join(STRING.findall(argument)) for argument in arguments if argument.startswith('"')]
			if formats and re.search(r"%s(\\n)?$", formats[0]) and ERRNO.match(arguments[-1]):
				yield Finding(path, line, "message ends in strerror; say what to do: \"..: %s: do this\"")
