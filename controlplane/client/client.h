// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// libfogclient: messages over a Fogline network from a host without an appliance. No DPDK, no root: UDP
// sockets, one folder.
//
// A client learns the network from the authorities of its network file, has a link with one gateway, and
// sends by a Poisson clock of the network's rate: fragments of its messages when there are any, else cover.
// Messages of up to FOG_CLIENT_MESSAGE_MAX bytes for other clients are sealed end to end, cut into
// fragments, each acknowledged through a single-use reply block by the receiver's gateway once it is stored
// there, and sent again until it is. What was accepted outlives a kill of the process.
//
// One object = one identity = one folder. Several processes may open the same folder: one of them runs
// the network (fog_client_run), the others put messages into it and look at them.
// Functions of one object belong to one thread, but for fog_client_stop. Strings are UTF-8. Errors are
// negative errno, with a sentence that names the mend in fog_client_error.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FOG_CLIENT_API __attribute__((visibility("default")))

struct fog_client;

enum { FOG_CLIENT_MESSAGE_MAX = 64 << 10, FOG_CLIENT_ADDRESS_LEN = 256 };

struct fog_client_options {
	const char *dir; // folder of the client: keys, messages, consensus; made with mode 0700
	const char *network; // network file; needed the first time, kept in the folder
	const char *gateway; // name or ID (64 hexadecimal digits); NULL: drawn once and kept
};

// Returns 0, -EINVAL (the network file), -EPERM (folder or file is open to others), -ENOSPC, -EIO, -ENOMEM.
// *out is also set on failure, for fog_client_error only (but on -ENOMEM).
FOG_CLIENT_API int fog_client_open(const struct fog_client_options *, struct fog_client **out);
FOG_CLIENT_API void fog_client_close(struct fog_client *); // wipes; accepts NULL
FOG_CLIENT_API const char *fog_client_error(const struct fog_client *);

// What others send to: "MAILBOX.KEY@GATEWAY" (base64url, base64url, 64 hexadecimal digits). Empty until a gateway
// was chosen and has answered once, which makes our mailbox there: -EAGAIN, run the network.
FOG_CLIENT_API int fog_client_address(struct fog_client *, char out[FOG_CLIENT_ADDRESS_LEN]);

enum fog_client_state {
	FOG_CLIENT_QUEUED = 1, // accepted: on disk
	FOG_CLIENT_SENT = 2, // every fragment has left at least once
	FOG_CLIENT_ACKNOWLEDGED = 3, // the receiver's gateway has stored every fragment
	FOG_CLIENT_FAILED = 4, // given up; 'why' says for what
};

struct fog_client_status {
	int64_t id;
	enum fog_client_state state;
	uint32_t fragments, sent, acknowledged; // of the message; 'sent': at least once
	uint32_t retransmissions;
	int64_t accepted_us, changed_us; // since 1970; 'changed': into its present state
	char why[120];
};

// Accept a message: when it returns 0, it is on disk and has an ID. Returns -EINVAL (address), -EMSGSIZE,
// -ENOSPC, -EIO.
FOG_CLIENT_API int fog_client_send(
        struct fog_client *, const char *to, const void *data, size_t len, int64_t *id
);
// What became of it; what is over is forgotten after eight days. Returns 0, -ENOENT, -EIO.
FOG_CLIENT_API int fog_client_status(struct fog_client *, int64_t id, struct fog_client_status *);

struct fog_client_message {
	int64_t id;
	int64_t received_us;
	size_t len;
	const uint8_t *data; // the object's, until the next call of fog_client_receive
};

// The oldest message after 'after' (0: the first) that has come whole; each is there once, until it is
// forgotten. Returns 1, 0 (none), -EIO.
FOG_CLIENT_API int fog_client_receive(
        struct fog_client *, int64_t after, struct fog_client_message *out
);
FOG_CLIENT_API int fog_client_forget(struct fog_client *, int64_t id); // 0, -ENOENT, -ENOSPC, -EIO

// Run the network: until 'timeout_ms' has passed (-1: for good), fog_client_stop was called, or 'until' (may be
// NULL; asked after each thing that happened) returns true. Returns 0, -EBUSY (another process runs this
// folder's network), -ENETUNREACH (no consensus can be had and none is cached), -ENOSPC, -EIO. After -ENOSPC
// nothing is lost: what could not be kept stays with the gateway or is sent again, once there is room and the
// network is run again.
typedef bool fog_client_until(void *ctx, struct fog_client *);
FOG_CLIENT_API int fog_client_run(
        struct fog_client *, int timeout_ms, fog_client_until *until, void *ctx
);
FOG_CLIENT_API void fog_client_stop(struct fog_client *); // any thread, signal handlers included

// What the network that this object runs can't go on without, with the mend: no consensus, no answer from
// the gateway. 'ms' (may be NULL): for how long already. "" and 0: all is well. For 'until', and after the run:
// then as it was at its end. Valid until the next run.
FOG_CLIENT_API const char *fog_client_waiting(const struct fog_client *, uint64_t *ms);

// Send 'count' echo packets to a gateway or service of the network (name or ID), one a second on average,
// and run the network until all are back or lost, fog_client_stop was called, or 'until' says so, as with
// fog_client_run; 'out' is kept up to date meanwhile. Returns as fog_client_run, and -ENOENT: there is no such node.
struct fog_client_ping {
	unsigned sent, returned,
	        lost; // lost: not back within twice the longest delay of the way and the slack
	double min_ms, mean_ms, max_ms; // of those that came back
};

FOG_CLIENT_API int fog_client_ping(
        struct fog_client *, const char *node, unsigned count, fog_client_until *until, void *ctx,
        struct fog_client_ping *out
);

#ifdef __cplusplus
}
#endif
