// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Configuration of one appliance: read from YAML (or JSON, which is YAML), checked, compiled to the
// blob that the data plane reads.
//
//   fog_config_load -> fog_config_check -> fog_config_compile
//
// load finds what is wrong inside the file: unknown keys, kinds, ranges, duplicates. check finds
// what is wrong between the file, the network's topology and this host, and does the memory
// arithmetic. Every finding goes to the report as "file:line: key: what: mend". No function here
// logs, keeps global state or needs root. Any thread, on disjoint objects.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../dataplane/api/blob.h"
#include "../../dataplane/api/device.h"
#include "../../dataplane/api/plan.h"
#include "report.h"

struct fog_topology;
struct config_lines;

enum {
	FOG_CONFIG_PATH_LEN = 256,
	FOG_CONFIG_TEXT_MAX = 1 << 20, // bytes of a file
	FOG_CONFIG_CPUS_MAX = 1024,
	FOG_ORIGINS_MAX = 16,
	FOG_ORIGIN_LEN = 128,
};

// What a change of a key takes. A key's class stands beside it in config/fogline.yaml.
enum fog_reload {
	FOG_RELOAD_RUN, // in force at once, no packet lost
	FOG_RELOAD_LAUNCH, // the data plane has to be restarted
	FOG_RELOAD_CONTROL, // the control plane has to be restarted, and then says what else
};

struct fog_config_neighbour {
	struct fog_ip address;
	uint8_t mac[6];
};

struct fog_config_port {
	char name[32];
	char device[192];
	uint32_t driver; // enum fog_driver
	uint32_t xdp_mode; // enum fog_xdp_mode
	uint32_t queues; // 0 in the file (the default) has become the number of workers
	uint32_t vlan;
	uint32_t mtu;
	uint32_t address_count, neighbour_count;
	struct fog_ip address[FOG_ADDRESSES_MAX];
	struct fog_config_neighbour neighbour[FOG_NEIGHBOURS_MAX];
	struct fog_ip gateway4, gateway6; // family 0 = none
	uint8_t prefix[FOG_ADDRESSES_MAX]; // of 'address', in bits; 0 = everything is on link
};

struct fog_config_workers {
	uint32_t cpu_count;
	uint32_t cpu[FOG_WORKERS_MAX];
	uint32_t idle; // enum fog_idle
	uint32_t manager_cpu;
	uint32_t max_rate; // packets per second and worker, 0 = no limit
};

struct fog_config_memory {
	bool hugepages;
	uint32_t mib;
	uint32_t packet_buffers;
	uint32_t parked_max;
};

struct fog_config_replay {
	char dir[128];
	uint64_t capacity; // tags per mix key; 0 = from max_rate
};

struct fog_config_rings {
	uint32_t deliver_slots, inject_slots; // per worker
};

enum fog_rest_tls {
	FOG_REST_TLS_AUTO, // unless 'tcp' is a loopback address and there is no certificate
	FOG_REST_TLS_ON,
	FOG_REST_TLS_OFF,
};

struct fog_config_rest {
	char unix_path[108]; // fits sockaddr_un.sun_path
	char tcp[64]; // "address:port" with a literal address, or empty
	char token_file[FOG_CONFIG_PATH_LEN]; // or empty
	uint32_t tls; // enum fog_rest_tls; fog_config_rest_tls says what comes of it
	char tls_certificate[FOG_CONFIG_PATH_LEN]; // both or none
	char tls_key[FOG_CONFIG_PATH_LEN];
	bool docs;
	uint32_t origin_count;
	char origin[FOG_ORIGINS_MAX][FOG_ORIGIN_LEN]; // that browsers may ask from
};

// Where the platform's data lies.
struct fog_config_store {
	char url[FOG_CONFIG_PATH_LEN]; // postgresql://.., or empty: STATE_DIR/control/platform.db
	char password_file[FOG_CONFIG_PATH_LEN]; // or empty
};

struct fog_config_accounts {
	char key_file[FOG_CONFIG_PATH_LEN];
	bool require_totp; // of administrators
	uint32_t token_minutes, refresh_days;
};

// Requests a minute of one identity, by class.
struct fog_config_limits {
	uint32_t auth, write, read;
};

struct fog_config_test {
	uint64_t delay_seed; // 0 = off
	uint64_t key_seed; // 0 = off
	uint32_t clock_ahead_ms; // 0 = off
};

struct fog_config_log {
	uint32_t level; // enum fog_log_level
};

struct fog_config_trace {
	bool allow; // also in production
};

// What the XDP program of every afxdp port does before a frame costs a worker anything.
struct fog_config_filter {
	bool early_drop;
	uint32_t source_rate; // packets per second and source, 0 = no limit
	uint32_t source_burst;
	uint32_t deny_count;
	struct fog_prefix deny[FOG_DENY_MAX]; // sorted (prefix.h), no two are equal
};

struct fog_config_drain {
	uint32_t grace_ms; // packets are still taken for so long
};

// Links with unknown static keys, gateways only.
struct fog_config_links {
	uint32_t clients; // at once
	uint32_t client_rate, client_burst; // packets per second, 0 = no limit; at once
};

// Cover traffic: the network says how much of it, this is what the node can spare.
struct fog_config_cover {
	uint32_t max_rate; // frames per second, 0 = no limit
};

// When traffic is too thin to hide in.
struct fog_config_timing {
	uint32_t min_set; // packets, 0 = never
};

// What a node says of itself in a network with a directory; in another one the topology says it.
struct fog_config_node {
	char name[32];
	uint8_t role; // enum fog_role
	uint8_t layer; // wish of a mix, 0 = any
	struct fog_ip address; // family 0 = not said
	uint16_t port; // UDP, 0 = mix_port of the network
	char operator[32], family[32]; // empty = not said, as below
	uint32_t as_number;
	char region[8];
	uint8_t bandwidth; // class, 0 = not said
};

struct fog_config_directory {
	char listen[64]; // "address:port" with a literal address, or empty
};

struct fog_config {
	char instance[32];
	char user[32]; // name or decimal uid; empty = stay who we are
	char run_dir[FOG_CONFIG_PATH_LEN]; // holds dp.sock and rest.sock
	char state_dir[FOG_CONFIG_PATH_LEN]; // mode 0711; holds identity.key and identity.pub
	char topology[FOG_CONFIG_PATH_LEN];
	bool production;
	char dataplane_user[32]; // name or decimal uid; empty = stay root
	struct fog_config_workers workers;
	struct fog_config_memory memory;
	struct fog_config_replay replay;
	struct fog_config_rings rings;
	struct fog_config_rest rest;
	struct fog_config_store store;
	struct fog_config_accounts accounts;
	struct fog_config_limits limits;
	struct fog_config_test test;
	struct fog_config_log log;
	struct fog_config_trace trace;
	struct fog_config_filter filter;
	struct fog_config_drain drain;
	struct fog_config_links links;
	struct fog_config_cover cover;
	struct fog_config_timing timing;
	struct fog_config_node node;
	struct fog_config_directory directory;
	uint32_t port_count;
	struct fog_config_port port[FOG_PORTS_MAX];

	// Not in the file:
	uid_t uid; // of 'user', ...
	gid_t gid; // ... and its primary group
	bool user_found; // false: this host has no such user (check refuses it)
	uid_t data_uid; // of 'dataplane_user'; 0 = stay root
	gid_t data_gid;
	bool data_user_found;
	uint8_t checksum[32]; // BLAKE2b-256 of the text: ETag of the file
	char file[FOG_CONFIG_PATH_LEN]; // as given, for findings
	struct config_lines *lines; // where each key stands
};

// What check has to know about the machine. Tests make up their own. Zero = unknown, not checked.
struct fog_config_host {
	uint64_t cpu[FOG_CONFIG_CPUS_MAX / 64]; // one bit an online CPU
	char cpu_text[64]; // the same as the kernel writes it, "0-3,8"
	uint8_t node[FOG_CONFIG_CPUS_MAX]; // NUMA node of each CPU
	uint64_t memory_free; // bytes (MemAvailable), the tables in replay.dir included
	uint64_t hugepages_free; // bytes
	uint64_t replay_free; // bytes free where replay.dir is or will be, its tables included
	uint64_t hugepage; // bytes of a page of the default size
	uint64_t replay_page; // bytes of a page of replay.dir when it is on hugetlbfs
	int replay_huge; // 1: it is on hugetlbfs, whose pages are no part of memory_free
	struct fog_device_choice choice[FOG_PORTS_MAX]; // of ports with 'driver: auto'
	int replay_on_disk; // 1: replay.dir is or would be neither on tmpfs nor on hugetlbfs
};

// Read a file or a text ('name' stands for the file in findings). JSON is accepted too.
// Returns 0 and an object that the caller frees, -errno when the file can't be read, -E2BIG (over
// FOG_CONFIG_TEXT_MAX), -EINVAL (refused), -ENOMEM; always with the findings in 'report'.
int fog_config_load(const char *path, struct fog_config **out, struct fog_report *report);
int fog_config_load_text(
        const char *name, const char *text, size_t len, struct fog_config **out,
        struct fog_report *report
);
void fog_config_free(struct fog_config *); // accepts NULL

// Describe this machine as seen by 'config'. Never fails: what can't be read stays 0 = unknown.
void fog_config_host_read(const struct fog_config *, struct fog_config_host *);

// Check the file against topology and host; NULL leaves out what needs them.
// Returns 0 (warnings possible) or -EINVAL with the findings.
int fog_config_check(
        const struct fog_config *, const struct fog_topology *, const struct fog_config_host *,
        struct fog_report *report
);

// Whether the TCP listener of the REST API speaks TLS. False without a listener.
bool fog_config_rest_tls(const struct fog_config_rest *);

// The memory arithmetic, in numbers (dataplane/api/plan.h) and as lines for people. Without a
// topology (NULL) its defaults stand in, without a host (NULL) it is one NUMA node. Print returns
// the length that a large enough buffer would have taken.
void fog_config_plan(const struct fog_config *, const struct fog_topology *, const struct fog_config_host *, struct fog_plan *);
size_t fog_config_plan_print(
        const struct fog_config *, const struct fog_topology *, const struct fog_config_host *,
        const struct fog_plan *, char *text, size_t len
);

// Tags of a replay table: replay.capacity, or what follows from workers.max_rate.
uint64_t fog_config_tags(const struct fog_config *, const struct fog_topology *);
// Bytes that the host has for replay tables beside everything else of the plan; 0 = none, or unknown.
uint64_t
fog_config_replay_have(const struct fog_config *, const struct fog_config_host *, const struct fog_plan *);

// Compile what check has accepted. 'node_id' is our own (zero while there is no identity yet). All
// nodes of the topology, our own too, stand in the node table. Equal input gives equal bytes.
// Returns 0 and a block of '*len' bytes that the caller frees, -ENOMEM, -EINVAL with the finding.
int fog_config_compile(
        const struct fog_config *, const struct fog_topology *, const uint8_t node_id[FOG_ID_LEN],
        uint64_t generation, struct fog_blob **out, size_t *len, struct fog_report *report
);

// The greatest class among the keys that differ; FOG_RELOAD_RUN when none does.
enum fog_reload fog_config_reload_class(const struct fog_config *a, const struct fog_config *b);

// Whether 'fresh' may take the place of 'old' for somebody who came over REST and has no rights on
// this host otherwise. Refused are changes of what decides who runs what with which rights: keys of
// class control, devices and drivers of ports and the folder of the replay tables (root opens them at
// the next start), trace.allow, and the end of production. Returns 0 or -EPERM with the findings.
int fog_config_remote_check(
        const struct fog_config *old, const struct fog_config *fresh, struct fog_report *report
);

// Names of the keys that differ, with blanks in between, as many as fit into 'text'. No values: some of
// them are nobody's business.
void fog_config_changes(
        const struct fog_config *old, const struct fog_config *fresh, char *text, size_t len
);

// All keys of both files with default, range, reload class and text, one line each with tabs in
// between, for `fogctl config keys` and the documentation. Returns the length that a large enough
// buffer would have taken.
size_t fog_config_describe(char *text, size_t len);
