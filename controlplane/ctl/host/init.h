// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Making a host ready, and putting it back: what the files of fogctl host share beside ../../host/host.h. One thread, one
// command, then the process ends.
//
// An init function makes of a stage what its check asks for, through the functions of change.c, which print each command in the
// words of a shell, record what was there before, and only then run it. undo needs no function of the stage's own: it goes
// through that record.
#pragma once

#include "../../host/host.h"

// change.c: what init does. Each prints its command, and does nothing else with --dry-run.
// Returns 0 (also when it is so already) or -errno, which the caller explains.
__attribute__((format(printf, 3, 4))) int host_set(
        struct host *, const char *value, const char *path, ...
); // recorded
__attribute__((format(printf, 3, 4))) int host_write(
        struct host *, const char *value, const char *path, ...
); // not recorded
int host_run(struct host *, const char *const argv[]); // -ENOENT: there is no such program
// Say why init stops and what to do; returns 'ret'.
__attribute__((format(printf, 3, 4))) int host_stop(
        const struct host *, int ret, const char *format, ...
);

// undo.c: the record.
// Read the record; with 'change' lock it, too, until the process ends. 0 or -errno, said.
int host_undo_open(struct host *, bool change);
// Put a change on disk before it is made, but not with --dry-run; takes the reference. 0 or
// -errno, said.
int host_undo_add(struct host *, json_t *change);
void host_undo_drop(struct host *); // the change added last was not made
int host_undo_save(struct host *);
int host_undo_run(struct host *, const char *const *stages, unsigned count);
// One change taken back, by its kind. 0 (also when there is nothing left of it) or -errno, said.
int host_channels_undo(struct host *, const json_t *change);
int host_mount_undo(struct host *, const json_t *change);
int host_offload_undo(struct host *, const json_t *change);
int host_vfio_undo(struct host *, const json_t *change);

// Each returns 0 or -errno, said.
int host_init_cpus(struct host *);
int host_init_hugepages(struct host *);
int host_init_irq(struct host *);
int host_init_kernel(struct host *);
int host_init_queues(struct host *);
int host_init_sysctl(struct host *);
int host_init_vfio(struct host *);
