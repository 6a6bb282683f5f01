# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Python compiles, imports nothing that it doesn't use, and outside of tests only the standard library."""
import ast
import sys

from tree import Finding


def _imports(node):
	"""(bound name, top-level module) of each name that an import statement binds."""
	if isinstance(node, ast.Import):
		return [((a.asname or a.name).split(".")[0], a.name.split(".")[0]) for a in node.names]
	if isinstance(node, ast.ImportFrom):
		module = (node.module or "").split(".")[0]
		return [(a.asname or a.name, module) for a in node.names]
	return []


def check(tree):
	local = {path.split("/")[-1][:-3] for path in tree.files(".py")}
	local |= {path.split("/")[-2] for path in tree.files("/__init__.py")}
	for path in sorted({*tree.files(".py"), *tree.scripts("python3")}):
		try:
			module = ast.parse(tree.text(path), path)
		except SyntaxError as error:
			yield Finding(path, error.lineno or 1, f"doesn't compile: {error.msg}")
			continue
		used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
		used |= {
			item.value for node in ast.walk(module)
			if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in node.targets)
			for item in ast.walk(node.value) if isinstance(item, ast.Constant)
		}
		for node in ast.walk(module):
			for name, origin in _imports(node):
				if name not in used and not path.endswith("__init__.py"):
					yield Finding(path, node.lineno, f"'{name}' is imported and not used")
				foreign = origin not in sys.stdlib_module_names and origin not in local
				if foreign and not path.startswith("tests/"):
					yield Finding(path, node.lineno, f"'{origin}' isn't the standard library; only tests may use it")
