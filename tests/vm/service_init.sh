#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# First process of the machine of service_long.py: puts the modules of its kernel, and what is tested,
# into the Debian system on its disk, and hands over to systemd.
/bin/busybox mkdir -p /bin /proc /sys /dev /new
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
modprobe virtio_pci
modprobe virtio_blk
modprobe ext4
mount -t ext4 /dev/vda /new || poweroff -f
cp -a /lib/modules /new/lib/
cp -a /test/. /new/
umount /proc /sys
mount --move /dev /new/dev
exec switch_root /new /sbin/init
