// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Appliances that this platform manages: what operators call them, how they come into the network, what state they are in.
// Rows lie in the platform's store, so that all its control planes have the same; README.md says what a state means.
//
// Times are microseconds since 1970. Any thread. Errors besides those that are said: as of store/db.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/abi.h"
#include "../config/report.h"
#include "../store/db.h"

struct fog_topology;

enum {
	FOG_BETANET_NAME_LEN = 32,
	FOG_BETANET_REGION_LEN = 32,
	FOG_BETANET_DEVICE_LEN = 64,
	FOG_BETANET_CPUS_MAX = 64,
	FOG_BETANET_TOKEN_LEN = 44, // 32 bytes in base64url, and a NUL
	FOG_BETANET_CONFIGURATION_LEN = 4096,
	FOG_BETANET_LIST_MAX = 200,
	FOG_BETANET_STATES_KEPT = 1000, // of a node's history, the newest
	FOG_BETANET_ENROLMENT_S = 24 * 60 * 60,
	FOG_BETANET_SEEN_S = 60, // a sight is written once in so long
	FOG_BETANET_ALIVE_S = 180, // who was not seen for so long is stopped
};

// Words of types and states: X(SYMBOL, "word", "sentence").
#define FOG_BETANET_TYPES(X) \
	X(MIXNODE, "mixnode", "a mix") \
	X(GATEWAY, "gateway", "where clients come in") \
	X(SERVICE, "service", "where paths end") \
	X(CLIENT, "client", "a host without an appliance")
#define FOG_BETANET_STATES(X) \
	X(REGISTERED, "registered", "nobody has seen or deployed it yet") \
	X(DEPLOYING, "deploying", "its enrolment is open, or it has enrolled; nobody has seen it") \
	X(ACTIVE, "active", "it is in the consensus, or a link with it is up") \
	X(STOPPED, "stopped", "it was seen once, and isn't any more") \
	X(FAILED, "failed", "the time of its enrolment is over, and nobody has seen it") \
	X(MAINTENANCE, "maintenance", "an operator works on it")

enum fog_betanet_type {

#define X(symbol, word, text) FOG_BETANET_##symbol,
	FOG_BETANET_TYPES(X)
#undef X
	        FOG_BETANET_TYPE_COUNT
};

enum fog_betanet_state {

#define X(symbol, word, text) FOG_BETANET_##symbol,
	FOG_BETANET_STATES(X)
#undef X
	        FOG_BETANET_STATE_COUNT
};

const char *fog_betanet_type_name(enum fog_betanet_type);
const char *fog_betanet_state_name(enum fog_betanet_state);
// Return the count when there is no such word.
enum fog_betanet_type fog_betanet_type_of(const char *word);
enum fog_betanet_state fog_betanet_state_of(const char *word);

struct fog_betanet_node {
	int64_t id;
	int64_t version; // another one after each change but a sight
	char name[FOG_BETANET_NAME_LEN];
	enum fog_betanet_type type;
	char region[FOG_BETANET_REGION_LEN]; // empty: not said
	enum fog_betanet_state state; // at the time of the call
	bool maintenance;
	bool has_node_id;
	uint8_t node_id[FOG_ID_LEN]; // of a client: static key of its links
	int64_t created_us, changed_us;
	int64_t seen_us; // 0: never, as below
	int64_t deployed_us; // last time
	int64_t enrolment_until_us;
	int64_t enrolled_us;
};

// What an operator says of a node. Names and regions are letters, digits, '.', '_' and '-' (fog_betanet_word).
struct fog_betanet_said {
	const char *name;
	enum fog_betanet_type type; // never changes
	const char *region; // "" = not said
	const uint8_t *node_id; // NULL: not known
	bool maintenance;
};

bool fog_betanet_word(
        const char *text, size_t len
); // 1 to len - 1 such characters, the first one a letter or digit

// Returns 0, -EEXIST (another node has this name or node ID), -EINVAL (no word).
int fog_betanet_add(
        struct fog_db *, const struct fog_betanet_said *, int64_t now_us,
        struct fog_betanet_node *out
);
// All that is said is replaced. 'version': the one that the caller has seen, 0: any. Returns 0, -ENOENT, -ESTALE (it has another
// version), and as add.
int fog_betanet_change(
        struct fog_db *, int64_t id, int64_t version, const struct fog_betanet_said *,
        int64_t now_us, struct fog_betanet_node *out
);
// Forget it; what runs, runs on. Returns 0 or -ENOENT.
int fog_betanet_remove(struct fog_db *, int64_t id);
int fog_betanet_get(
        struct fog_db *, int64_t id, int64_t now_us, struct fog_betanet_node *out
); // 0 or -ENOENT

struct fog_betanet_filter {
	enum fog_betanet_type type; // FOG_BETANET_TYPE_COUNT: all
	enum fog_betanet_state state; // FOG_BETANET_STATE_COUNT: all
	const char *region; // "" = all
	int64_t after; // IDs above this one
};

// In the order of their IDs, at most 'max'. Returns how many, or -errno.
int fog_betanet_list(
        struct fog_db *, const struct fog_betanet_filter *, int64_t now_us,
        struct fog_betanet_node *out, unsigned max
);
int fog_betanet_counts(struct fog_db *, int64_t now_us, int64_t count[FOG_BETANET_STATE_COUNT]);

// These node IDs are in the consensus or have a link that is up. Writes only what is new or older than
// FOG_BETANET_SEEN_S. Returns 0 or -errno.
int fog_betanet_see(
        struct fog_db *, const uint8_t (*node_id)[FOG_ID_LEN], unsigned count, int64_t now_us
);

// A state that a node was found in, when that was another one than before.
struct fog_betanet_change {
	int64_t id; // grows
	int64_t node;
	char name[FOG_BETANET_NAME_LEN]; // of the node, now
	enum fog_betanet_state state;
	enum fog_betanet_state before; // FOG_BETANET_STATE_COUNT: it is the first that was found
	int64_t found_us;
};

// Write down each state that is another one than was written down last. Of several control planes on a store one writes it.
// Returns how many were written, at most 'max' (then there may be more), or -errno: none was.
int fog_betanet_note(struct fog_db *, int64_t now_us, struct fog_betanet_change *out, unsigned max);
// What was written down of a node, newest first, with IDs below 'before' (0: all). Returns how many, at most 'max', -ENOENT (no such node).
int fog_betanet_history(
        struct fog_db *, int64_t node, int64_t before, struct fog_betanet_change *out, unsigned max
);

// Where a new appliance is put.
struct fog_betanet_place {
	const char *address; // of its mix port as others reach it; "" = not said
	uint16_t port; // UDP, likewise; 0: the network's
	uint8_t layer; // that a mix would like to be in; 0: any
	const char *device; // its network interface
	const uint32_t *cpu; // of its workers
	unsigned cpus;
};

// The configuration of a node there, as fog_config_load takes it, checked against the network. Returns 0, or -EINVAL with the
// findings in 'report', -ENOTSUP (a client has no appliance), -ENOMEM.
int fog_betanet_configuration(
        const struct fog_betanet_node *, const struct fog_betanet_place *,
        const struct fog_topology *network, char out[FOG_BETANET_CONFIGURATION_LEN],
        struct fog_report *report
);

// Open an enrolment for FOG_BETANET_ENROLMENT_S; one that was open is over. 'token' is all that is ever known of it: the store
// has its hash. Returns 0, -ENOENT, -EALREADY (the node is active).
int fog_betanet_deploy(
        struct fog_db *, int64_t id, const char *configuration, int64_t now_us,
        char token[FOG_BETANET_TOKEN_LEN], struct fog_betanet_node *out
);

// The new appliance says who it is: 'signature' is its identity key's over "fogline enrolment v1", a NUL, and the BLAKE2b-256 of
// the token's bytes (RFC 8032). The same identity may say it again until the enrolment is over. 'configuration' is its own, to
// be freed. Returns 0, -EACCES (no such enrolment, its time is over, or another has used it), -EKEYREJECTED (the signature is
// none), -EEXIST (another node is that identity already), -ENOMEM.
int fog_betanet_enrol(
        struct fog_db *, const char *token, const uint8_t identity[32], const uint8_t signature[64],
        int64_t now_us, struct fog_betanet_node *out, char **configuration
);
// Whether this is the token of an enrolment that is open: 0, -EACCES, or an error of the store.
int fog_betanet_enrolment(struct fog_db *, const char *token, int64_t now_us);
// The new appliance's side. 'secret_key' has 64 bytes as libsodium has them. Returns 0 or -EINVAL: the token is none.
int fog_betanet_sign(const char *token, const uint8_t *secret_key, uint8_t signature[64]);
