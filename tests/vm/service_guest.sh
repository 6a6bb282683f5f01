#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# What vm-test.service does in the machine of service_long.py; judged outside.
export PATH=/usr/bin:/usr/sbin DEBIAN_FRONTEND=noninteractive SYSTEMD_COLORS=0 DPKG_COLORS=never
. /root/vm.conf
. /root/guest.sh
DATA=fogline-dataplane@node1 CONTROL=fogline-controlplane@node1

# Without the counting that dpkg shows on a terminal.
dpkg_does() { # OPTION ARGUMENT
	dpkg "$1" "$2" >/tmp/dpkg 2>&1
	done=$?
	cat /tmp/dpkg
	return $done
}

prepare() {
	fogctl host init hugepages iommu vfio --instance node1 -y || return 1
	echo "after: $(driver_of "$OUR")"
}

# Of Type=notify: this returns when both have said that they are ready.
start() {
	systemctl start $CONTROL $DATA || return 1
	show
}

show() {
	systemctl show $CONTROL $DATA -p Id -p ActiveState -p SubState -p Result -p NRestarts -p StatusText
}

# The kernel holds one worker and nothing else: the manager lives, and must not say that all is well.
stall() {
	main=$(systemctl show $DATA -p MainPID --value)
	for task in /proc/"$main"/task/*; do
		case $(cat "$task/comm") in
		*worker*) worker=${task##*/} ;;
		esac
	done
	echo "worker $worker of $main"
	/root/vm_stall "$worker" &
	await restarted && await fogctl --instance node1 ready
}

restarted() {
	[ "$(systemctl show $DATA -p NRestarts --value)" = 1 ] && systemctl -q is-active $DATA
}

stop() {
	systemctl stop $DATA || return 1
	show
}

purge() {
	systemctl stop $CONTROL
	dpkg_does --purge fogline || return 1
	for path in /run/fogline* /var/lib/fogline /dev/shm/fogline* /usr/bin/fogctl /usr/lib/systemd/system/fogline*; do
		[ ! -e "$path" ] || echo "left: $path"
	done
	systemctl show $CONTROL $DATA -p Id -p LoadState
}

play() {
	step install dpkg_does --install /root/fogline.deb && step prepare prepare && step start start &&
		step ready await fogctl --instance node1 ready && step peer peer_up "$PEER" || return
	step generate generate "$COUNT"
	step status fogctl --instance node1 -j status
	step stall stall && step stalled show
	step again generate "$COUNT"
	step status2 fogctl --instance node1 -j status
	step stop stop
	step purge purge
}

play
step journal journalctl -b -o short-monotonic --no-hostname -u $DATA -u $CONTROL
