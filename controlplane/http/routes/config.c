// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The configuration as JSON, from the same rows as the loader, and its replacement.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../log/log.h"
#include "../../config/keys.h"
#include "../../node_history.h"
#include "../refusal.h"
#include "body.h"
#include "config_history.h"
#include "view.h"

static const char *const config_drivers[] = {
        [FOG_DRIVER_LOOP] = "loop",
        [FOG_DRIVER_AFXDP] = "afxdp",
        [FOG_DRIVER_DPDK] = "dpdk",
        [FOG_DRIVER_AUTO] = "auto"};
static const char *const config_idles[] = {
        [FOG_IDLE_BUSY] = "busy", [FOG_IDLE_ADAPTIVE] = "adaptive"};
static const char *const config_modes[] = {
        [FOG_XDP_AUTO] = "auto", [FOG_XDP_NATIVE] = "native", [FOG_XDP_GENERIC] = "generic"};

static const char *const config_tls[] = {
        [FOG_REST_TLS_AUTO] = "auto", [FOG_REST_TLS_ON] = "on", [FOG_REST_TLS_OFF] = "off"};

static json_t *config_mac(const uint8_t mac[6])
{
	return json_sprintf(
	        "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]
	);
}

static json_t *config_address(const struct fog_ip *ip, unsigned prefix)
{
	json_t *address = view_ip(ip), *out;

	if (prefix == 0)
		return address;
	out = json_sprintf("%s/%u", json_string_value(address), prefix);
	json_decref(address);
	return out;
}

// How each kind of the schema reads in JSON.
#define VIEW_TEXT(v) json_string(v)
#define VIEW_NAME(v) json_string(v)
#define VIEW_PATH(v) json_string(v)
#define VIEW_SOCKET(v) json_string(v)
#define VIEW_BOOL(v) json_boolean(v)
#define VIEW_COUNT(v) json_integer((json_int_t)(v))
#define VIEW_MS(v) json_sprintf("%ums", v)
#define VIEW_MIB(v) json_integer((json_int_t)(v))
#define VIEW_DRIVER(v) json_string(config_drivers[v])
#define VIEW_IDLE(v) json_string(config_idles[v])
#define VIEW_XDP_MODE(v) json_string(config_modes[v])
#define VIEW_ROLE(v) json_string(fog_role_name(v))
#define VIEW_TLS(v) json_string(config_tls[v])
#define VIEW_LOG_LEVEL(v) json_string(fog_log_level_name(v))
#define VIEW_IP(v) ((v).family != 0 ? view_ip(&(v)) : json_string(""))
#define VIEW_MAC(v) config_mac(v)
#define VIEW_KEY_OF(from, key, member, kind) \
	json_object_set_new(out, key, VIEW_##kind((from).member));

static json_t *config_port(const struct fog_config_port *p)
{
	json_t *out = json_object(), *addresses = json_array(), *neighbours = json_array();

#define X(section, key, member, kind, ...) VIEW_KEY_OF(*p, key, member, kind)
	CONFIG_PORT_KEYS(X)
#undef X
	for (unsigned i = 0; i < p->address_count; i++)
		json_array_append_new(addresses, config_address(&p->address[i], p->prefix[i]));
	for (unsigned i = 0; i < p->neighbour_count; i++)
		json_array_append_new(
		        neighbours,
		        json_pack(
		                "{s:o s:o}", "address", view_ip(&p->neighbour[i].address), "mac",
		                config_mac(p->neighbour[i].mac)
		        )
		);
	json_object_set_new(out, "addresses", addresses);
	json_object_set_new(out, "neighbours", neighbours);
	return out;
}

static json_t *config_cpus(const struct fog_config_workers *w)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < w->cpu_count; i++)
		json_array_append_new(out, json_integer(w->cpu[i]));
	return out;
}

static json_t *config_deny(const struct fog_config_filter *f)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < f->deny_count; i++)
		json_array_append_new(out, view_prefix(&f->deny[i]));
	return out;
}

static json_t *config_origins(const struct fog_config_rest *r)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < r->origin_count; i++)
		json_array_append_new(out, json_string(r->origin[i]));
	return out;
}

// One mapping of the file: its scalars.
#define X(section, key, member, kind, ...) VIEW_KEY_OF(c->section, key, member, kind)
#define CONFIG_SECTION(name, keys, lists) \
	static json_t *config_section_##name(const struct fog_config *c) \
	{ \
		json_t *out = json_object(); \
		keys(X) return out; \
	}
CONFIG_SECTIONS(CONFIG_SECTION)
#undef X

static json_t *config_json(const struct fog_config *c)
{
	json_t *out = json_object(), *ports = json_array();

#define X(section, key, member, kind, ...) VIEW_KEY_OF(*c, key, member, kind)
	CONFIG_ROOT_KEYS(X)
#undef X
#define X(name, keys, lists) json_object_set_new(out, #name, config_section_##name(c));
	CONFIG_SECTIONS(X)
#undef X
	json_object_set_new(json_object_get(out, "workers"), "cpus", config_cpus(&c->workers));
	json_object_set_new(json_object_get(out, "filter"), "deny", config_deny(&c->filter));
	json_object_set_new(json_object_get(out, "rest"), "cors_origins", config_origins(&c->rest));
	for (unsigned i = 0; i < c->port_count; i++)
		json_array_append_new(ports, config_port(&c->port[i]));
	json_object_set_new(out, "ports", ports);
	return out;
}

static void config_etag(struct http_response *res, const uint8_t checksum[32])
{
	char hex[65];

	snprintf(
	        res->etag, sizeof(res->etag), "\"%s\"",
	        sodium_bin2hex(hex, sizeof(hex), checksum, 32)
	);
}

void http_get_config(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	pthread_rwlock_rdlock(&n->lock);
	json_t *out = config_json(n->config);
	config_etag(res, n->config->checksum);
	pthread_rwlock_unlock(&n->lock);
	http_reply_json(res, 200, out);
}

// If-Match: "64 hexadecimal digits", as ETag said, or * for whatever is there.
static int config_if_match(const char *header, uint8_t checksum[32], bool *any)
{
	size_t len = strlen(header), bytes = 0;

	*any = strcmp(header, "*") == 0;
	if (*any)
		return 0;
	if (len != 66 || header[0] != '"' || header[65] != '"' ||
	    sodium_hex2bin(checksum, 32, header + 1, 64, NULL, &bytes, NULL) != 0 || bytes != 32)
		return -EINVAL;
	return 0;
}

static const struct http_refusal refusals[] = {
        {-ESTALE, 412, "stale", "read the configuration again and repeat the change",
         "the configuration has been changed since it was read"},
        {-EBUSY, 409, "confirm_pending", "POST /v1/config/confirm, or revert it",
         "a change before this one waits for its confirmation"},
        {-ENOENT, 404, "no_revision", "GET /v1/config/history lists them",
         "there is no such revision of the configuration"},
        {0},
};

static void config_refused(struct http_response *res, int r, const struct fog_report *report)
{
	// The last line's end is no part of a sentence.
	int len = report != NULL && report->len > 0 ? (int)report->len - 1 : 0;
	const char *text = len > 0 ? report->text : "";
	bool found = report != NULL && report->errors > 0;

	if (r == -EINVAL && !found)
		r = -ERANGE;
	if (r == -EPERM && !found)
		r = -EACCES; // of the file, not of the change
	switch (r) {
	case -ESTALE:
	case -EBUSY:
	case -ENOENT:
	case -EAGAIN:
	case -ENOMEM:
		http_reply_error(res, r, refusals);
		break;
	case -ERANGE:
		http_reply_problem(
		        res, 422, "bad_confirm", NULL,
		        "confirm_within is between %d and %d seconds", FOG_CONFIRM_MIN_S,
		        FOG_CONFIRM_MAX_S
		);
		break;
	case -EPERM:
		http_reply_problem(
		        res, 403, "not_over_rest",
		        "change it in the file as root, then restart what the key belongs to",
		        "%.*s", len, text
		);
		break;
	case -EINVAL:
	case -E2BIG:
		http_reply_problem(res, 422, "config_refused", NULL, "%.*s", len, text);
		break;
	default:
		http_reply_problem(
		        res, 500, "config_not_written",
		        "give the control plane's user a folder for its configuration file",
		        "the configuration cannot be replaced: %s", strerror(-r)
		);
	}
}

const char *http_config_state(
        struct fog_node *n, uint64_t generation, int wait_ms, struct fog_dpclient_ack *ack
)
{
	struct fog_dpclient_status dp;

	*ack = (struct fog_dpclient_ack){.status = -ENODATA};
	fog_dpclient_status(n->dp, &dp);
	if (dp.state != FOG_DPCLIENT_ATTACHED || generation == 0)
		return "not_attached";
	fog_dpclient_config_wait(n->dp, wait_ms, ack);
	return ack->status == 0 ? "in_force" : ack->status == -EINPROGRESS ? "pending" : "refused";
}

static void config_done(
        struct fog_node *n, struct http_response *res, uint64_t generation, enum fog_reload change
)
{
	struct fog_dpclient_ack ack;
	const char *wait = NULL, *state = http_config_state(n, generation, HTTP_ACK_WAIT_MS, &ack);

	// Keys that take a restart of the control plane are not changed this way.
	if (change == FOG_RELOAD_LAUNCH || ack.status == -EXDEV)
		wait = "data_plane";
	pthread_rwlock_rdlock(&n->lock);
	config_etag(res, n->config->checksum);
	pthread_rwlock_unlock(&n->lock);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:s s:s? s:o s:s?}", "generation",
	                generation > 0 ? json_integer((json_int_t)generation) : json_null(),
	                "state", state, "text", ack.text[0] != '\0' ? ack.text : NULL, "pending",
	                http_config_pending(n), "restart_needed", wait
	        )
	);
}

// Empty: as long as is usual.
static uint32_t config_confirm_s(const char *text)
{
	return text == NULL       ? 0
	        : text[0] == '\0' ? FOG_CONFIRM_S
	                          : (uint32_t)strtoul(text, NULL, 10);
}

void http_put_config(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	enum fog_reload change = FOG_RELOAD_RUN;
	uint64_t generation = 0;
	const struct fog_config_origin origin = {
	        .actor = req->caller.name,
	        .comment = http_query_text(req, "comment"),
	        .correlation = req->correlation,
	        .confirm_s = config_confirm_s(http_query_text(req, "confirm_within"))};
	uint8_t expected[32];
	bool any = false;
	int r;

	if (config_if_match(req->if_match, expected, &any) < 0) {
		config_refused(res, -ESTALE, NULL);
		return;
	}
	struct fog_report *report = calloc(1, sizeof(*report));
	r = report == NULL ? -ENOMEM
	                   : fog_node_config_put(
	                             n, req->body, req->body_len, any ? NULL : expected, &origin,
	                             &generation, &change, report
	                     );
	if (r < 0)
		config_refused(res, r, report);
	else
		config_done(n, res, generation, change);
	free(report);
}

void http_post_config_revert(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	const struct fog_config_origin origin = {
	        .actor = req->caller.name,
	        .comment = json_string_value(json_object_get(req->json, "comment")),
	        .correlation = req->correlation,
	        .confirm_s = (uint32_t)http_body_number(req->json, "confirm_within", 0)};
	struct fog_report *report = calloc(1, sizeof(*report));
	enum fog_reload change = FOG_RELOAD_RUN;
	uint64_t generation = 0;
	int r = report == NULL ? -ENOMEM
	                       : fog_node_config_revert(
	                                 n, http_body_number(req->json, "revision", 0), &origin,
	                                 &generation, &change, report
	                         );

	if (r < 0)
		config_refused(res, r, report);
	else
		config_done(n, res, generation, change);
	free(report);
}

void http_post_config_confirm(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	int64_t revision = http_body_number(req->json, "revision", 0);
	struct fog_node_pending pending;

	fog_node_config_pending(n, &pending);
	int r = fog_node_config_confirm(n, revision);
	if (r == 0)
		http_reply_json(
		        res, 200, json_pack("{s:I}", "revision", (json_int_t)pending.revision)
		);
	else if (r == -ESTALE)
		http_reply_problem(
		        res, 409, "other_pending", "see /v1/config/history",
		        "another revision waits for its confirmation"
		);
	else
		http_reply_problem(
		        res, 409, "nothing_pending", "see /v1/config/history",
		        "nothing waits for its confirmation, or its time is over"
		);
}
