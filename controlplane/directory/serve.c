// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One thread of libmicrohttpd polls all connections, so a slow reader holds up nobody, and a crowd costs
// descriptors and buffers only, of which there is a fixed number. Who is let in and how often he may ask is
// crowd.c's affair; what all of them make the process hold at once is counted here.
#include "serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "../../log/log.h"
#include "../http/http.h"
#include "../now.h"
#include "crowd.h"
#include "tls.h"

enum {
	// Beyond it connections wait unseen, so it must not be reached before crowd.c's limits, with those that
	// have been put out and not gone yet.
	CONNECTIONS_MAX = 2 * (CROWD_STRANGERS + CROWD_OF_PEERS),
	IDLE_TIMEOUT_S = 10,
	HEAD_MAX = 16 << 10,
	// Bytes of all bodies that are coming in, and of all answers that are going out. Strangers have half.
	BODIES_MAX = 16 << 20,
	ANSWERS_MAX = 128 << 20,
	// As large as this one always goes, since who holds many large ones must not keep nodes from announcing
	// themselves, nor from hearing what they are answered. Connections are few enough.
	SMALL = 4 << 10,
	DISCARD_MAX = 64 << 10, // of a body that isn't wanted
	LARGE_MAX = CONNECTIONS_MAX, // answers that aren't small
};

#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3"

// An answer that isn't small, while somebody gets it. All ask for the same few, so each is there once, however
// many read it.
struct serve_large {
	unsigned readers; // 0: free
	struct MHD_Response *response;
	const char *type;
	const uint8_t *data; // the response's
	size_t len;
};

struct fog_serve {
	struct MHD_Daemon *daemon;
	const struct fog_serve_ops *ops;
	void *ctx;
	size_t body_max;
	struct crowd *crowd; // the daemon's thread, as what follows
	size_t bodies, answers; // bytes taken
	struct serve_large large[LARGE_MAX];
};

enum serve_state { BODY_FINE, BODY_TOO_LARGE, BODY_NO_ROOM, BODY_TOO_OFTEN };

// A request between its head and its end.
struct serve_request {
	struct crowd_guest *guest;
	uint8_t *body;
	size_t len, room;
	size_t discarded, small; // bytes; of its answer, if that is small
	struct serve_large *large; // its answer, if that isn't
	unsigned later_s; // of BODY_TOO_OFTEN
	enum serve_state state;
};

void fog_serve_refuse(
        struct fog_serve_answer *out, unsigned status, const char *code, const char *format, ...
)
{
	struct http_response res = {0};
	char sentence[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	http_reply_problem(&res, (int)status, code, NULL, "%s", sentence);
	*out = (struct fog_serve_answer){
	        .status = status,
	        .type = res.type,
	        .data = (uint8_t *)res.body,
	        .len = res.body_len,
	};
}

static size_t serve_share(const struct serve_request *q, size_t all)
{
	return crowd_peer(q->guest) ? all : all / 2;
}

static void serve_headers(
        struct MHD_Response *r, const struct fog_serve_answer *a, const struct serve_request *q,
        const char *allow
)
{
	char seconds[16];

	if (a->type != NULL)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	if (allow != NULL)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, allow);
	if (q->later_s > 0) {
		snprintf(seconds, sizeof(seconds), "%u", q->later_s);
		MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

// Takes its data over. NULL: there is no memory.
static struct MHD_Response *serve_response(
        const struct fog_serve_answer *a, const struct serve_request *q, const char *allow
)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
	        a->len, a->data != NULL ? (void *)a->data : (void *)"",
	        a->data != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT
	);

	if (r != NULL)
		serve_headers(r, a, q, allow);
	else
		free(a->data);
	return r;
}

// Who gets the same already. 'out' is a free place when nobody does; there is one for every connection.
static bool large_find(
        struct fog_serve *s, const struct fog_serve_answer *a, struct serve_large **out
)
{
	*out = NULL;
	for (unsigned i = 0; i < LARGE_MAX; i++) {
		struct serve_large *l = &s->large[i];
		if (l->readers == 0) {
			*out = l;
		} else if (l->response != NULL && l->len == a->len && l->type == a->type && memcmp(l->data, a->data, a->len) == 0) {
			*out = l;
			return true;
		}
	}
	return false;
}

// Returns whether there is room for it; then 'q' gets it, as soon as it has a response.
static bool large_take(
        struct fog_serve *s, struct serve_request *q, const struct fog_serve_answer *a
)
{
	struct serve_large *l;

	if (large_find(s, a, &l)) {
		free(a->data);
	} else {
		if (l == NULL || s->answers + a->len > serve_share(q, ANSWERS_MAX))
			return false;
		*l = (struct serve_large
		){.response = serve_response(a, q, NULL),
		  .type = a->type,
		  .data = a->data,
		  .len = a->len};
		s->answers += a->len;
	}
	l->readers++;
	q->large = l;
	return true;
}

static void large_leave(struct fog_serve *s, struct serve_large *l)
{
	if (l == NULL || --l->readers > 0)
		return;
	s->answers -= l->len;
	if (l->response != NULL)
		MHD_destroy_response(l->response);
}

static enum MHD_Result serve_answer(
        struct fog_serve *s, struct MHD_Connection *c, struct serve_request *q,
        struct fog_serve_answer *a, const char *allow
)
{
	struct MHD_Response *r;

	if (a->len > SMALL && !large_take(s, q, a)) {
		free(a->data);
		fog_serve_refuse(a, 503, "busy", "too many ask at once: come again later");
	}
	if (q->large == NULL) {
		q->small = a->len;
		s->answers += a->len;
	}
	r = q->large != NULL ? q->large->response : serve_response(a, q, allow);
	if (r == NULL)
		return MHD_NO;
	crowd_gets(q->guest, a->len, fog_now_ms());
	enum MHD_Result queued = MHD_queue_response(c, a->status, r);
	if (q->large == NULL)
		MHD_destroy_response(r);
	return queued;
}

static void serve_keep(struct fog_serve *s, struct serve_request *q, const char *data, size_t len)
{
	if (len > s->body_max - q->len) {
		q->state = BODY_TOO_LARGE;
		return;
	}
	if (q->len + len > q->room) {
		size_t room = q->room > 0 ? q->room : SMALL;
		while (room < q->len + len)
			room *= 2;
		bool fits = room <= SMALL ||
		        s->bodies + room - q->room <= serve_share(q, BODIES_MAX);
		uint8_t *body = fits ? realloc(q->body, room) : NULL;
		if (body == NULL) {
			q->state = BODY_NO_ROOM;
			return;
		}
		s->bodies += room - q->room;
		q->body = body;
		q->room = room;
	}
	memcpy(q->body + q->len, data, len);
	q->len += len;
}

// A body that is refused is read on all the same, so that the answer isn't lost in a reset; but not
// forever. Returns whether the connection goes on.
static bool serve_body(struct fog_serve *s, struct serve_request *q, const char *data, size_t len)
{
	if (q->state == BODY_FINE)
		serve_keep(s, q, data, len);
	else
		q->discarded += len;
	return q->discarded <= DISCARD_MAX;
}

// Returns whether the request is refused for what it is, before anybody looks at what it wants.
static bool serve_refused(
        const struct fog_serve *s, const char *method, const struct serve_request *q,
        struct fog_serve_answer *a, const char **allow
)
{
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (q->state == BODY_TOO_OFTEN) {
		fog_serve_refuse(
		        a, 429, "too_many_requests",
		        "there were too many requests from your address: come again in %u s",
		        q->later_s
		);
	} else if (!get && (s->body_max == 0 || strcmp(method, "POST") != 0)) {
		*allow = s->body_max > 0 ? "GET, HEAD, POST" : "GET, HEAD";
		fog_serve_refuse(a, 405, "method_not_allowed", "not with this method");
	} else if (q->state == BODY_TOO_LARGE || (get && q->len > 0)) {
		fog_serve_refuse(
		        a, 413, "body_too_large", "a body has at most %zu bytes here",
		        get ? 0 : s->body_max
		);
	} else if (q->state == BODY_NO_ROOM) {
		fog_serve_refuse(a, 503, "busy", "too many send at once: come again later");
	} else {
		return false;
	}
	return true;
}

// Whoever reads too slowly has had his time when somebody else comes. The end of such a connection is seen when
// the daemon comes to it.
static void serve_hurry(struct fog_serve *s)
{
	for (int fd; (fd = crowd_slow(s->crowd, fog_now_ms())) >= 0;)
		shutdown(fd, SHUT_RDWR);
}

static struct crowd_guest *serve_guest(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static enum MHD_Result serve_begin(struct fog_serve *s, struct MHD_Connection *c, void **state)
{
	struct serve_request *q = calloc(1, sizeof(*q));

	serve_hurry(s);
	if (q == NULL)
		return MHD_NO;
	q->guest = serve_guest(c);
	q->later_s = crowd_asks(q->guest, fog_now_ms());
	if (q->later_s > 0)
		q->state = BODY_TOO_OFTEN;
	*state = q;
	return MHD_YES;
}

static enum MHD_Result serve_request(
        void *user, struct MHD_Connection *c, const char *path, const char *method,
        const char *version, const char *data, size_t *len, void **state
)
{
	struct fog_serve *s = user;
	struct serve_request *q = *state;
	struct fog_serve_answer a = {.status = 500};
	const char *allow = NULL;

	(void)version;
	if (q == NULL)
		return serve_begin(s, c, state);
	if (*len > 0) {
		bool on = serve_body(s, q, data, *len);
		*len = 0;
		return on ? MHD_YES : MHD_NO;
	}
	if (!serve_refused(s, method, q, &a, &allow))
		s->ops->request(
		        s->ctx, method[0] == 'H' ? "GET" : method, path, q->body, q->len, &a
		);
	return serve_answer(s, c, q, &a, allow);
}

static void serve_completed(
        void *user, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why
)
{
	struct fog_serve *s = user;
	struct serve_request *q = *state;

	(void)c;
	(void)why;
	if (q == NULL)
		return;
	s->bodies -= q->room;
	s->answers -= q->small;
	large_leave(s, q->large);
	crowd_got(q->guest);
	free(q->body);
	free(q);
	*state = NULL;
}

// It ends the one that has to go, whose end is seen when the daemon comes to it.
static enum MHD_Result serve_admit(void *user, const struct sockaddr *from, socklen_t len)
{
	struct fog_serve *s = user;
	int put_out;

	(void)len;
	serve_hurry(s);
	bool good = crowd_admits(s->crowd, from, fog_now_ms(), &put_out);
	if (put_out >= 0)
		shutdown(put_out, SHUT_RDWR);
	return good ? MHD_YES : MHD_NO;
}

static void serve_connection(
        void *user, struct MHD_Connection *c, void **context,
        enum MHD_ConnectionNotificationCode what
)
{
	const union MHD_ConnectionInfo *from, *fd;
	struct fog_serve *s = user;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		crowd_leave(s->crowd, *context);
		*context = NULL;
		return;
	}
	from = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (from != NULL && fd != NULL)
		*context = crowd_enter(s->crowd, from->client_addr, fd->connect_fd, fog_now_ms());
}

// Clients that speak no TLS, or go in the middle, are no news.
static void serve_log(void *user, const char *format, va_list ap)
{
	char line[256];

	(void)user;
	vsnprintf(line, sizeof(line), format, ap);
	line[strcspn(line, "\n")] = '\0';
	LOG_DEBUG("directory listener: %s", line);
}

static struct MHD_Daemon *serve_start(struct fog_serve *s, int fd, const struct fog_tls_pem *pem)
{
	return MHD_start_daemon(
	        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0,
	        serve_admit, s, serve_request, s, MHD_OPTION_EXTERNAL_LOGGER, serve_log, s,
	        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_KEY, pem->key,
	        MHD_OPTION_HTTPS_MEM_CERT, pem->certificate, MHD_OPTION_HTTPS_PRIORITIES,
	        PRIORITIES, MHD_OPTION_NOTIFY_COMPLETED, serve_completed, s,
	        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	        MHD_OPTION_NOTIFY_CONNECTION, serve_connection, s, MHD_OPTION_CONNECTION_TIMEOUT,
	        (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MAX,
	        MHD_OPTION_END
	);
}

int fog_serve_create(
        const struct fog_serve_params *params, const struct fog_serve_ops *ops, void *ctx,
        struct fog_serve **out
)
{
	struct fog_serve *s = calloc(1, sizeof(*s));
	struct fog_tls_pem *pem = sodium_malloc(sizeof(*pem));
	int r = s != NULL && pem != NULL ? fog_tls_make(params->tls_seed, pem) : -ENOMEM;

	if (r < 0)
		goto err;
	s->ops = ops;
	s->ctx = ctx;
	s->body_max = params->body_max;
	if ((r = crowd_create(params->peer, params->peer_count, &s->crowd)) < 0)
		goto err;
	s->daemon = serve_start(s, params->fd, pem);
	if (s->daemon == NULL) {
		r = -EIO;
		goto err;
	}
	sodium_free(pem);
	*out = s;
	return 0;
err:
	LOG_ERR("the directory listener does not start: %s: free memory and descriptors, and look "
	        "whether GnuTLS has Ed25519 and TLS 1.3",
	        strerror(-r));
	sodium_free(pem);
	if (s != NULL)
		crowd_destroy(s->crowd);
	free(s);
	return r;
}

void fog_serve_destroy(struct fog_serve *s)
{
	if (s == NULL)
		return;
	MHD_stop_daemon(s->daemon);
	crowd_destroy(s->crowd);
	free(s);
}

int fog_serve_release(struct fog_serve *s)
{
	int fd = MHD_quiesce_daemon(s->daemon);

	fog_serve_destroy(s);
	return fd;
}

// tcp(7): of a socket that listens, these two say that.
int fog_serve_queue(struct fog_serve *s, uint32_t *waiting, uint32_t *room)
{
	const union MHD_DaemonInfo *fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_LISTEN_FD);
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (fd == NULL || getsockopt(fd->listen_fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -EIO;
	*waiting = info.tcpi_unacked;
	*room = info.tcpi_sacked;
	return 0;
}
