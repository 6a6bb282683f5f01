// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl betanet deploy, at the platform, and fogctl betanet enrol, on the new host.
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../betanet/betanet.h"
#include "../mixnet/identity.h"
#include "betanet.h"
#include "client.h"

int betanet_write(const char *dir, const char *name, const char *text)
{
	char path[512];
	size_t len = strlen(text), done = 0;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	while (fd >= 0 && done < len && (n = write(fd, text + done, len - done)) > 0)
		done += (size_t)n;
	if (fd < 0 || done < len || close(fd) < 0) {
		fprintf(stderr,
		        "fogctl: %s: %s: name a folder that has no such file and can be written\n",
		        path, strerror(errno));
		if (fd >= 0 && done < len)
			close(fd);
		return CTL_REFUSED;
	}
	printf("written: %s\n", path);
	return CTL_OK;
}

// Both files of an answer.
static int deploy_write(const char *dir, const json_t *answer)
{
	const char *configuration = json_string_value(json_object_get(answer, "configuration"));
	const char *network = json_string_value(json_object_get(answer, "network_file"));
	int r = CTL_REFUSED;

	if (configuration != NULL && network != NULL)
		r = betanet_write(dir, "fogline.yaml", configuration);
	return r == CTL_OK ? betanet_write(dir, "topology.yaml", network) : r;
}

static json_t *deploy_cpus(const char *list)
{
	json_t *cpus = json_array();
	char *end;

	for (; *list != '\0'; list = *end == ',' ? end + 1 : end) {
		long cpu = strtol(list, &end, 10);
		if (end == list || (*end != ',' && *end != '\0')) {
			json_decref(cpus);
			return NULL;
		}
		json_array_append_new(cpus, json_integer(cpu));
	}
	return cpus;
}

struct place {
	const char *address, *port, *layer, *device, *cpus, *write;
};

static json_t *deploy_body(const struct place *p)
{
	json_t *body = json_object(), *cpus = p->cpus != NULL ? deploy_cpus(p->cpus) : NULL;

	if (p->address != NULL)
		json_object_set_new(body, "address", json_string(p->address));
	if (p->port != NULL)
		json_object_set_new(body, "port", json_integer(atoi(p->port)));
	if (p->layer != NULL)
		json_object_set_new(body, "layer", json_integer(atoi(p->layer)));
	if (p->device != NULL)
		json_object_set_new(body, "device", json_string(p->device));
	if (p->cpus != NULL && cpus == NULL) {
		fprintf(stderr, "fogctl: '%s' is no list of CPUs: write it as 2,3\n", p->cpus);
		json_decref(body);
		return NULL;
	}
	if (cpus != NULL)
		json_object_set_new(body, "cpus", cpus);
	return body;
}

static int deploy_ask(struct ctl_client *c, const char *number, const struct place *p)
{
	json_t *body = deploy_body(p);
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	char path[64];
	struct ctl_request request = {.method = "POST", .path = path, .body = text};
	struct ctl_answer answer;
	int r;

	json_decref(body);
	if (text == NULL)
		return CTL_USAGE;
	request.body_len = strlen(text);
	snprintf(path, sizeof(path), "/v1/betanet/nodes/%.20s/deploy", number);
	r = ctl_client_call(c, &request, &answer);
	free(text);
	if (r != CTL_OK)
		return r;
	if (c->json)
		puts(answer.body);
	else
		printf("token: %s\nuntil: %s\n",
		       json_string_value(json_object_get(answer.json, "token")),
		       json_string_value(json_object_get(answer.json, "enrolment_until")));
	if (p->write != NULL)
		r = deploy_write(p->write, answer.json);
	ctl_answer_free(&answer);
	return r;
}

int betanet_deploy(int argc, char **argv)
{
	struct place p = {0};
	const struct ctl_option own[] = {
	        {"--address", &p.address, NULL},
	        {"--port", &p.port, NULL},
	        {"--layer", &p.layer, NULL},
	        {"--device", &p.device, NULL},
	        {"--cpus", &p.cpus, NULL},
	        {"--write", &p.write, NULL},
	        {NULL, NULL, NULL},
	};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, own, betanet_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc == 3 && argv[2][strspn(argv[2], "0123456789")] == '\0') {
		r = deploy_ask(&client, argv[2], &p);
	} else {
		fputs(betanet_usage, stderr);
		r = CTL_USAGE;
	}
	ctl_client_close(&client);
	return r;
}

static int enrol_token(const char *path, char token[FOG_BETANET_TOKEN_LEN])
{
	FILE *f = fopen(path, "re");
	char line[FOG_BETANET_TOKEN_LEN + 2] = "";
	bool read = f != NULL && fgets(line, sizeof(line), f) != NULL;

	if (f != NULL)
		fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	read = read && strlen(line) == FOG_BETANET_TOKEN_LEN - 1;
	if (read)
		memcpy(token, line, FOG_BETANET_TOKEN_LEN);
	else
		fprintf(stderr,
		        "fogctl: %s: holds no token: put the one that 'fogctl betanet deploy' printed there\n",
		        path);
	sodium_memzero(line, sizeof(line));
	return read ? CTL_OK : CTL_REFUSED;
}

// What the host says; to be freed. NULL after having said why.
static char *enrol_body(const char *state_dir, const char *token)
{
	char text[512] = "", identity[65], hex[129];
	struct fog_identity *id = NULL;
	uint8_t signature[64];
	char *body = NULL;
	json_t *json;

	if (fog_identity_open(state_dir, &id, text, sizeof(text)) < 0) {
		fprintf(stderr, "fogctl: %s\n", text);
		return NULL;
	}
	if (fog_betanet_sign(token, id->secret_key, signature) < 0) {
		fputs("fogctl: the token is none: copy all of its 43 characters\n", stderr);
	} else {
		json = json_pack(
		        "{s:s s:s s:s}", "token", token, "identity",
		        sodium_bin2hex(identity, sizeof(identity), id->public_key, 32), "signature",
		        sodium_bin2hex(hex, sizeof(hex), signature, sizeof(signature))
		);
		body = json_dumps(json, JSON_COMPACT);
		json_decref(json);
	}
	fog_identity_close(id);
	return body;
}

static int enrol_ask(struct ctl_client *c, char *body, const char *write)
{
	struct ctl_request request = {
	        .method = "POST",
	        .path = "/v1/betanet/enrol",
	        .body = body,
	        .body_len = strlen(body),
	};
	struct ctl_answer answer;
	int r = ctl_client_call(c, &request, &answer);

	sodium_memzero(body, strlen(body));
	if (r != CTL_OK)
		return r;
	printf("enrolled as '%s', node ID %s\n",
	       json_string_value(json_object_get(answer.json, "name")),
	       json_string_value(json_object_get(answer.json, "node_id")));
	if (write != NULL)
		r = deploy_write(write, answer.json);
	ctl_answer_free(&answer);
	return r;
}

int betanet_enrol(int argc, char **argv)
{
	const char *token_file = NULL, *state_dir = NULL, *write = NULL;
	const struct ctl_option own[] = {
	        {"--token-file", &token_file, NULL},
	        {"--state-dir", &state_dir, NULL},
	        {"--write", &write, NULL},
	        {NULL, NULL, NULL},
	};
	char token[FOG_BETANET_TOKEN_LEN];
	struct ctl_client client;
	char *body = NULL;
	int r = ctl_client_options(&client, &argc, argv, own, betanet_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc != 2 || token_file == NULL || state_dir == NULL) {
		fputs(betanet_usage, stderr);
		return CTL_USAGE;
	}
	client.anonymous = true; // the token is all that is asked for
	r = enrol_token(token_file, token);
	if (r == CTL_OK && (body = enrol_body(state_dir, token)) == NULL)
		r = CTL_REFUSED;
	sodium_memzero(token, sizeof(token));
	if (r == CTL_OK)
		r = ctl_client_connect(&client);
	if (r == CTL_OK) {
		r = enrol_ask(&client, body, write);
		ctl_client_close(&client);
	}
	free(body);
	return r;
}
