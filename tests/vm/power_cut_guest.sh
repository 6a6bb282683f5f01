#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# First process of the machine of power_cut.py: a control plane whose state lies on the disk, until the power is cut.
export PATH=/usr/bin:/usr/sbin:/sbin:/bin # busybox comes last
/bin/busybox mkdir -p /bin /sbin /proc /sys /dev /tmp /run /var/lib/fogline
/bin/busybox --install -s /bin
ln -s /run /var/run
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /run/fogline
mount -t tmpfs tmpfs /dev/shm
exec </dev/ttyS0 >/dev/ttyS0 2>&1

# ADDRESS: of the NIC, with its prefix; PORT: of the API; PASSWORD: of the administrator; POSTGRES: the server's
# command, empty without one.
. /etc/vm.conf
. /etc/guest.sh

# The file system replays its journal here.
disk_up() {
	modprobe virtio_pci && modprobe virtio_blk && modprobe ext4 && mount -t ext4 /dev/vda /var/lib/fogline
}

network_up() {
	modprobe virtio_net && ip link set lo up && ip address add "$ADDRESS" dev eth0 && ip link set eth0 up
}

# It recovers here.
postgres_up() {
	[ -n "$POSTGRES" ] || return 0
	mkdir /run/postgresql && chown nobody /run/postgresql
	su -s /bin/sh nobody -c "exec $POSTGRES" >/tmp/postgres.log 2>&1 &
	postgres=$!
	await postgres_says && kill -0 "$postgres"
}

postgres_says() {
	grep -q "ready to accept connections" /tmp/postgres.log || ! kill -0 "$postgres"
}

verify() {
	[ ! -e /var/lib/fogline/vm/control/audit-head.jsonl ] || fogctl audit verify
}

admin() {
	fogctl user list -j | grep -q '"admin"' || echo "$PASSWORD" | fogctl user add admin --role admin --tier enterprise
}

control_up() {
	fog-controlplane --config /etc/fogline/vm.yaml >/tmp/control.log 2>&1 &
	control=$!
	await answers && kill -0 "$control"
}

answers() {
	wget -q -O /dev/null "http://127.0.0.1:$PORT/healthz" || ! kill -0 "$control"
}

play() {
	step disk disk_up && step network network_up && step postgres postgres_up && step verify verify && step control control_up && step admin admin || return
	echo "vm: up"
	wait "$control"
}

play
step log-postgres cat /tmp/postgres.log
step log cat /tmp/control.log
poweroff -f
