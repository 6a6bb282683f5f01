// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One thread of libmicrohttpd polls all connections, so a slow reader holds up nobody, and a crowd costs
// descriptors and buffers only, of which there is a fixed number.
#include "serve.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "../../log/log.h"
#include "../http/http.h"
#include "tls.h"

enum {
	CONNECTIONS_MAX = 256,
	CONNECTIONS_PER_IP = 16,
	IDLE_TIMEOUT_S = 10,
	HEAD_MAX = 16 << 10,
	BODIES_MAX = 16 << 20, // bytes of all bodies that are coming in
};

#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3"

struct fog_serve {
	struct MHD_Daemon *daemon;
	const struct fog_serve_ops *ops;
	void *ctx;
	size_t body_max;
	_Atomic size_t bodies; // bytes taken by bodies
};

enum serve_state { BODY_FINE, BODY_TOO_LARGE, BODY_NO_ROOM };

// A request between its head and its end.
struct serve_request {
	uint8_t *body;
	size_t len, room;
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

static enum MHD_Result serve_answer(
        struct MHD_Connection *c, struct fog_serve_answer *a, const char *allow
)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
	        a->len, a->data != NULL ? (void *)a->data : (void *)"",
	        a->data != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT
	);

	if (r == NULL) {
		free(a->data);
		return MHD_NO;
	}
	if (a->type != NULL)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	if (allow != NULL)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, allow);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	enum MHD_Result queued = MHD_queue_response(c, a->status, r);
	MHD_destroy_response(r);
	return queued;
}

// A body that is refused is read to its end all the same, so that the answer isn't lost in a reset.
static void serve_body(struct fog_serve *s, struct serve_request *q, const char *data, size_t len)
{
	if (q->state != BODY_FINE)
		return;
	if (len > s->body_max - q->len) {
		q->state = BODY_TOO_LARGE;
		return;
	}
	if (q->len + len > q->room) {
		size_t room = q->room > 0 ? q->room : 4096;
		while (room < q->len + len)
			room *= 2;
		size_t more = room - q->room;
		if (atomic_fetch_add(&s->bodies, more) + more > BODIES_MAX) {
			atomic_fetch_sub(&s->bodies, more);
			q->state = BODY_NO_ROOM;
			return;
		}
		uint8_t *body = realloc(q->body, room);
		if (body == NULL) {
			atomic_fetch_sub(&s->bodies, more);
			q->state = BODY_NO_ROOM;
			return;
		}
		q->body = body;
		q->room = room;
	}
	memcpy(q->body + q->len, data, len);
	q->len += len;
}

// Returns whether the request is refused for what it is, before anybody looks at what it wants.
static bool serve_refused(
        const struct fog_serve *s, const char *method, const struct serve_request *q,
        struct fog_serve_answer *a, const char **allow
)
{
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (!get && (s->body_max == 0 || strcmp(method, "POST") != 0)) {
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
	if (q == NULL) {
		*state = calloc(1, sizeof(*q));
		return *state != NULL ? MHD_YES : MHD_NO;
	}
	if (*len > 0) {
		serve_body(s, q, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (!serve_refused(s, method, q, &a, &allow))
		s->ops->request(
		        s->ctx, method[0] == 'H' ? "GET" : method, path, q->body, q->len, &a
		);
	return serve_answer(c, &a, allow);
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
	atomic_fetch_sub(&s->bodies, q->room);
	free(q->body);
	free(q);
	*state = NULL;
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
	        NULL, NULL, serve_request, s, MHD_OPTION_EXTERNAL_LOGGER, serve_log, s,
	        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_KEY, pem->key,
	        MHD_OPTION_HTTPS_MEM_CERT, pem->certificate, MHD_OPTION_HTTPS_PRIORITIES,
	        PRIORITIES, MHD_OPTION_NOTIFY_COMPLETED, serve_completed, s,
	        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_PER_IP,
	        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
	        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MAX, MHD_OPTION_END
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
	free(s);
	return r;
}

void fog_serve_destroy(struct fog_serve *s)
{
	if (s == NULL)
		return;
	MHD_stop_daemon(s->daemon);
	free(s);
}
