# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A page for man(1), in the macros of man(7)."""


def escape(text):
	text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("^", r"\(ha").replace("~", r"\(ti")
	return rf"\&{text}" if text.startswith(".") else text


class Page:
	def __init__(self, name, number, sentence, version):
		self._lines = [
			r'.\" Made from what the programs say about themselves; do not edit.',
			f'.TH {escape(name)} {number} "" "Fogline {escape(version)}" "Fogline"',
			".SH NAME",
			rf"{escape(name)} \- {escape(sentence)}",
		]

	def line(self, roff):
		self._lines.append(roff)

	def section(self, title):
		self._lines.append(f".SH {escape(title)}")

	def subsection(self, title):
		self._lines.append(f".SS {escape(title)}")

	def paragraph(self, text):
		self._lines += [".PP", escape(text)]

	def literal(self, lines):
		self._lines += [".PP", ".nf"]
		self._lines += [rf"\fB{escape(line)}\fR" for line in lines]
		self._lines.append(".fi")

	def items(self, items):
		for tag, text in items:
			self._lines += [".TP", rf"\fB{escape(tag)}\fR", escape(text) if text else r"\&"]

	def see(self, *pages):
		self.section("SEE ALSO")
		self._lines.append(", ".join(rf"\fB{escape(page.split('(')[0])}\fR({page.split('(')[1]}" for page in pages))

	def text(self):
		return "\n".join(self._lines) + "\n"
