// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Is this host ready for the data plane: the stages of `fogctl host`, whose checks the REST API has, too. A struct host is for one thread.
//
// A stage is one thing that a host needs. Its check function reads only, and works without root as
// far as the kernel lets it: it says what it found, in numbers, and how to mend it.
#pragma once

#include <dirent.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../config/config.h"

#define HOST_UNDO_FILE "/var/lib/fogline/host-undo.json"

enum {
	HOST_DEVICES_MAX = 16,
	HOST_NODES_MAX = 64,
	HOST_NAME_LEN = 64,
	HOST_CPU_WORDS = FOG_CONFIG_CPUS_MAX / 64
};

// In the order of their weight: the verdict of a stage is the heaviest of its findings.
enum host_verdict {
	HOST_SKIP, // doesn't concern this host or config
	HOST_OK,
	HOST_UNKNOWN, // can't be seen from here, usually: not as root
	HOST_WARN, // works, with what the detail says
	HOST_FAIL, // Fogline won't start, or not do what it promises
};

struct host_result {
	enum host_verdict verdict;
	char detail[2048], mend[2048];
};

struct host_cpus {
	uint64_t word[HOST_CPU_WORDS];
};

struct host {
	const char *root; // in front of every path that is read; "" = this machine
	const char *undo_file;
	struct fog_config *config; // NULL: none was given
	struct fog_topology *topology; // NULL: there is none yet
	struct fog_plan plan; // of the config, for this host
	struct fog_config_host machine;
	const char *device[HOST_DEVICES_MAX]; // --device: PCI addresses and interfaces
	unsigned devices;
	uint64_t pages; // --pages of the default size; 0 = what the config needs
	struct host_cpus cpus; // --cpus, or the workers' of the config; may be empty
	bool confined; // the caller has neither rights nor devices: what a stage can't see is unknown
	bool force, dry, yes, json;
	struct host_result *result; // of the stage that is being checked
	const char *stage; // that is being worked on
	json_t *undo; // record of changes, NULL before host_undo_open
	unsigned changes; // made, or printed with --dry-run
};

struct host_stage {
	const char *name;
	void (*check)(struct host *);
	const char *help;
	bool rights; // it tries what only root may, or looks at devices
	const char *const *needs; // files that it can't judge without, up to NULL; NULL: none
};

extern const struct host_stage host_stages[];
extern const unsigned host_stage_count;

const char *host_verdict_name(enum host_verdict); // "ok"
// What the stages need to know of h->config and h->topology: plan, machine, CPUs.
void host_configured(struct host *);
// Check one stage: 'out' has what it found.
void host_check_stage(struct host *, const struct host_stage *, struct host_result *out);

// Findings of a check. say raises the verdict and adds a sentence; mend adds what to do.
__attribute__((format(printf, 3, 4))) void host_say(
        struct host *, enum host_verdict, const char *format, ...
);
__attribute__((format(printf, 2, 3))) void host_mend(struct host *, const char *format, ...);
// Append to a text that stays NUL-terminated; what doesn't fit is cut.
__attribute__((format(printf, 3, 4))) void host_add(
        char *text, size_t size, const char *format, ...
);

// read.c: files below the root folder. Paths are printf formats that begin with a slash.
// The file without its last line end. Returns its length, or -errno and an empty text.
__attribute__((format(printf, 4, 5))) int host_read(
        const struct host *, char *text, size_t size, const char *path, ...
);
// A whole number, or 'missing' when there is none.
__attribute__((format(printf, 3, 4))) long long host_number(
        const struct host *, long long missing, const char *path, ...
);
__attribute__((format(printf, 2, 3))) bool host_exists(const struct host *, const char *path, ...);
// Last part of what a link points to. Returns 0, or -errno and an empty text.
__attribute__((format(printf, 4, 5))) int host_link(
        const struct host *, char *text, size_t size, const char *path, ...
);
__attribute__((format(printf, 2, 3))) FILE *host_file(const struct host *, const char *path, ...);
__attribute__((format(printf, 2, 3))) DIR *host_folder(const struct host *, const char *path, ...);
// Where a path leads when all links are followed; the root folder is not part of it. 0 or -errno.
__attribute__((format(printf, 4, 5))) int host_real(
        const struct host *, char *text, size_t size, const char *path, ...
);
// Next entry of a folder that doesn't begin with a dot, or NULL.
const char *host_entry(DIR *);
// Whether a process of this name runs (comm, 15 characters at most).
bool host_running(const struct host *, const char *comm);

// cpu_list.c: sets of CPUs, "0-3,8" as the kernel writes them.
int host_cpus_parse(struct host_cpus *, const char *text); // 0 or -EINVAL
void host_cpus_text(const struct host_cpus *, char *text, size_t size);
__attribute__((format(printf, 3, 4))) bool host_cpus_read(
        const struct host *, struct host_cpus *, const char *path, ...
); // false and an empty set without the file
bool host_cpu_in(const struct host_cpus *, unsigned cpu);
void host_cpu_add(struct host_cpus *, unsigned cpu);
unsigned host_cpus_count(const struct host_cpus *);
bool host_cpus_meet(const struct host_cpus *a, const struct host_cpus *b);
void host_cpus_remove(struct host_cpus *from, const struct host_cpus *what);
unsigned host_cpu_node(const struct host *, unsigned cpu); // NUMA node, 0 when it is not known

// nics.c, route.c: which devices must not be taken.
// PCI address of a device or interface name of --device or of a port; false: there is none.
bool host_pci_address(const struct host *, const char *name, char pci[HOST_NAME_LEN]);
// Whether the text has the form of a PCI address, with or without a domain.
bool host_pci_form(const char *text);
// First interface of a PCI device; false: none.
bool host_pci_interface(const struct host *, const char *pci, char name[HOST_NAME_LEN]);
// Why the host can't spare this PCI device; false: it can. The devices 'taken' go with it.
bool host_pci_needed(
        const struct host *, const char *pci, char taken[][HOST_NAME_LEN], unsigned count,
        char *why, size_t size
);

struct host_interfaces {
	unsigned count;

	struct {
		char name[HOST_NAME_LEN];
		char why[HOST_NAME_LEN + 64];
	} at[16];
};

// Interfaces with a default route and those that the caller's SSH connection uses.
void host_interfaces_needed(const struct host *, struct host_interfaces *);

// record.c: a change of the record that init keeps (h->undo) of this kind of object, or NULL.
json_t *host_undo_find(const struct host *, const char *kind, const char *key, const char *value);

// vfio.c
// PCI devices that --device and the config name. Returns their number.
unsigned host_pci_wanted(struct host *, char pci[][HOST_NAME_LEN]);

// Warn when a PCI device is on another NUMA node than the workers.
void host_check_node(struct host *, const char *pci);

// The stages' functions, each in the file of its name (config: setup.c).
void host_check_clock(struct host *);
void host_check_config(struct host *);
void host_check_cpu(struct host *);
void host_check_cpus(struct host *);
void host_check_hugepages(struct host *);
void host_check_iommu(struct host *);
void host_check_irq(struct host *);
void host_check_kernel(struct host *);
void host_check_memlock(struct host *);
void host_check_queues(struct host *);
void host_check_replay(struct host *);
void host_check_sysctl(struct host *);
void host_check_vfio(struct host *);

// What init needs of the stages.
#define HOST_BPFFS "/sys/fs/bpf" // keeps the link of the XDP program findable after a crash
#define HOST_NODE_PAGES "/sys/devices/system/node/node%u/hugepages"
bool host_kernel_needs_xdp(const struct host *);
bool host_kernel_has_bpffs(const struct host *);
// Numbers of the interrupts that have a handler. Returns how many.
unsigned host_irq_list(const struct host *, unsigned *irq, unsigned max);
bool host_irq_disturbs(const struct host *, unsigned irq);

struct host_sysctl {
	const char *path; // below /proc/sys
	const char *set, *why; // what is good, and why
	long long value; // -1: this kernel has none
	bool bad;
};

// The next setting; '*i' starts as 0. False: there are no more.
bool host_sysctl_next(const struct host *, unsigned *i, struct host_sysctl *out);

struct host_hugepages {
	uint64_t page; // bytes of the default size
	uint64_t held; // bytes that the running data plane of this config has already

	struct {
		bool here;
		uint64_t need; // bytes
		uint64_t free; // bytes, pages of all sizes
		uint64_t total, unused; // pages of the default size
	} node[HOST_NODES_MAX];
};

// Returns the bytes that are needed, of the default size.
uint64_t host_hugepages_look(const struct host *, struct host_hugepages *);
