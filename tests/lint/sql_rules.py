# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Statements of SQL are constant texts with bound parameters. Nothing that came from outside can become a part of one."""
import re

from messages import STRING, _arguments
from tree import Finding

# Which argument is the statement.
CALLS = {
	"fog_db_run": 1, "fog_db_ask": 2, "fog_db_one": 2, "audit_list_read": 3,
	"sqlite3_exec": 1, "sqlite3_prepare": 1, "sqlite3_prepare_v2": 1, "sqlite3_prepare_v3": 1,
	"PQexec": 1, "PQexecParams": 1, "PQprepare": 2, "PQsendQuery": 1, "PQsendQueryParams": 1}
CALL = re.compile(rf"(?<!int )\b({'|'.join(CALLS)})\s*\(")
# The drivers get statements from those who call them; a copy of the store names the tables that the schema names.
PASSES = re.compile(r"^controlplane/store/(db_\w+|migrate|dump|undump)\.c$")
OWN = re.compile(r"^controlplane/")
LITERAL = r'(?:\s*(?:"(?:\\.|[^"\\])*"|[A-Z][A-Z0-9_]*(?:\([^()]*\))?))+'
CONSTANT = re.compile(rf"^(\w+\s*\?)?{LITERAL}(\s*:{LITERAL})?\s*$")
NAME = re.compile(r"^(\w+)\s*(\[[^\]]*\]|\.\w+)*$")
FORMATS = re.compile(r"\b\w*(printf|strcat|strcpy|strlcat|fputs|json_pack)\s*\(")
STATEMENT = re.compile(
	r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE (TABLE|INDEX|TRIGGER)|DROP|ALTER TABLE|PRAGMA|TRUNCATE|COPY|ATTACH)\s"
	r"|\b(WHERE|VALUES|ORDER BY|LIMIT)\b.*%")


def _declared(text, name):
	"""Whether the file has this name for a constant text, or for constant rows that hold one."""
	texts = rf"\bconst char\s+(\*\s*const\s+)?{name}\s*(\[[^\]]*\]\s*)*="
	rows = rf"\bconst struct\s*\{{[^{{}}]*\}}\s*{name}\s*\[\]\s*="
	return re.search(texts, text) or re.search(rows, text)


def _passed_on(text, start, call):
	"""Whether the call stands in the definition of a function that is in CALLS itself."""
	begun = re.findall(r"^(?:static )?int (\w+)\(", text[:start], re.MULTILINE)
	return bool(begun) and begun[-1] in CALLS and call != begun[-1]


def statements(tree):
	"""What is run is a literal, or a constant of the file; no statement is put together by formatting."""
	for path in tree.files(".c"):
		if not OWN.match(path) or PASSES.match(path):
			continue
		text = tree.text(path)
		for call in CALL.finditer(text):
			arguments = _arguments(text, call.end())
			at = CALLS[call.group(1)]
			sql = arguments[at] if at < len(arguments) else ""
			name = NAME.match(sql)
			if CONSTANT.match(sql) or (name and _declared(text, name.group(1))):
				continue
			if sql == "sql" and _passed_on(text, call.start(), call.group(1)):
				continue
			line = text.count("\n", 0, call.start()) + 1
			yield Finding(path, line, f"{call.group(1)} runs '{sql[:40]}'; write a literal with $1 and bind the values")
		for call in FORMATS.finditer(text):
			for argument in _arguments(text, call.end()):
				if STATEMENT.search("".join(STRING.findall(argument))):
					yield Finding(
						path, text.count("\n", 0, call.start()) + 1, "a statement is put together by formatting; bind its values")
