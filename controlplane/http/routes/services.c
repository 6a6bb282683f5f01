// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Supervised parts of the control plane: what they are, how they are, start them again.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../node_services.h"
#include "../refusal.h"
#include "view.h"

static json_t *service_json(const struct fog_service_view *v)
{
	return json_pack(
	        "{s:s s:s s:s s:s s:b s:b s:b s:i s:i s:i s:i s:i s:i s:o s:o s:o}", "name",
	        v->service->name, "text", v->service->text, "state",
	        fog_service_state_name(v->state), "health", fog_service_health_name(v->health),
	        "critical", v->service->critical, "restartable", v->service->start != NULL, "hangs",
	        v->hangs, "place", (int)v->place, "layer", (int)v->layer, "checks", (int)v->checks,
	        "failures", (int)v->failures, "recoveries", (int)v->recoveries, "restarts",
	        (int)v->restarts, "since", view_time_us(v->since_us), "retry_ms",
	        v->retry_ms > 0 ? json_integer((json_int_t)v->retry_ms) : json_null(), "why",
	        v->text[0] != '\0' ? json_string(v->text) : json_null()
	);
}

static json_t *breaker_json(const struct fog_breaker_view *v)
{
	return json_pack(
	        "{s:s s:s s:i s:I s:I s:I s:o}", "name", v->name, "state",
	        fog_breaker_state_name(v->state), "failures", (int)v->failures, "calls",
	        (json_int_t)v->calls, "failed", (json_int_t)v->failed, "refused",
	        (json_int_t)v->refused, "retry_ms",
	        v->retry_ms > 0 ? json_integer((json_int_t)v->retry_ms) : json_null()
	);
}

void http_get_services(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_service_view v[FOG_SERVICES_MAX];
	struct fog_breaker_view b[NODE_BREAKERS_MAX];
	json_t *list = json_array(), *breakers = json_array();
	unsigned count = fog_services_list(n->services, v, FOG_SERVICES_MAX);
	unsigned have = node_services_breakers(n, b, NODE_BREAKERS_MAX);

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, service_json(&v[i]));
	for (unsigned i = 0; i < have; i++)
		json_array_append_new(breakers, breaker_json(&b[i]));
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:s s:o s:o}", "health",
	                fog_service_health_name(fog_services_health(n->services)), "services", list,
	                "breakers", breakers
	        )
	);
}

void http_get_services_health(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_service_view v[FOG_SERVICES_MAX];
	json_t *unhealthy = json_array(), *degraded = json_array();
	unsigned count = fog_services_list(n->services, v, FOG_SERVICES_MAX);

	for (unsigned i = 0; i < count; i++)
		if (v[i].health == FOG_HEALTH_UNHEALTHY || v[i].health == FOG_HEALTH_DEGRADED)
			json_array_append_new(
			        v[i].health == FOG_HEALTH_UNHEALTHY ? unhealthy : degraded,
			        json_string(v[i].service->name)
			);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:s s:o s:o}", "health",
	                fog_service_health_name(fog_services_health(n->services)), "unhealthy",
	                unhealthy, "degraded", degraded
	        )
	);
}

static json_t *names_json(const char *const *names)
{
	json_t *list = json_array();

	for (; names != NULL && *names != NULL; names++)
		json_array_append_new(list, json_string(*names));
	return list;
}

static json_t *dependents_json(struct fog_node *n, const char *name, bool uses)
{
	const char *list[FOG_SERVICES_MAX + 1] = {NULL};
	int count = fog_services_dependents(n->services, name, uses, list, FOG_SERVICES_MAX);

	list[count < 0 ? 0 : count] = NULL;
	return names_json(list);
}

void http_get_services_dependencies(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_service_view v[FOG_SERVICES_MAX];
	json_t *start = json_array(), *stop = json_array(), *list = json_array();
	unsigned count = fog_services_list(n->services, v, FOG_SERVICES_MAX);

	for (unsigned i = 0; i < count; i++) {
		const struct fog_service *s = v[i].service;
		json_array_append_new(start, json_string(s->name));
		json_array_insert_new(stop, 0, json_string(s->name));
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:s s:i s:o s:o s:o s:o}", "name", s->name, "layer",
		                (int)v[i].layer, "needs", names_json(s->needs), "uses",
		                names_json(s->uses), "needed_by",
		                dependents_json(n, s->name, false), "used_by",
		                dependents_json(n, s->name, true)
		        )
		);
	}
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:o s:o}", "start_order", start, "stop_order", stop, "services", list
	        )
	);
}

static void service_unknown(const char *name, struct http_response *res)
{
	http_reply_problem(
	        res, 404, "no_service", "GET /v1/services lists them",
	        "there is no service of this name: %.*s", FOG_SERVICE_NAME_LEN, name
	);
}

void http_get_service(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_service_check *check = calloc(FOG_SERVICE_HISTORY, sizeof(*check));
	struct fog_service_view v;
	json_t *list;
	int count = check == NULL
	        ? -ENOMEM
	        : fog_services_get(n->services, req->part[0], &v, check, FOG_SERVICE_HISTORY);

	if (count == -ENOENT) {
		service_unknown(req->part[0], res);
	} else if (count < 0) {
		http_reply_error(res, count, NULL);
	} else {
		list = json_array();
		for (int i = 0; i < count; i++)
			json_array_append_new(
			        list,
			        json_pack(
			                "{s:o s:i s:b s:o}", "time", view_time_us(check[i].time_us),
			                "took_ms", (int)check[i].took_ms, "healthy",
			                check[i].result == 0, "why",
			                check[i].text[0] != '\0' ? json_string(check[i].text)
			                                         : json_null()
			        )
			);
		json_t *out = service_json(&v);
		json_object_set_new(out, "history", list);
		http_reply_json(res, 200, out);
	}
	free(check);
}

void http_post_service_restart(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	const char *name = req->part[0];
	struct fog_service_view v;
	bool force = json_is_true(json_object_get(req->json, "force"));
	int r = fog_services_restart(n->services, name, force);

	switch (r) {
	case 0:
		fog_services_get(n->services, name, &v, NULL, 0);
		http_reply_json(res, 202, service_json(&v));
		break;
	case -ENOENT:
		service_unknown(name, res);
		break;
	case -EOPNOTSUPP:
		http_reply_problem(
		        res, 422, "not_restartable", "restart fog-controlplane",
		        "service %s lives as long as the process", name
		);
		break;
	case -EBUSY:
		http_reply_problem(
		        res, 409, "service_needed", "send {\"force\": true} to restart them, too",
		        "other services need %s", name
		);
		break;
	default:
		http_reply_problem(
		        res, 409, "service_changing", "look again in a moment",
		        "service %s is being started or stopped", name
		);
	}
}

void http_post_services_check(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	fog_services_check(n->services, NULL);
	http_get_services_health(n, req, res);
	res->status = 202;
}
