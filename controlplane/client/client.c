// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The client's folder, and what needs no network.
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../log/log.h"
#include "../mixnet/recipient.h"
#include "../now.h"
#include "client_private.h"

#define CLIENT_NETWORK_FILE "network.yaml"

int client_fail(struct fog_client *c, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error, sizeof(c->error), format, args);
	va_end(args);
	return error;
}

int client_fail_store(struct fog_client *c, int error)
{
	return client_fail(c, error, "%s", client_store_error(c->store));
}

int client_fail_file(struct fog_client *c, int error, const char *format, ...)
{
	bool full = error == -ENOSPC || error == -EDQUOT;
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return client_fail(
	        c, full ? -ENOSPC : -EIO, "%s: %s%s", what, strerror(-error),
	        full ? ": free some space" : ""
	);
}

static int client_open_dir(struct fog_client *c, const char *dir)
{
	struct stat st;

	if (dir == NULL || (size_t)snprintf(c->dir, sizeof(c->dir), "%s", dir) >= sizeof(c->dir))
		return client_fail(c, -EINVAL, "the client needs a folder of its own");
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return client_fail_file(c, -errno, "%s can't be made", dir);
	c->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0 || fstat(c->dir_fd, &st) < 0)
		return client_fail_file(c, -errno, "%s can't be opened", dir);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return client_fail(
		        c, -EPERM, "%s is open to others: chown %u and chmod 700 it", dir, geteuid()
		);
	return 0;
}

static int client_load_network(struct fog_client *c, const char *path, struct fog_topology **out)
{
	struct fog_report report = {0};

	if (fog_topology_load(path, out, &report) == 0)
		return 0;
	return client_fail(c, -EINVAL, "%s", report.len > 0 ? report.text : path);
}

// Copy it under a name of our own first: there is never half a network file, whoever does so, too.
static int client_keep_network(struct fog_client *c, const char *path)
{
	char text[8192], temporary[40];
	int from = open(path, O_RDONLY | O_CLOEXEC), to, r = 0;
	ssize_t n;

	if (from < 0)
		return client_fail(c, -EINVAL, "%s can't be read: %s", path, strerror(errno));
	snprintf(temporary, sizeof(temporary), "." CLIENT_NETWORK_FILE ".%u", (unsigned)getpid());
	unlinkat(c->dir_fd, temporary, 0); // of one that was killed
	to = openat(c->dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		r = -errno;
	while (r == 0 && (n = read(from, text, sizeof(text))) != 0) {
		ssize_t written = n < 0 ? -1 : write(to, text, (size_t)n);
		if (written < 0)
			r = -errno;
		else if (written < n)
			r = -ENOSPC;
	}
	if (r == 0 &&
	    (fsync(to) < 0 || renameat(c->dir_fd, temporary, c->dir_fd, CLIENT_NETWORK_FILE) < 0 ||
	     fsync(c->dir_fd) < 0))
		r = -errno;
	close(from);
	if (to >= 0)
		close(to);
	if (r == 0)
		return 0;
	unlinkat(c->dir_fd, temporary, 0);
	return client_fail_file(c, r, "%s can't be kept in %s", path, c->dir);
}

static int client_network(struct fog_client *c, const char *given)
{
	struct fog_topology *kept = NULL;
	uint8_t hash[2][32];
	char path[4096];
	int r;

	snprintf(path, sizeof(path), "%s/" CLIENT_NETWORK_FILE, c->dir);
	bool has = access(path, F_OK) == 0;
	if (given == NULL && !has)
		return client_fail(
		        c, -EINVAL, "%s is new: give the network file of the network", c->dir
		);
	r = client_load_network(c, given != NULL ? given : path, &c->network);
	if (r == 0 && given != NULL && has) {
		r = client_load_network(c, path, &kept);
		if (r == 0) {
			fog_network_hash(c->network, hash[0]);
			fog_network_hash(kept, hash[1]);
			if (memcmp(hash[0], hash[1], 32) != 0)
				r = client_fail(
				        c, -EINVAL,
				        "%s belongs to another network than %s: give each its folder",
				        c->dir, given
				);
		}
		fog_topology_free(kept);
	}
	if (r == 0 && (c->network->authority_count == 0 || c->network->links != FOG_LINKS_NOISE))
		r = client_fail(
		        c, -EINVAL,
		        "the network file names no directory: clients learn keys from one only"
		);
	if (r == 0 && client_fragment_room(&c->network->geometry) == 0)
		r = client_fail(
		        c, -EINVAL, "packets of this network are too small for messages of clients"
		);
	return r == 0 && given != NULL ? client_keep_network(c, given) : r;
}

int client_keep_gateway(struct fog_client *c, const uint8_t id[FOG_ID_LEN])
{
	int r = client_store_put(c->store, "gateway", id, FOG_ID_LEN);

	if (r < 0)
		return client_fail_store(c, r);
	memcpy(c->gateway, id, FOG_ID_LEN);
	c->has_gateway = true;
	return 0;
}

// Mail waits at one gateway and addresses name it, so a folder keeps the one that it has begun with.
static int client_gateway(struct fog_client *c, const char *wish)
{
	char hex[2 * FOG_ID_LEN + 1];
	uint8_t id[FOG_ID_LEN];
	size_t len = 0;

	c->has_gateway = client_store_get(c->store, "gateway", c->gateway, FOG_ID_LEN) == 0;
	if (wish == NULL)
		return 0;
	if ((size_t)snprintf(c->wish, sizeof(c->wish), "%s", wish) >= sizeof(c->wish))
		return client_fail(c, -EINVAL, "a gateway is a name or 64 hexadecimal digits");
	if (strlen(wish) != 2 * FOG_ID_LEN ||
	    sodium_hex2bin(id, sizeof(id), wish, strlen(wish), NULL, &len, NULL) != 0)
		return 0; // a name: the consensus knows it
	if (!c->has_gateway)
		return client_keep_gateway(c, id);
	if (memcmp(c->gateway, id, sizeof(id)) != 0)
		return client_fail(
		        c, -EINVAL, "%s has its mail at gateway %s: begin with a new folder",
		        c->dir, sodium_bin2hex(hex, sizeof(hex), c->gateway, sizeof(c->gateway))
		);
	return 0;
}

int fog_client_open(const struct fog_client_options *o, struct fog_client **out)
{
	struct fog_client *c = calloc(1, sizeof(*c));
	int r;

	*out = c;
	if (c == NULL || sodium_init() < 0 || fog_crypto_init() < 0)
		return -ENOMEM;
	fog_log_level_set(FOG_LOG_ERROR); // a library says what it has to say in fog_client_error
	c->dir_fd = -1;
	c->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->stop_fd < 0)
		return client_fail(c, -EIO, "%s", strerror(errno));
	r = client_open_dir(c, o->dir);
	if (r == 0)
		r = client_network(c, o->network);
	if (r == 0) {
		r = client_keys_open(c->dir_fd, &c->keys, c->error, sizeof(c->error));
		if (r == -EDQUOT)
			r = -ENOSPC;
		r = r == 0 || r == -EPERM || r == -ENOMEM || r == -ENOSPC ? r : -EIO;
	}
	if (r < 0)
		return r;
	r = client_store_open(c->dir, c->keys->secret->store_key, &c->store);
	if (r < 0)
		return c->store == NULL ? -ENOMEM : client_fail_store(c, r == -ENOSPC ? r : -EIO);
	return client_gateway(c, o->gateway);
}

void fog_client_close(struct fog_client *c)
{
	if (c == NULL)
		return;
	client_store_close(c->store);
	client_keys_close(c->keys);
	fog_topology_free(c->network);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	if (c->stop_fd >= 0)
		close(c->stop_fd);
	sodium_memzero(c, sizeof(*c));
	free(c);
}

const char *fog_client_error(const struct fog_client *c)
{
	return c->error;
}

const char *fog_client_waiting(const struct fog_client *c, uint64_t *ms)
{
	if (ms != NULL)
		*ms = c->waiting_ms;
	return c->waiting;
}

int fog_client_address(struct fog_client *c, char out[FOG_CLIENT_ADDRESS_LEN])
{
	struct client_address a;

	out[0] = '\0';
	// Another process may have chosen one since.
	if (!c->has_gateway)
		c->has_gateway = client_store_get(c->store, "gateway", c->gateway, FOG_ID_LEN) == 0;
	if (!c->has_gateway)
		return client_fail(
		        c, -EAGAIN, "no gateway was chosen yet: run the client's network once"
		);
	if (!courier_has_mailbox(c->store))
		return client_fail(
		        c, -EAGAIN,
		        "our gateway has not answered yet, so there is no mailbox: run the client's network"
		);
	fog_recipient_mailbox(c->keys->link_public, a.mailbox);
	memcpy(a.key, c->keys->mail_public, sizeof(a.key));
	memcpy(a.gateway, c->gateway, sizeof(a.gateway));
	client_address_put(&a, out);
	return 0;
}

int fog_client_send(struct fog_client *c, const char *to, const void *data, size_t len, int64_t *id)
{
	struct client_address address;
	int r = client_address_parse(to, &address);

	if (r < 0)
		return client_fail(
		        c, r, "this is no address of a client: it looks like MAILBOX.KEY@GATEWAY"
		);
	r = courier_accept(
	        c->store, &c->network->geometry, &address, data, len, fog_now_unix_us(), id
	);
	if (r == -EMSGSIZE)
		return client_fail(
		        c, r, "a message has 1 to %d bytes: cut it", FOG_CLIENT_MESSAGE_MAX
		);
	if (r == -EINVAL)
		return client_fail(c, r, "the key in this address is none");
	return r < 0 && r != -ENOMEM ? client_fail_store(c, r) : r;
}

int fog_client_status(struct fog_client *c, int64_t id, struct fog_client_status *out)
{
	int r = client_store_status(c->store, id, out);

	if (r == -ENOENT)
		return client_fail(c, r, "there is no message %lld", (long long)id);
	return r < 0 ? client_fail_store(c, r) : r;
}

int fog_client_receive(struct fog_client *c, int64_t after, struct fog_client_message *out)
{
	int r = client_store_receive(c->store, after, out);

	return r < 0 ? client_fail_store(c, -EIO) : r;
}

int fog_client_forget(struct fog_client *c, int64_t id)
{
	int r = client_store_forget(c->store, id);

	if (r == -ENOENT)
		return client_fail(c, r, "there is no received message %lld", (long long)id);
	return r < 0 ? client_fail_store(c, r) : r;
}

void fog_client_stop(struct fog_client *c)
{
	const uint64_t one = 1;

	// Full is as good as written.
	if (write(c->stop_fd, &one, sizeof(one)) < 0)
		return;
}
