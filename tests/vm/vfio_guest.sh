#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# First process of the machine of vfio_test.py: one NIC is for the data plane, the other for the
# generator. What happens is judged outside. The machine ends by itself, whatever fails.
export PATH=/usr/bin:/usr/sbin:/sbin:/bin # busybox comes last
/bin/busybox mkdir -p /bin /sbin /proc /sys /dev /tmp /run /var/lib
/bin/busybox --install -s /bin
ln -s /run /var/run
chmod 0755 / # EAL loads no driver from below a folder that everybody may write to
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/hugepages /run/fogline
mount -t tmpfs tmpfs /dev/shm
mount -t hugetlbfs hugetlbfs /dev/hugepages
exec </dev/ttyS0 >/dev/ttyS0 2>&1

# OUR and PEER: PCI addresses; OUR_DRIVER and PEER_DRIVER: the kernel's modules; COUNT.
. /etc/vm.conf
. /etc/guest.sh
HOST="hugepages iommu vfio"

# The kernel's driver has the NIC until fogctl takes it away.
prepare() {
	modprobe "$OUR_DRIVER" || return 1
	echo "before: $(driver_of "$OUR")"
	# shellcheck disable=SC2086 # words are meant
	fogctl host init $HOST --instance vm -y || return 1
	echo "after: $(driver_of "$OUR")"
}

check() {
	# shellcheck disable=SC2086 # words are meant
	fogctl host check $HOST --instance vm -j
}

undo() {
	fogctl host undo -y || return 1
	echo "after: $(driver_of "$OUR")"
}

ready() {
	fogctl ready && return 0
	kill -0 "$control" && kill -0 "$data" || stopped=1
	[ -n "$stopped" ]
}

planes_up() {
	fog-controlplane --config /etc/fogline/vm.yaml >/tmp/control.log 2>&1 &
	control=$!
	await test -s /var/lib/fogline/vm/identity.pub
	fogctl config compile /etc/fogline/vm.yaml -o /run/fogline/vm.blob || return 1
	fog-dataplane --blob /run/fogline/vm.blob --run-dir /run/fogline/vm >/tmp/data.log 2>&1 &
	data=$!
	await ready && [ -z "$stopped" ]
}

planes_down() {
	kill "$data"
	wait "$data" || return 1
	kill "$control"
	wait "$control"
}

play() {
	modprobe "$PEER_DRIVER"
	step peer peer_up "$PEER" && step prepare prepare && step check check &&
		step planes planes_up || return
	step generate generate "$COUNT"
	for what in status ports workers; do
		step $what fogctl -j $what
	done
	step stop planes_down
	step undo undo
}

play
for log in control data; do
	step log-$log cat /tmp/$log.log
done
poweroff -f
