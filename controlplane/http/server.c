// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Connections are accepted here and handed to libmicrohttpd with an address of our making: the
// handler of a UNIX connection learns who is at the other end from it, which ulfius doesn't tell.
#include "server.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ulfius.h>

#include "../../log/log.h"
#include "../auth/peer.h"
#include "../node.h"
#include "tls.h"

enum {
	CONNECTIONS_MAX = 64,
	CONNECTIONS_TCP_MAX = 48, // the rest is for operators on this host, whoever floods TCP
	CONNECTIONS_PER_IP = 16,
	IDLE_TIMEOUT_S = HTTP_WAIT_MAX_S + 15,
	HEAD_MAX = 16 << 10,
};

struct fog_server {
	struct _u_instance ulfius,
	        tls; // what comes by TCP goes to the second one, if the node has a certificate
	struct fog_node *node;
	const struct fog_token *token;
};

// What stands in place of a UNIX peer's address.
struct server_peer {
	sa_family_t family; // AF_UNIX
	uint8_t allowed;
	uint8_t reserved;
	uint32_t uid;
	uint8_t pad[8];
};

_Static_assert(sizeof(struct server_peer) == sizeof(struct sockaddr), "ulfius copies this much");

// Whether the caller may go on; otherwise the answer is there.
static bool server_authenticate(
        struct fog_server *s, const struct _u_request *u, struct http_request *req,
        struct http_response *res
)
{
	struct server_peer peer;

	memcpy(&peer, u->client_address, sizeof(peer));
	if (peer.family == AF_UNIX) {
		snprintf(req->caller, sizeof(req->caller), "uid %" PRIu32, peer.uid);
		if (peer.allowed)
			return true;
		http_reply_problem(
		        res, 403, "not_operator", "join the group of the control plane's user",
		        "user %" PRIu32 " does not operate this node", peer.uid
		);
		return false;
	}
	if (s->token != NULL &&
	    fog_token_matches(s->token, u_map_get_case(u->map_header, "Authorization"))) {
		snprintf(req->caller, sizeof(req->caller), "token %s", s->token->id);
		return true;
	}
	http_reply_problem(
	        res, 401, "not_authenticated", "send 'Authorization: Bearer TOKEN'",
	        "the bearer token is missing or wrong"
	);
	return false;
}

static bool server_query(
        const struct api_route *route, const struct _u_request *u, struct http_request *req,
        struct http_response *res
)
{
	const char **keys = u_map_enum_keys(u->map_url);

	for (; keys != NULL && *keys != NULL; keys++) {
		int i = 0;
		while (route->query != NULL && route->query[i].name != NULL &&
		       strcmp(route->query[i].name, *keys) != 0)
			i++;
		if (route->query == NULL || route->query[i].name == NULL) {
			http_reply_problem(
			        res, 400, "unknown_parameter", NULL,
			        "%s %s has no such parameter as the one given", route->method,
			        route->path
			);
			return false;
		}
		req->query[i] = u_map_get(u->map_url, *keys);
	}
	return true;
}

// The path, and what of the query a handler was given, as far as it is text for one line.
static const char *server_audit_path(
        const struct http_request *req, const struct api_route *route, char *text, size_t len
)
{
	int used = snprintf(text, len, "%s", route->path);

	for (int i = 0; route->query != NULL && route->query[i].name != NULL; i++) {
		const char *value = req->query[i];
		bool plain = value != NULL && value[0] != '\0';
		for (const char *p = value; plain && *p != '\0'; p++)
			plain = *p > ' ' && *p <= '~';
		if (plain && used > 0 && (size_t)used < len)
			used += snprintf(
			        text + used, len - (size_t)used, "%c%s=%s",
			        strchr(text, '?') == NULL ? '?' : '&', route->query[i].name, value
			);
	}
	return text;
}

static void server_audit(
        struct fog_server *s, const struct http_request *req, const struct api_route *route,
        struct http_response *res
)
{
	char path[256];
	struct fog_audit_entry entry = {
	        .request_id = req->id,
	        .peer = req->caller,
	        .method = route->method,
	        .path = server_audit_path(req, route, path, sizeof(path)),
	        .status = res->status,
	        .body = req->body,
	        .body_len = req->body_len,
	};
	int r = fog_audit_append(s->node->audit, &entry);

	if (r < 0) {
		LOG_ERR("audit log: %s: make room in the state folder", strerror(-r));
		http_reply_problem(
		        res, 500, "audit_failed", "make room in the state folder",
		        "the request had status %d, but the audit log takes no entry", entry.status
		);
	}
}

static void server_dispatch(
        struct fog_server *s, const struct _u_request *u, struct http_request *req,
        struct http_response *res
)
{
	int status;
	const struct api_route *route =
	        http_route_find(req->method, req->path, &status, res->allow, req->part);

	if (route == NULL) {
		http_reply_problem(
		        res, status, status == 404 ? "no_such_path" : "method_not_allowed", NULL,
		        "%s", status == 404 ? "there is nothing here" : "not with this method"
		);
		return;
	}
	if (route->who == API_ANYONE || server_authenticate(s, u, req, res)) {
		if (req->body_len > HTTP_BODY_MAX)
			http_reply_problem(
			        res, 413, "body_too_large", NULL, "a body has at most %d bytes",
			        HTTP_BODY_MAX
			);
		else if (server_query(route, u, req, res))
			route->handle(s->node, req, res);
	}
	if (strcmp(route->method, "GET") != 0)
		server_audit(s, req, route, res);
}

static void server_answer(
        const struct http_request *req, struct http_response *res, struct _u_response *out
)
{
	char number[16];

	ulfius_set_binary_body_response(
	        out, (unsigned)res->status, res->body != NULL ? res->body : "", res->body_len
	);
	if (res->type != NULL)
		u_map_put(out->map_header, "Content-Type", res->type);
	u_map_put(out->map_header, "X-Request-Id", req->id);
	u_map_put(out->map_header, "Cache-Control", "no-store");
	if (res->etag[0] != '\0')
		u_map_put(out->map_header, "ETag", res->etag);
	if (res->allow[0] != '\0')
		u_map_put(out->map_header, "Allow", res->allow);
	if (res->replayed)
		u_map_put(out->map_header, "Idempotent-Replayed", "true");
	if (res->status == 401)
		u_map_put(out->map_header, "WWW-Authenticate", "Bearer");
	if (res->retry_after_s > 0) {
		snprintf(number, sizeof(number), "%d", res->retry_after_s);
		u_map_put(out->map_header, "Retry-After", number);
	}
}

static int server_request(const struct _u_request *u, struct _u_response *out, void *user_data)
{
	struct http_request req = {
	        .method = u->http_verb,
	        .path = u->url_path,
	        .body = u->binary_body != NULL ? u->binary_body : "",
	        .body_len = u->binary_body_length,
	        .if_match = u_map_get_case(u->map_header, "If-Match"),
	        .idempotency_key = u_map_get_case(u->map_header, "Idempotency-Key"),
	        .caller = "none",
	};
	struct http_response res = {.status = 500, .request_id = req.id};
	uint8_t id[8];

	randombytes_buf(id, sizeof(id));
	sodium_bin2hex(req.id, sizeof(req.id), id, sizeof(id));
	server_dispatch(user_data, u, &req, &res);
	server_answer(&req, &res, out);
	free(res.body);
	return U_CALLBACK_COMPLETE;
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
	struct server_peer peer = {.family = AF_UNIX};
	uid_t uid = 0;
	int fd;

	for (;;) {
		struct MHD_Daemon *daemon = s->ulfius.mhd_daemon;
		socklen_t len = sizeof(from);
		memset(&from, 0, sizeof(from));
		fd = accept4(listen_fd, generic, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (from.ss_family == AF_UNIX) {
			peer.allowed = fog_peer_check(fd, &uid) == 0;
			peer.uid = uid;
			memcpy(&from, &peer, sizeof(peer));
			len = sizeof(peer);
		} else {
			if (s->node->certificate != NULL)
				daemon = s->tls.mhd_daemon;
			if (server_full_for_tcp(daemon)) {
				close(fd);
				continue;
			}
		}
		// Closes the descriptor by itself when a limit is reached.
		MHD_add_connection(daemon, fd, generic, len);
	}
}

static int server_daemon(
        struct fog_server *s, struct _u_instance *u, struct fog_certificate *certificate
)
{
	struct MHD_OptionItem options[] = {
	        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)mhd_request_completed, NULL},
	        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)ulfius_uri_logger, NULL},
	        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL},
	        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_PER_IP, NULL},
	        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, NULL},
	        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_MAX, NULL},
	        {MHD_OPTION_END, 0, NULL}, // or of TLS, from here on
	        {MHD_OPTION_END, 0, NULL},
	        {MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
	        MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;

	if (certificate != NULL) {
		flags |= MHD_USE_TLS;
		http_tls_options(
		        certificate,
		        options + sizeof(options) / sizeof(options[0]) - 1 - HTTP_TLS_OPTIONS
		);
	}
	if (ulfius_init_instance(u, 1, NULL, NULL) != U_OK)
		return -EIO;
	u->max_post_body_size = HTTP_BODY_MAX + 1; // one more, so that "too large" shows
	u->allowed_post_processor = U_POST_PROCESS_NONE;
	ulfius_set_default_endpoint(u, server_request, s);
	if (ulfius_start_framework_with_mhd_options(u, flags, options) == U_OK)
		return 0;
	ulfius_clean_instance(u);
	return -EIO;
}

static void server_daemon_stop(struct _u_instance *u)
{
	ulfius_stop_framework(u);
	ulfius_clean_instance(u);
}

int fog_server_start(struct fog_node *node, const struct fog_token *token, struct fog_server **out)
{
	struct fog_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->node = node;
	s->token = token;
	if (server_daemon(s, &s->ulfius, NULL) < 0)
		goto err;
	if (node->certificate != NULL && server_daemon(s, &s->tls, node->certificate) < 0) {
		server_daemon_stop(&s->ulfius);
		goto err;
	}
	*out = s;
	return 0;
err:
	LOG_ERR("the HTTP server does not start: too many threads or descriptors in use");
	free(s);
	return -EIO;
}

void fog_server_stop(struct fog_server *s)
{
	if (s == NULL)
		return;
	if (s->node->certificate != NULL)
		server_daemon_stop(&s->tls);
	server_daemon_stop(&s->ulfius);
	free(s);
}
