# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# What the scripts inside of emulated machines share; console.py reads what step prints.
# shellcheck shell=sh

step() { # NAME COMMAND...
	step=$1
	shift
	printf '\nvm: begin %s\n' "$step"
	"$@"
	code=$?
	printf '\nvm: end %s %s\n' "$step" "$code"
	return "$code"
}

# Waits three minutes at most for a command to succeed; then shows what it said last.
await() { # COMMAND...
	for _ in $(seq 1800); do
		"$@" >/tmp/await 2>&1 && return 0
		sleep 0.1
	done
	cat /tmp/await
	return 1
}

driver_of() { # PCI-ADDRESS
	basename "$(readlink "/sys/bus/pci/devices/$1/driver")"
}

# The generator's end of the wire. No IPv6: its kernel would announce itself there, and the books would
# hold more than the test has sent.
peer_up() { # PCI-ADDRESS
	interface=$(ls "/sys/bus/pci/devices/$1/net") || return 1
	echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
	ip link set lo up
	ip address add 198.18.0.2/24 dev "$interface"
	ip link set "$interface" up
	await grep -q 1 "/sys/class/net/$interface/carrier"
}

# Never more packets under way than rings hold: an emulated machine is as fast as it is.
generate() { # COUNT
	fog-trafficgen run --json --port "afxdp:$interface" --count "$1" --rate 100000 --window 32 \
		--delay-seed 1 --cpus 0,0 --linger 60000
}
