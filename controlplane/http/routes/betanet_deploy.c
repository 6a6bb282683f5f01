// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How a new appliance comes: its files and the token of its enrolment; and what it says with that.
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../now.h"
#include "../http.h"
#include "betanet_view.h"

// The network file as it is now, to be freed; NULL: it can't be read.
static char *deploy_network_file(struct fog_node *n)
{
	char path[FOG_CONFIG_PATH_LEN];
	char *text = NULL;
	struct stat st;
	int fd;

	pthread_rwlock_rdlock(&n->lock);
	snprintf(path, sizeof(path), "%s", n->config->topology);
	pthread_rwlock_unlock(&n->lock);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= FOG_CONFIG_TEXT_MAX)
		text = calloc(1, (size_t)st.st_size + 1);
	if (text != NULL && read(fd, text, (size_t)st.st_size) != st.st_size) {
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static void deploy_no_network(struct http_response *res)
{
	http_reply_problem(
	        res, 503, "no_topology", "see /readyz",
	        "this appliance has no network file to hand on"
	);
}

static const char *deploy_text(const json_t *body, const char *field, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(body, field));

	return text != NULL ? text : otherwise;
}

// The configuration of the new node. Returns 0, or -1 after having answered.
static int deploy_configuration(
        struct fog_node *n, const json_t *body, const struct fog_betanet_node *node, char *out,
        struct http_response *res
)
{
	const json_t *cpus = json_object_get(body, "cpus"), *port = json_object_get(body, "port"),
	             *layer = json_object_get(body, "layer");
	uint32_t cpu[FOG_BETANET_CPUS_MAX] = {1};
	const struct fog_betanet_place place = {
	        .address = deploy_text(body, "address", ""),
	        .port = (uint16_t)json_integer_value(port),
	        .layer = (uint8_t)json_integer_value(layer),
	        .device = deploy_text(body, "device", "eth1"),
	        .cpu = cpu,
	        .cpus = cpus != NULL ? (unsigned)json_array_size(cpus) : 1,
	};
	struct fog_report report = {0};
	int r = -ENODATA;

	for (unsigned i = 0; i < json_array_size(cpus) && i < FOG_BETANET_CPUS_MAX; i++)
		cpu[i] = (uint32_t)json_integer_value(json_array_get(cpus, i));
	pthread_rwlock_rdlock(&n->lock);
	if (n->topology != NULL)
		r = fog_betanet_configuration(node, &place, n->topology, out, &report);
	pthread_rwlock_unlock(&n->lock);
	if (r == 0)
		return 0;
	if (r == -ENODATA)
		deploy_no_network(res);
	else if (r == -ENOTSUP)
		http_reply_problem(
		        res, 422, "no_appliance", "give it the network file: it uses libfogclient",
		        "a client has no appliance to deploy"
		);
	else if (r == -EINVAL)
		http_reply_problem(res, 422, "bad_configuration", NULL, "%s", report.text);
	else
		betanet_refused(res, r);
	return -1;
}

static void deploy_reply(
        struct http_response *res, const struct fog_betanet_node *node, const char *token,
        const char *configuration, const char *network
)
{
	snprintf(
	        res->location, sizeof(res->location), "/v1/betanet/nodes/%lld", (long long)node->id
	);
	res->secret = true;
	http_reply_json(
	        res, 202,
	        json_pack(
	                "{s:I s:s s:s s:o s:s s:s}", "id", (json_int_t)node->id, "state",
	                fog_betanet_state_name(node->state), "token", token, "enrolment_until",
	                view_time_us(node->enrolment_until_us), "configuration", configuration,
	                "network_file", network
	        )
	);
}

void http_post_betanet_deploy(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	char configuration[FOG_BETANET_CONFIGURATION_LEN], token[FOG_BETANET_TOKEN_LEN];
	int64_t id = req->part_number[0];
	struct fog_betanet_node node;
	struct fog_db *db;
	struct node_betanet *look = betanet_begin(n, res, &db);
	char *network = NULL;
	int r;

	if (look == NULL)
		return;
	r = fog_betanet_get(db, id, fog_now_unix_us(), &node);
	if (r < 0) {
		betanet_refused(res, r);
	} else if (deploy_configuration(n, req->json, &node, configuration, res) == 0) {
		network = deploy_network_file(n);
		r = network != NULL
		        ? fog_betanet_deploy(db, id, configuration, fog_now_unix_us(), token, &node)
		        : -ENODATA;
		if (r == -ENODATA)
			deploy_no_network(res);
		else if (r < 0)
			betanet_refused(res, r);
		else
			deploy_reply(res, &node, token, configuration, network);
		sodium_memzero(token, sizeof(token));
	}
	free(network);
	node_betanet_forget(look);
}

static void enrol_refused(struct http_response *res, int error)
{
	if (error == -EACCES || error == -EKEYREJECTED)
		http_reply_problem(
		        res, 403, "enrolment_refused",
		        "have the node deployed once more, and enrol within 24 hours",
		        "there is no open enrolment for this token and this identity"
		);
	else
		betanet_refused(res, error);
}

static void enrol_reply(
        struct http_response *res, const struct fog_betanet_node *node, const char *configuration,
        const char *network
)
{
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:I s:s s:s s:o s:s s:s}", "id", (json_int_t)node->id, "name", node->name,
	                "node_type", fog_betanet_type_name(node->type), "node_id",
	                view_hex(node->node_id, FOG_ID_LEN), "configuration", configuration,
	                "network_file", network
	        )
	);
}

void http_post_betanet_enrol(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_db *db = betanet_store(n, res);
	const char *token = deploy_text(req->json, "token", "");
	uint8_t identity[32], signature[64];
	char *network, *configuration = NULL;
	struct fog_betanet_node node;
	int r;

	if (db == NULL)
		return;
	sodium_hex2bin(
	        identity, sizeof(identity), deploy_text(req->json, "identity", ""), 64, NULL, NULL,
	        NULL
	);
	sodium_hex2bin(
	        signature, sizeof(signature), deploy_text(req->json, "signature", ""), 128, NULL,
	        NULL, NULL
	);
	network = deploy_network_file(n);
	if (network == NULL) {
		deploy_no_network(res);
		return;
	}
	// A token that is none changes nothing.
	if (fog_betanet_enrolment(db, token, fog_now_unix_us()) == 0 && !http_begin(req, res, 0)) {
		free(network);
		return;
	}
	r = fog_betanet_enrol(
	        db, token, identity, signature, fog_now_unix_us(), &node, &configuration
	);
	if (r < 0)
		enrol_refused(res, r);
	else
		enrol_reply(res, &node, configuration, network);
	free(configuration);
	free(network);
}
