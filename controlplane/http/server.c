// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Connections are accepted here and handed to libmicrohttpd, each with a place in a table that says who is at its other end
// and until when it has to get on.
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "../../log/log.h"
#include "../accounts/wiped.h"
#include "../auth/peer.h"
#include "../node.h"
#include "../now.h"
#include "dispatch.h"
#include "places.h"
#include "tls.h"

enum {
	CONNECTIONS_MAX = 64,
	CONNECTIONS_TCP_MAX = 48, // the rest is for operators on this host, whoever floods TCP
	HEAD_S = 10,
	BODY_S = 30,
	ANSWER_S = 60,
	IDLE_S = HTTP_WAIT_MAX_S + 15,
	HEAD_MAX = 16 << 10,
	MEMORY = 40 << 10, // of a connection: a head that is too large is to be answered, too
	BODY_STEP = 16 << 10,
	STREAM_BLOCK = 32 << 10, // of a body that is made while it is sent
};

struct fog_server {
	struct MHD_Daemon *plain,
	        *tls; // what comes by TCP goes to the second one, if the node has a certificate
	struct http_dispatcher *dispatcher;
	struct http_places places;
};

// A request between its first line and its end.
struct server_request {
	char *target;
	bool begun;
	struct http_head head;
	size_t head_len;
	bool chunked;
	struct http_exchange *exchange;
	char *body;
	size_t len, room;
	bool too_large;
};

static struct http_place *server_place(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static uint64_t server_until(unsigned seconds)
{
	return seconds > 0 ? fog_now_ms() + seconds * 1000ull : 0;
}

// 0: as long as it takes.
static void server_deadline(struct fog_server *s, struct MHD_Connection *c, unsigned seconds)
{
	http_place_deadline(&s->places, server_place(c), server_until(seconds));
}

// The first line is there.
static void *server_target(void *user, const char *target, struct MHD_Connection *c)
{
	struct server_request *q = calloc(1, sizeof(*q));

	server_deadline(user, c, HEAD_S);
	if (q != NULL)
		q->target = strdup(target);
	return q;
}

// What a header's name is made of (RFC 9110, 5.6.2).
static const char name_characters[] =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// One length in digits, or chunks: whatever else is sent, some proxy takes the body's end for another one (RFC 9112, 6.3).
static void server_framing(struct server_request *q, const char *name, const char *value)
{
	static const char *const framing[] = {
	        MHD_HTTP_HEADER_CONTENT_LENGTH, MHD_HTTP_HEADER_TRANSFER_ENCODING};

	// Of a line that is folded behind its colon libmicrohttpd makes one word: Transfer-Encodingchunked.
	for (unsigned i = 0; i < 2; i++) {
		size_t len = strlen(framing[i]);
		q->head.framing |= strncasecmp(name, framing[i], len) == 0 && name[len] != '\0';
	}
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		char *end = NULL;

		errno = 0;
		q->head.framing |= q->head.has_length || q->chunked;
		q->head.has_length = true;
		q->head.length = strtoull(value, &end, 10);
		q->head.framing |= value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		q->head.framing |= q->head.has_length || q->chunked ||
		        strcasecmp(value, "chunked") != 0;
		q->chunked = true;
	}
}

static enum MHD_Result server_header(
        void *user, enum MHD_ValueKind kind, const char *name, const char *value
)
{
	struct server_request *q = user;

	(void)kind;
	if (value == NULL)
		value = "";
	q->head_len += strlen(name) + strlen(value) + 4; // with ": " and the line's end
	for (unsigned i = 0; i < HTTP_HEADERS; i++) {
		if (strcasecmp(name, http_header_names[i]) != 0)
			continue;
		q->head.twice |= q->head.header[i] != NULL;
		q->head.header[i] = value;
	}
	q->head.framing |= name[strspn(name, name_characters)] != '\0';
	server_framing(q, name, value);
	return MHD_YES;
}

static void server_put(void *user, const char *name, const char *value)
{
	MHD_add_response_header(user, name, value);
}

// What a stream needs of its connection.
struct server_stream {
	struct fog_server *server;
	struct MHD_Connection *connection;
	struct http_stream *stream;
};

// A client who reads may go on for as long as it takes.
static ssize_t server_stream_read(void *ctx, uint64_t at, char *out, size_t max)
{
	struct server_stream *x = ctx;

	(void)at;
	server_deadline(x->server, x->connection, ANSWER_S);
	ssize_t n = x->stream->read(x->stream, out, max);
	return n > 0     ? n
	        : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM
	                 : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void server_stream_end(void *ctx)
{
	struct server_stream *x = ctx;

	x->stream->end(x->stream);
	free(x);
}

static struct MHD_Response *server_stream(
        struct fog_server *s, struct MHD_Connection *c, struct http_response *res
)
{
	struct server_stream *x = calloc(1, sizeof(*x));
	struct MHD_Response *r;

	if (x == NULL)
		return NULL;
	*x = (struct server_stream){s, c, res->stream};
	r = MHD_create_response_from_callback(
	        MHD_SIZE_UNKNOWN, STREAM_BLOCK, server_stream_read, x, server_stream_end
	);
	if (r == NULL)
		free(x);
	return r;
}

static enum MHD_Result server_answer(
        struct fog_server *s, struct MHD_Connection *c, struct server_request *q
)
{
	struct http_response *res = http_exchange_response(q->exchange);
	struct MHD_Response *r = res->stream != NULL ? server_stream(s, c, res)
	        : res->body != NULL
	        ? MHD_create_response_from_buffer_with_free_callback(
	                  res->body_len, res->body, fog_wiped_free
	          )
	        : MHD_create_response_from_buffer(0, (char *)"", MHD_RESPMEM_PERSISTENT);

	if (r == NULL)
		return MHD_NO;
	res->body = NULL;
	http_exchange_headers(q->exchange, server_put, r);
	res->stream = NULL; // the answer's, as the body
	server_deadline(s, c, ANSWER_S);
	enum MHD_Result queued = MHD_queue_response(c, (unsigned)res->status, r);
	MHD_destroy_response(r);
	return queued;
}

// The head is there.
static enum MHD_Result server_begin(
        struct fog_server *s, struct MHD_Connection *c, struct server_request *q, const char *method
)
{
	const struct http_place *at = server_place(c);

	if (at == NULL || q->target == NULL)
		return MHD_NO;
	q->begun = true;
	q->head.method = method;
	q->head.target = q->target;
	q->head.peer = &at->peer;
	q->head_len = strlen(q->target);
	MHD_get_connection_values(c, MHD_HEADER_KIND, server_header, q);
	q->head.too_large = q->head_len > HEAD_MAX;
	server_deadline(s, c, BODY_S);
	q->exchange = http_exchange_begin(s->dispatcher, &q->head);
	if (q->exchange == NULL || !q->head.framing)
		return q->exchange != NULL ? MHD_YES : MHD_NO;
	// How much there is to read on is just what nobody knows.
	http_exchange_finish(q->exchange, "", 0, false);
	return server_answer(s, c, q);
}

// A body that is refused is read on all the same, so that the answer isn't lost in a reset. Returns whether there is memory.
static bool server_keep(struct server_request *q, const char *data, size_t len)
{
	if (http_exchange_answered(q->exchange))
		return true;
	if (len > HTTP_BODY_MAX - q->len) {
		q->too_large = true;
		return true;
	}
	if (q->len + len > q->room) {
		size_t room = q->room > 0 ? q->room : BODY_STEP;
		while (room < q->len + len)
			room *= 2;
		char *body = realloc(q->body, room);
		if (body == NULL)
			return false;
		q->body = body;
		q->room = room;
	}
	memcpy(q->body + q->len, data, len);
	q->len += len;
	return true;
}

static enum MHD_Result server_request(
        void *user, struct MHD_Connection *c, const char *path, const char *method,
        const char *version, const char *data, size_t *len, void **state
)
{
	struct fog_server *s = user;
	struct server_request *q = *state;

	(void)path;
	(void)version;
	if (q == NULL)
		return MHD_NO;
	if (!q->begun)
		return server_begin(s, c, q, method);
	if (*len > 0) {
		bool good = server_keep(q, data, *len);
		*len = 0;
		return good ? MHD_YES : MHD_NO;
	}
	server_deadline(s, c, 0); // it is our turn
	http_exchange_finish(q->exchange, q->body != NULL ? q->body : "", q->len, q->too_large);
	return server_answer(s, c, q);
}

static void server_completed(
        void *user, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why
)
{
	struct server_request *q = *state;

	(void)why;
	server_deadline(user, c, IDLE_S);
	if (q == NULL)
		return;
	http_exchange_end(q->exchange);
	if (q->body != NULL)
		sodium_memzero(q->body, q->room); // it may have been a password
	free(q->body);
	free(q->target);
	free(q);
	*state = NULL;
}

static void server_peer(struct http_peer *peer, int fd, const struct sockaddr *from)
{
	uid_t uid = (uid_t)-1;

	memset(peer, 0, sizeof(*peer));
	fog_rates_address(from, peer->network);
	if (from->sa_family == AF_UNIX) {
		peer->local = true;
		peer->member = fog_peer_check(fd, &uid) == 0;
		peer->chief = peer->member && (uid == 0 || uid == geteuid());
		peer->uid = uid;
	} else if (from->sa_family == AF_INET) {
		inet_ntop(
		        AF_INET, &((const struct sockaddr_in *)(const void *)from)->sin_addr,
		        peer->address, sizeof(peer->address)
		);
	} else if (from->sa_family == AF_INET6) {
		inet_ntop(
		        AF_INET6, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
		        peer->address, sizeof(peer->address)
		);
	}
}

static void server_enter(struct fog_server *s, struct MHD_Connection *c, void **context)
{
	const union MHD_ConnectionInfo *from, *fd;

	from = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (from == NULL || fd == NULL)
		return;
	struct http_place *at = http_place_enter(&s->places, fd->connect_fd, server_until(HEAD_S));
	if (at != NULL)
		server_peer(&at->peer, at->fd, from->client_addr);
	*context = at;
}

static void server_notified(
        void *user, struct MHD_Connection *c, void **context,
        enum MHD_ConnectionNotificationCode what
)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		server_enter(user, c, context);
	else
		http_place_leave(&((struct fog_server *)user)->places, *context);
}

void fog_server_tick(struct fog_server *s)
{
	http_places_tick(&s->places, fog_now_ms());
}

// Whoever comes by TCP has shown no token yet.
static bool server_full_for_tcp(struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info =
	        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info != NULL && info->num_connections >= CONNECTIONS_TCP_MAX;
}

void fog_server_accept(struct fog_server *s, int listen_fd)
{
	struct sockaddr_storage from;
	void *generic = &from;
	int fd;

	for (;;) {
		struct MHD_Daemon *daemon = s->plain;
		socklen_t len = sizeof(from);
		memset(&from, 0, sizeof(from));
		fd = accept4(listen_fd, generic, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (from.ss_family != AF_UNIX && s->tls != NULL)
			daemon = s->tls;
		if ((from.ss_family != AF_UNIX && server_full_for_tcp(daemon)) ||
		    !http_place_take(&s->places, fd, generic, server_until(HEAD_S))) {
			close(fd);
			continue;
		}
		// Closes the descriptor by itself when a limit is reached.
		if (MHD_add_connection(daemon, fd, generic, len) != MHD_YES)
			http_place_drop(&s->places, fd);
	}
}

// With a certificate it speaks TLS.
static struct MHD_Daemon *server_daemon(struct fog_server *s, struct fog_certificate *certificate)
{
	struct MHD_OptionItem tls[HTTP_TLS_OPTIONS + 1] = {{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
	        MHD_USE_POLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;

	if (certificate != NULL) {
		flags |= MHD_USE_TLS;
		http_tls_options(certificate, tls);
		tls[HTTP_TLS_OPTIONS] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	}
	return MHD_start_daemon(
	        flags, 0, NULL, NULL, server_request, s, MHD_OPTION_URI_LOG_CALLBACK, server_target,
	        s, MHD_OPTION_NOTIFY_COMPLETED, server_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
	        server_notified, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_ARRAY, tls,
	        MHD_OPTION_END
	);
}

int fog_server_start(struct fog_node *node, const struct fog_token *token, struct fog_server **out)
{
	const struct http_dispatcher_params params = {
	        .node = node, .token = token, .tls = node->certificate != NULL};
	struct fog_server *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	http_places_init(&s->places);
	r = http_dispatcher_create(&params, &s->dispatcher);
	if (r < 0)
		goto err;
	s->plain = server_daemon(s, NULL);
	if (s->plain != NULL && node->certificate != NULL)
		s->tls = server_daemon(s, node->certificate);
	if (s->plain == NULL || (s->tls == NULL && node->certificate != NULL)) {
		LOG_ERR("the HTTP server does not start: too many threads or descriptors in use");
		r = -EIO;
		goto err;
	}
	*out = s;
	return 0;
err:
	fog_server_stop(s);
	return r;
}

void fog_server_stop(struct fog_server *s)
{
	if (s == NULL)
		return;
	if (s->tls != NULL)
		MHD_stop_daemon(s->tls);
	if (s->plain != NULL)
		MHD_stop_daemon(s->plain);
	http_dispatcher_destroy(s->dispatcher);
	http_places_destroy(&s->places);
	free(s);
}
