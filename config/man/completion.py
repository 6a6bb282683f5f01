# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Completion of fogctl for bash: commands, their words, their options."""
import re

OPTION = re.compile(r"(?<![\w-])(--?[a-z][\w-]*)")
SCRIPT = """\
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# Made from what fogctl says about itself; do not edit.
_fogctl() {{
	local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command= sub= i skip=
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [ -n "$skip" ]; then
			skip=
		elif [[ " {valued} " == *" ${{COMP_WORDS[i]}} "* ]]; then
			skip=yes
		elif [[ ${{COMP_WORDS[i]}} != -* ]]; then
			if [ -z "$command" ]; then
				command=${{COMP_WORDS[i]}}
			elif [ -z "$sub" ]; then
				sub=${{COMP_WORDS[i]}}
			fi
		fi
	done
	case $before in
	--instance)
		local folder
		for folder in /run/fogline/*/; do
			[ -d "$folder" ] && COMPREPLY+=("$(basename "$folder")")
		done
		COMPREPLY=($(compgen -W "${{COMPREPLY[*]}}" -- "$word"))
		return
		;;
	--profile)
		COMPREPLY=($(compgen -W "$(sed -n "s/^  - name: '\\(.*\\)'/\\1/p" \\
			"${{XDG_CONFIG_HOME:-$HOME/.config}}/fogline/fogctl.yaml" 2>/dev/null)" -- "$word"))
		return
		;;
	{files})
		COMPREPLY=($(compgen -f -- "$word"))
		return
		;;
	esac
	if [ -z "$command" ]; then
		COMPREPLY=($(compgen -W "{commands} {common}" -- "$word"))
		return
	fi
	case $command in
{cases}	esac
	if [ ${{#COMPREPLY[@]}} = 0 ] && [[ $word != -* ]]; then
		COMPREPLY=($(compgen -f -- "$word"))
	fi
}}
complete -o filenames -F _fogctl fogctl
"""


def _options(usage):
	"""Options that a command's synopsis and items name, in order."""
	found = OPTION.findall(" ".join(usage.synopsis))
	for tag, _ in usage.items:
		found += OPTION.findall(tag) if tag.startswith("-") else []
	return list(dict.fromkeys(found))


def _subcommands(name, usage):
	"""Words that stand where a command of a command does: in the synopsis, or as items of one."""
	found = []
	for line in usage.synopsis:
		if match := re.match(rf"fogctl {name} ([a-z][a-z|-]*)(?= |$)", line):
			found += match[1].split("|")
		elif re.match(rf"fogctl {name} COMMAND", line):
			found += [match[1] for tag, _ in usage.items[:usage.first] if (match := re.match(r"([a-z]+)(?: FILE)?$", tag))]
	return list(dict.fromkeys(found))


def _valued(listed):
	"""Options that take a value: those of all commands, and of any command the ones that take a file."""
	valued, files = {}, {}
	for _, _, usage in listed:
		own = " ".join([*usage.synopsis, *(tag for tag, _ in usage.items)])
		common = " ".join(tag for tag, _ in usage.common)
		for text, found in ((own, {}), (common, valued)):
			for option, value in re.findall(r"(?<![\w-])(--?[a-z][\w-]*) ([A-Z]+)\b", text):
				found[option] = True
				if value in ("FILE", "F", "PATH", "BLOB", "TOPOLOGY"):
					files[option] = True
	return list(valued), list(files)


def script(listed):
	common = list(dict.fromkeys(
		option for _, _, usage in listed for tag, _ in usage.common for option in OPTION.findall(tag)))
	valued, files = _valued(listed)
	cases = ""
	for name, _, usage in listed:
		options = _options(usage) + [option for option in common if usage.common and option not in _options(usage)]
		words = _subcommands(name, usage)
		cases += f"\t{name})\n"
		if words:
			cases += f'\t\t[ -n "$sub" ] || COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$word"))\n'
		cases += f'\t\t[[ $word == -* ]] && COMPREPLY=($(compgen -W "{" ".join([*options, "--help"])}" -- "$word"))\n'
		cases += "\t\t;;\n"
	return SCRIPT.format(
		valued=" ".join(valued), files=" | ".join(files), commands=" ".join(name for name, _, _ in listed),
		common=" ".join(common), cases=cases)
