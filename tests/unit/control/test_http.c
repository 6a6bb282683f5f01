// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The REST API over real sockets, in one process: a node without a data plane, its server, and a
// client that writes HTTP by hand. Every route of the table is tried by a stranger.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../controlplane/http/http.h"
#include "../../../controlplane/http/listen.h"
#include "../../../controlplane/http/server.h"
#include "../../../controlplane/node_platform.h"
#include "../store/store_rig.h"
#include "config_text.h"
#include "http_rig.h"

#define TOKEN "0123456789abcdef0123456789abcdef-token"

static char folder[64], config_path[128], socket_path[96];
char topology_path[128];
struct fog_node *node;
static struct fog_server *server;
static struct fog_token token;
static int unix_fd = -1, tcp_fd = -1, stop_pipe[2];
static pthread_t acceptor;
static char answer[1 << 20];
static const char *store_line; // of the configuration

int write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return -1;
	fputs(text, f);
	return fclose(f);
}

// What the control plane's event loop does, but for the signals.
static void *accept_loop(void *arg)
{
	struct pollfd p[4] = {
	        {stop_pipe[0], POLLIN, 0},
	        {unix_fd, POLLIN, 0},
	        {tcp_fd, POLLIN, 0},
	        {fog_dpclient_fd(node->dp), POLLIN, 0},
	};

	for (;;) {
		if (poll(p, 4, 250) < 0)
			continue;
		fog_server_tick(server);
		if (p[0].revents)
			return NULL;
		if (p[1].revents)
			fog_server_accept(server, unix_fd);
		if (p[2].revents)
			fog_server_accept(server, tcp_fd);
		if (p[3].revents)
			fog_dpclient_process(node->dp);
	}
}

static const char config_head[] =
        "instance: httptest\n"
        "user: \"\"\n"
        "dataplane_user: \"\"\n"
        "workers: {cpus: [0]}\n"
        "limits: {auth: 100000, write: 100000, read: 100000}\n"
        "ports:\n"
        "  - {name: p0, driver: loop, device: a, addresses: [192.0.2.1]}\n";

static void config_make(char *text, size_t len, const char *more)
{
	snprintf(
	        text, len, "%srun_dir: %s\nstate_dir: %s/state\ntopology: %s\n%s%s", config_head,
	        folder, folder, topology_path, store_line, more
	);
}

static int start(void)
{
	char text[2048], path[128], state[128];

	snprintf(folder, sizeof(folder), "/tmp/fog-http-XXXXXX");
	if (sodium_init() < 0 || fog_crypto_init() < 0 || mkdtemp(folder) == NULL ||
	    pipe(stop_pipe) < 0)
		return -1;
	snprintf(config_path, sizeof(config_path), "%s/n.yaml", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/rest.sock", folder);
	snprintf(topology_path, sizeof(topology_path), "%s/topology.yaml", folder);
	snprintf(path, sizeof(path), "%s/token", folder);
	umask(077);
	snprintf(state, sizeof(state), "%s/state", folder);
	store_line = rig_node_store(state);
	config_make(text, sizeof(text), "");
	if (write_file(config_path, text) < 0 || write_file(path, TOKEN "\n") < 0 ||
	    fog_token_load(&token, path) < 0 ||
	    fog_node_create(config_path, NULL, NULL, &node) < 0 || fog_node_start(node) < 0)
		return -1;
	unix_fd = fog_listen_unix(socket_path, geteuid(), getegid());
	tcp_fd = fog_listen_tcp("127.0.0.1:0");
	if (unix_fd < 0 || tcp_fd < 0 || fog_server_start(node, &token, &server) < 0)
		return -1;
	return pthread_create(&acceptor, NULL, accept_loop, NULL);
}

static int stop(void)
{
	char command[96];

	if (write(stop_pipe[1], "x", 1) < 0)
		return -1;
	pthread_join(acceptor, NULL);
	fog_inbox_wake(node->inbox);
	fog_server_stop(server);
	fog_node_destroy(node);
	fog_epoch_key_destroy("httptest", FOG_NODE_EPOCH);
	fog_keyring_secret_destroy("httptest");
	close(unix_fd);
	close(tcp_fd);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int dial(bool tcp)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	const void *addr = tcp ? (const void *)&in : (const void *)&un;
	int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(un.sun_path, socket_path);
	getsockname(tcp_fd, (void *)&in, &len);
	CU_ASSERT_EQUAL_FATAL(connect(fd, addr, tcp ? sizeof(in) : sizeof(un)), 0);
	return fd;
}

// One request on a connection of its own; the whole answer stays in 'answer'. Returns its status.
static int ask_with(
        bool tcp, const char *method, const char *path, const char *headers, const char *body,
        size_t len
)
{
	char head[1024];
	size_t used = 0, n;
	ssize_t got;
	int fd = dial(tcp);

	n = (size_t)snprintf(
	        head, sizeof(head),
	        "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n%s%s\r\n",
	        method, path, len,
	        len == 0 ? ""
	                : strcmp(method, "PUT") == 0 && strcmp(path, "/v1/config") == 0
	                ? "Content-Type: application/yaml\r\n"
	                : "Content-Type: application/json\r\n",
	        headers
	);
	CU_ASSERT_EQUAL(send(fd, head, n, MSG_NOSIGNAL), (ssize_t)n);
	for (size_t at = 0; at < len;) {
		got = send(fd, body + at, len - at, MSG_NOSIGNAL);
		if (got <= 0)
			break;
		at += (size_t)got;
	}
	while (used < sizeof(answer) - 1 &&
	       (got = recv(fd, answer + used, sizeof(answer) - 1 - used, 0)) > 0)
		used += (size_t)got;
	answer[used] = '\0';
	close(fd);
	return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : -1;
}

int ask(const char *method, const char *path, const char *body)
{
	return ask_with(false, method, path, "", body, strlen(body));
}

int ask_headers(const char *method, const char *path, const char *headers, const char *body)
{
	return ask_with(false, method, path, headers, body, strlen(body));
}

const char *answered(void)
{
	return answer;
}

bool says(const char *part)
{
	return strstr(answer, part) != NULL;
}

static void test_probes(void)
{
	CU_ASSERT_EQUAL(ask("GET", "/healthz", ""), 200);
	CU_ASSERT_EQUAL(ask("GET", "/readyz", ""), 503);
	CU_ASSERT_TRUE(says("\"no_topology\"") && says("\"no_data_plane\""));
	CU_ASSERT_TRUE(says("Retry-After: 1"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	// What is not known is null, not 0.
	CU_ASSERT_TRUE(says("\"books\":null") && says("\"data_plane\":null"));
	CU_ASSERT_TRUE(says("\"generation\":null") && says("\"attached\":false"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/workers", ""), 200);
	CU_ASSERT_TRUE(says("{\"workers\":null,\"sum\":null}"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/ports", ""), 200);
	CU_ASSERT_TRUE(says("{\"ports\":null}"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/drops", ""), 200);
	CU_ASSERT_TRUE(says("\"total\":null") && says("\"replay\""));
	CU_ASSERT_EQUAL(ask("GET", "/v1/nodes", ""), 200);
	CU_ASSERT_TRUE(says("\"nodes\":null"));
	CU_ASSERT_EQUAL(ask("GET", "/metrics", ""), 200);
	CU_ASSERT_TRUE(says("application/openmetrics-text; version=1.0.0; charset=utf-8"));
	CU_ASSERT_TRUE(says("fog_data_plane_attached 0\n") && says("# EOF\n"));
	CU_ASSERT_FALSE(says("fog_worker_received"));
	CU_ASSERT_EQUAL(ask("HEAD", "/healthz", ""), 200);
}

static void test_refusals(void)
{
	static char big[HTTP_BODY_MAX + 4096];

	CU_ASSERT_EQUAL(ask("GET", "/nothing", ""), 404);
	CU_ASSERT_TRUE(says("application/problem+json") && says("\"request_id\""));
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/messages", ""), 405);
	CU_ASSERT_TRUE(says("Allow: GET, POST"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/status?x=1", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/messages?limit=0", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/messages?limit=201", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/messages?limit=1x", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/messages?wait=31", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/messages?after=0&limit=200", ""), 200);
	memset(big, 'x', sizeof(big));
	CU_ASSERT_EQUAL(ask_with(false, "POST", "/v1/messages", "", big, HTTP_BODY_MAX + 1), 413);
	CU_ASSERT_EQUAL(ask_with(false, "POST", "/v1/messages", "", big, HTTP_BODY_MAX), 400);
}

static void test_bodies(void)
{
	static const char *const bad[] = {
	        "",
	        "[]",
	        "{",
	        "{}",
	        "{\"to\":\"a\"}",
	        "{\"to\":1,\"text\":\"x\"}",
	        "{\"to\":\"a\",\"text\":\"x\",\"data\":\"eA==\"}",
	        "{\"to\":\"a\",\"data\":\"x\"}",
	        "{\"to\":\"a\",\"data\":\"eA\"}",
	        "{\"to\":\"a\",\"text\":\"x\",\"txet\":\"x\"}",
	        "{\"to\":\"a\",\"to\":\"b\",\"text\":\"x\"}",
	        "{\"to\":\"a\",\"text\":\"x\",\"surb\":1}",
	        "{\"to\":\"a\",\"text\":\"x\",\"path\":[]}",
	        "{\"to\":\"a\",\"text\":\"x\",\"path\":[1]}",
	        "{\"to\":\"a\",\"text\":\"x\",\"recipient\":\"00\"}",
	        "{\"to\":\"a\",\"reply_to\":1,\"text\":\"x\"}",
	        "{\"reply_to\":0,\"text\":\"x\"}",
	        "{\"reply_to\":1,\"text\":\"x\",\"surb\":true}",
	        "{\"reply_to\":1,\"text\":\"x\",\"path\":[\"a\"]}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int status = ask("POST", "/v1/messages", bad[i]);
		CU_ASSERT_EQUAL(status, 400);
		if (status != 400)
			fprintf(stderr, "status %d for %s\n", status, bad[i]);
	}
	CU_ASSERT_EQUAL(ask("POST", "/v1/messages", "{\"to\":\"a\",\"text\":\"x\"}"), 503);
	CU_ASSERT_TRUE(says("\"not_in_topology\""));
	CU_ASSERT_EQUAL(
	        ask_with(false, "POST", "/v1/messages", "Idempotency-Key: \r\n", "{}", 2), 400
	);
}

// What shows nothing of the node, and how one gets a token.
static bool open_to_all(const char *path)
{
	static const char *const open[] = {
	        "/healthz",           "/v1/auth/login",   "/v1/auth/jwks",
	        "/v1/auth/login/mfa", "/v1/auth/refresh", "/v1/auth/password-reset",
	        "/v1/docs",           "/v1/openapi.json", "/v1/betanet/enrol"};

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (strcmp(path, open[i]) == 0)
			return true;
	return false;
}

// Whoever has no token gets nothing else, whatever the table says in future.
static void test_every_route(void)
{
	for (unsigned i = 0; i < api_route_count; i++) {
		const struct api_route *r = &api_routes[i];
		bool open = r->who == API_ANYONE;
		CU_ASSERT_EQUAL(open, open_to_all(r->path));
		bool body = strcmp(r->method, "GET") != 0;
		int status = ask_with(true, r->method, r->path, "", "{}", body ? 2 : 0);
		CU_ASSERT_EQUAL(status, !open ? 401 : body ? 400 : 200);
		if (!open)
			CU_ASSERT_TRUE(says("WWW-Authenticate: Bearer"));
	}
}

static int ask_token(const char *header)
{
	return ask_with(true, "GET", "/v1/status", header, "", 0);
}

static void test_token(void)
{
	CU_ASSERT_EQUAL(ask_token("Authorization: Bearer " TOKEN "\r\n"), 200);
	CU_ASSERT_EQUAL(ask_token("authorization: bearer " TOKEN "\r\n"), 200);
	CU_ASSERT_EQUAL(ask_token("Authorization: Bearer " TOKEN "x\r\n"), 401);
	CU_ASSERT_EQUAL(ask_token("Authorization: Bearer \r\n"), 401);
	CU_ASSERT_EQUAL(ask_token("Authorization: Basic " TOKEN "\r\n"), 401);
	CU_ASSERT_EQUAL(ask_token("Authorization: " TOKEN "\r\n"), 401);
}

static void test_token_file(void)
{
	char path[128];
	struct fog_token t;

	snprintf(path, sizeof(path), "%s/other-token", folder);
	CU_ASSERT_EQUAL(fog_token_load(&t, path), -ENOENT);
	CU_ASSERT_EQUAL(write_file(path, TOKEN "\n"), 0);
	CU_ASSERT_EQUAL(fog_token_load(&t, path), 0);
	CU_ASSERT_EQUAL(chmod(path, 0640), 0);
	CU_ASSERT_EQUAL(fog_token_load(&t, path), -EPERM);
	CU_ASSERT_EQUAL(chmod(path, 0600), 0);
	CU_ASSERT_EQUAL(write_file(path, "0123456789012345678901234567890\n"), 0); // 31
	CU_ASSERT_EQUAL(fog_token_load(&t, path), -EINVAL);
	CU_ASSERT_EQUAL(write_file(path, "0123456789012345 789012345678901\n"), 0);
	CU_ASSERT_EQUAL(fog_token_load(&t, path), -EINVAL);
}

static void etag(char *out, size_t len)
{
	const char *at;

	CU_ASSERT_EQUAL(ask("GET", "/v1/config", ""), 200);
	at = strstr(answer, "ETag: ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(out, len, "If-Match: %.66s\r\n", at + 6);
}

static int put(const char *header, const char *text)
{
	return ask_with(false, "PUT", "/v1/config", header, text, strlen(text));
}

static bool file_has(const char *path, const char *part)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	return strstr(text, part) != NULL;
}

static void test_config(void)
{
	char text[2048], first[128], second[128];

	etag(first, sizeof(first));
	CU_ASSERT_TRUE(says("\"instance\":\"httptest\"") && says("\"driver\":\"loop\""));
	config_make(text, sizeof(text), "production: false\n");
	CU_ASSERT_EQUAL(put("", text), 428);
	CU_ASSERT_EQUAL(put("If-Match: nonsense\r\n", text), 400);
	CU_ASSERT_EQUAL(put(first, "instance: [\n"), 422);
	CU_ASSERT_EQUAL(put(first, "instance: x\nnonsense: 1\n"), 422);
	CU_ASSERT_TRUE(says(":2: unknown key 'nonsense'"));
	CU_ASSERT_FALSE(file_has(config_path, "nonsense"));
	CU_ASSERT_EQUAL(put(first, text), 200);
	CU_ASSERT_TRUE(says("\"restart_needed\":null"));
	CU_ASSERT_TRUE(file_has(config_path, "production: false"));
	CU_ASSERT_EQUAL(put(first, text), 412);
	CU_ASSERT_TRUE(says("\"code\":\"stale\""));
	CU_ASSERT_EQUAL(put("If-Match: \"7\"\r\n", text), 412);
	etag(second, sizeof(second));
	CU_ASSERT_STRING_NOT_EQUAL(first, second);
	// A launch key, given as JSON: is taken, and says what it waits for.
	config_make(text, sizeof(text), "memory: {\"mib\": 96}\n");
	CU_ASSERT_EQUAL(put(second, text), 200);
	CU_ASSERT_TRUE(says("\"restart_needed\":\"data_plane\""));
	CU_ASSERT_EQUAL(ask("GET", "/v1/config", ""), 200);
	CU_ASSERT_TRUE(says("\"mib\":96"));
	CU_ASSERT_EQUAL(put("If-Match: *\r\n", text), 200);
	CU_ASSERT_TRUE(says("\"restart_needed\":null"));
	// Back to what the process was started with.
	config_make(text, sizeof(text), "");
	CU_ASSERT_EQUAL(put("If-Match: *\r\n", text), 200);
}

// In production nobody traces, whoever asks, unless root says so in the file.
static void test_trace_production(void)
{
	char text[2048];

	CU_ASSERT_EQUAL(ask("POST", "/v1/trace", "{}"), 503);
	CU_ASSERT_TRUE(says("\"no_data_plane\""));
	config_make(text, sizeof(text), "production: true\n");
	CU_ASSERT_EQUAL(put("If-Match: *\r\n", text), 200);
	CU_ASSERT_EQUAL(ask("POST", "/v1/trace", "{}"), 403);
	CU_ASSERT_TRUE(says("\"trace_forbidden\"") && says("trace.allow"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/trace", ""), 403);
	CU_ASSERT_EQUAL(ask("GET", "/v1/capture", ""), 403);
	config_make(text, sizeof(text), "production: true\ntrace: {allow: true}\n");
	CU_ASSERT_EQUAL(put("If-Match: *\r\n", text), 403);
	CU_ASSERT_EQUAL(write_file(config_path, text), 0);
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	CU_ASSERT_EQUAL(ask("POST", "/v1/trace", "{}"), 503);
	// Nor is the way around it open.
	config_make(text, sizeof(text), "trace: {allow: true}\n");
	CU_ASSERT_EQUAL(put("If-Match: *\r\n", text), 403);
	CU_ASSERT_TRUE(says("production: is not changed over REST"));
	config_make(text, sizeof(text), "");
	CU_ASSERT_EQUAL(write_file(config_path, text), 0);
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	CU_ASSERT_EQUAL(ask("GET", "/v1/trace", ""), 200);
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/trace", ""), 404);
}

// Of loops themselves see test_loops.c.
static void test_loops(void)
{
	CU_ASSERT_EQUAL(ask("POST", "/v1/loops", "{\"count\":0}"), 400);
	CU_ASSERT_EQUAL(ask("POST", "/v1/loops", "{\"rate\":1001}"), 400);
	CU_ASSERT_EQUAL(ask("POST", "/v1/loops", "{\"speed\":1}"), 400);
	CU_ASSERT_EQUAL(ask("POST", "/v1/loops", "{}"), 422); // no topology yet
	CU_ASSERT_TRUE(says("\"no_path\""));
	CU_ASSERT_EQUAL(ask("GET", "/v1/loops?limit=1001", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/loops", ""), 200);
	CU_ASSERT_TRUE(says("\"state\":\"none\"") && says("\"records\":[]"));
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/loops", ""), 404);
	CU_ASSERT_TRUE(says("POST /v1/loops begins some"));
}

static void test_log_levels(void)
{
	CU_ASSERT_EQUAL(ask("GET", "/v1/log", ""), 200);
	CU_ASSERT_TRUE(says("\"control_plane\":\"info\"") && says("\"data_plane\":null"));
	CU_ASSERT_EQUAL(ask("PUT", "/v1/log", "{\"control_plane\":\"debug\"}"), 200);
	CU_ASSERT_TRUE(says("\"control_plane\":\"debug\""));
	CU_ASSERT_EQUAL(
	        ask("PUT", "/v1/log", "{\"control_plane\":\"info\",\"data_plane\":\"info\"}"), 503
	);
	CU_ASSERT_EQUAL(ask("PUT", "/v1/log", "{\"control_plane\":1}"), 400);
	CU_ASSERT_EQUAL(ask("PUT", "/v1/log", "{\"level\":\"info\"}"), 400);
	CU_ASSERT_EQUAL(ask("PUT", "/v1/log", "{\"control_plane\":\"info\"}"), 200);
}

// What decides what root does at the next start is not changed by whoever has the token.
static void test_config_local(void)
{
	static const struct {
		const char *more, *key;
	} rows[] = {
	        {"rest: {unix: /tmp/elsewhere.sock}\n", "rest.unix"},
	        {"rest: {tcp: \"0.0.0.0:80\", token_file: /tmp/t}\n", "rest.tcp"},
	        {"user: root\n", "user"},
	        {"dataplane_user: root\n", "dataplane_user"},
	        {"test: {key_seed: 1}\n", "test.key_seed"},
	        {"replay: {dir: /etc/cron.d}\n", "replay.dir"},
	        {"trace: {allow: true}\n", "trace.allow"},
	        {"accounts: {refresh_days: 3}\n", "accounts.refresh_days"},
	        {"topology: /etc/passwd\n", "topology"},
	        {"ports: [{name: p0, driver: loop, device: b, addresses: [192.0.2.1]}]\n",
	         "ports[0].device"},
	        {"ports: [{name: p0, driver: dpdk, device: a, addresses: [192.0.2.1]}]\n",
	         "ports[0].driver"},
	};

	char text[2048], before[2048], head[1024];

	CU_ASSERT_EQUAL(ask("GET", "/v1/config", ""), 200);
	snprintf(before, sizeof(before), "%s", strstr(answer, "\r\n\r\n"));
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		// The row's mapping takes the place of the one in the head.
		bool user = strncmp(rows[i].more, "user", 4) == 0;
		bool data_user = strncmp(rows[i].more, "dataplane_user", 14) == 0;
		bool ports = strncmp(rows[i].more, "ports", 5) == 0;
		bool topology = strncmp(rows[i].more, "topology", 8) == 0;
		snprintf(
		        head, sizeof(head), "instance: httptest\n%s%sworkers: {cpus: [0]}\n%s",
		        user ? "" : "user: \"\"\n", data_user ? "" : "dataplane_user: \"\"\n",
		        ports ? ""
		              : "ports: [{name: p0, driver: loop, device: a, addresses: "
		                "[192.0.2.1]}]\n"
		);
		snprintf(
		        text, sizeof(text), "%srun_dir: %s\nstate_dir: %s/state\n%s%s%s%s", head,
		        folder, folder, topology ? "" : "topology: ", topology ? "" : topology_path,
		        topology ? "" : "\n", rows[i].more
		);
		CU_ASSERT_EQUAL(put("If-Match: *\r\n", text), 403);
		CU_ASSERT_TRUE(says("\"not_over_rest\"") && says(rows[i].key) && says("as root"));
		CU_ASSERT_FALSE(file_has(config_path, rows[i].more));
	}
	CU_ASSERT_EQUAL(ask("GET", "/v1/config", ""), 200);
	CU_ASSERT_STRING_EQUAL(strstr(answer, "\r\n\r\n"), before);
	// The file's owner may.
	config_make(text, sizeof(text), "rest: {unix: /tmp/elsewhere.sock}\n");
	CU_ASSERT_EQUAL(write_file(config_path, text), 0);
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	CU_ASSERT_TRUE(says("\"restart_control_plane\""));
	config_make(text, sizeof(text), "");
	CU_ASSERT_EQUAL(write_file(config_path, text), 0);
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	CU_ASSERT_FALSE(says("\"restart_control_plane\""));
}

static void test_audit(void)
{
	CU_ASSERT_TRUE(audited("POST", "/v1/messages", "local", 503) > 0);
	CU_ASSERT_TRUE(audited("PUT", "/v1/config", "local", 412) > 0);
	CU_ASSERT_EQUAL(audited("PUT", "/v1/config", "%", 401), 0); // a stranger's is counted
	CU_ASSERT_EQUAL(audited("GET", "%", "%", 200), 0);
	CU_ASSERT_EQUAL(fog_audit_chain_flush(node_platform_audit(node)), 0);
	CU_ASSERT_TRUE(audited("", "", "system", 0) > 0);
	CU_ASSERT_EQUAL(ask("GET", "/v1/audit/export", ""), 200);
	CU_ASSERT_TRUE(says("application/jsonl") && says("\"audit.start\""));
	CU_ASSERT_FALSE(says("Content-Length")); // nobody knows how much it will be
	CU_ASSERT_EQUAL(ask("GET", "/v1/audit/export?format=csv&action=nothing", ""), 200);
	CU_ASSERT_TRUE(says("text/csv") && says("id,chain,sequence"));
}

// A topology that lists this node: the generation appears, and only the data plane is missing.
static void test_topology(void)
{
	char text[1024], id[65], key[65];

	CU_ASSERT_PTR_NOT_NULL_FATAL(node->key);
	snprintf(
	        text, sizeof(text),
	        "network: {name: t, links: none}\nnodes:\n"
	        "  - {name: me, id: %s, mix_key: %s, address: 192.0.2.1, role: gateway}\n"
	        "  - {name: m, id: %064d, mix_key: %064d, address: 192.0.2.2, role: mix, layer: 1}\n",
	        sodium_bin2hex(id, 65, node->identity->node_id, 32),
	        sodium_bin2hex(key, 65, node->key->public_key, 32), 9, 9
	);
	CU_ASSERT_EQUAL(write_file(topology_path, text), 0);
	fog_node_topology_poll(node, false);
	CU_ASSERT_EQUAL(ask("GET", "/readyz", ""), 503);
	CU_ASSERT_FALSE(says("topology"));
	CU_ASSERT_TRUE(says("\"no_data_plane\""));
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	CU_ASSERT_TRUE(says("\"name\":\"me\"") && says("\"generation\":1"));
	CU_ASSERT_TRUE(says("\"links_none\""));
	CU_ASSERT_EQUAL(ask("GET", "/v1/nodes", ""), 200);
	CU_ASSERT_TRUE(says("\"self\":true") && says("\"packet_bytes\":1408"));
	CU_ASSERT_EQUAL(ask("POST", "/v1/messages", "{\"to\":\"x\",\"text\":\"x\"}"), 422);
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/messages", "{\"to\":\"m\",\"text\":\"x\"}"), 422
	); // no mix
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/messages", "{\"to\":\"m\",\"path\":[\"m\"],\"text\":\"x\"}"), 503
	);
	CU_ASSERT_TRUE(says("\"no_data_plane\""));
	// A broken file doesn't replace a good one.
	CU_ASSERT_EQUAL(
	        write_file(topology_path, "network: {name: t, links: none}\nnodes: []\n"), 0
	);
	fog_node_topology_poll(node, false);
	CU_ASSERT_EQUAL(ask("GET", "/v1/nodes", ""), 200);
	CU_ASSERT_TRUE(says("\"self\":true"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	CU_ASSERT_TRUE(says("\"topology_refused\""));
}

static void test_deny(void)
{
	CU_ASSERT_EQUAL(ask("POST", "/v1/filter/deny", "{\"prefix\":\"203.0.113.0/24\"}"), 200);
	CU_ASSERT_EQUAL(ask("GET", "/v1/filter/deny", ""), 200);
	CU_ASSERT_TRUE(says("[{\"prefix\":\"203.0.113.0/24\",\"from\":\"operator\"}]"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	CU_ASSERT_TRUE(says("\"port_without_filter\"")); // its one port is a loop
	CU_ASSERT_EQUAL(ask("POST", "/v1/filter/deny", "{\"prefix\":\"203.0.113.0/23\"}"), 422);
	CU_ASSERT_TRUE(says("write 203.0.112.0/23"));
	// 192.0.2.1 is ours, 192.0.2.2 another node's.
	CU_ASSERT_EQUAL(ask("POST", "/v1/filter/deny", "{\"prefix\":\"192.0.2.0/31\"}"), 200);
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/filter/deny", "{\"prefix\":[\"10.0.0.0/8\",\"192.0.2.0/30\"]}"),
	        422
	);
	CU_ASSERT_TRUE(says("192.0.2.0/30 holds node 'm' (192.0.2.2)") && says("force"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/filter/deny", ""), 200);
	CU_ASSERT_FALSE(says("10.0.0.0/8")); // all or nothing
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/filter/deny", "{\"prefix\":\"192.0.2.0/30\",\"force\":true}"), 200
	);
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	CU_ASSERT_TRUE(says("\"node_denied\"") && says("holds node 'm'"));
	CU_ASSERT_EQUAL(ask("GET", "/metrics", ""), 200);
	CU_ASSERT_TRUE(says("\nfog_filter_denied_prefixes 3\n"));
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/filter/deny", ""), 400);
	CU_ASSERT_TRUE(says("the parameter prefix is missing"));
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/filter/deny?prefix=192.0.2.9/30", ""), 422);
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/filter/deny?prefix=%ff", ""), 400);
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/filter/deny?prefix=192.0.2.0/29", ""), 404);
	CU_ASSERT_TRUE(says("192.0.2.0/29 is not denied"));
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/filter/deny?prefix=192.0.2.0/30", ""), 200);
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/filter/deny?prefix=192.0.2.0%2F31", ""), 200);
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	CU_ASSERT_FALSE(says("\"node_denied\""));
	CU_ASSERT_TRUE(audited("DELETE", "/v1/filter/deny?prefix=192.0.2.0/30", "local", 200) > 0);
	CU_ASSERT_TRUE(audited("PATCH", "/v1/filter", "local", 400) > 0);
}

// The list of the file counts too, and is not for operators to shorten.
static void test_deny_full(void)
{
	size_t len = FOG_DENY_MAX * 24 + 64, at;
	char *body = malloc(len), text[2048];

	config_make(text, sizeof(text), "filter: {deny: [198.51.100.0/24]}\n");
	CU_ASSERT_EQUAL(put("If-Match: *\r\n", text), 200);
	CU_ASSERT_EQUAL(ask("DELETE", "/v1/filter/deny?prefix=198.51.100.0/24", ""), 404);
	CU_ASSERT_TRUE(says("denied by the configuration file: remove it there"));
	at = (size_t)sprintf(body, "{\"prefix\":[\"10.0.0.0\"");
	for (unsigned i = 1; i < FOG_DENY_MAX - 2; i++) // 203.0.113.0/24 is there from before
		at += (size_t)sprintf(body + at, ",\"10.0.%u.%u\"", i >> 8, i & 255);
	sprintf(body + at, "]}");
	CU_ASSERT_EQUAL(ask("POST", "/v1/filter/deny", body), 200);
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/filter/deny", "{\"prefix\":\"10.0.0.7\"}"), 200
	); // is there
	CU_ASSERT_EQUAL(ask("POST", "/v1/filter/deny", "{\"prefix\":\"172.16.0.0/12\"}"), 409);
	CU_ASSERT_TRUE(says("4096 denied prefixes are the most"));
	// Nor may the file grow over what operators have denied.
	config_make(text, sizeof(text), "filter: {deny: [198.51.100.0/24, 172.16.0.0/12]}\n");
	CU_ASSERT_EQUAL(put("If-Match: *\r\n", text), 422);
	CU_ASSERT_TRUE(says("operators have denied 4095 more, 4096 are the most"));
	CU_ASSERT_FALSE(file_has(config_path, "172.16"));
	CU_ASSERT_EQUAL(ask("POST", "/v1/filter/deny", "{\"prefix\":\"198.51.100.0/24\"}"), 200);
	CU_ASSERT_EQUAL(ask("GET", "/v1/filter/deny", ""), 200);
	CU_ASSERT_TRUE(says("{\"prefix\":\"198.51.100.0/24\",\"from\":\"both\"}"));
	free(body);
}

static void *wait_for_message(void *status)
{
	*(int *)status = ask("GET", "/v1/messages?wait=30", "");
	return NULL;
}

// A waiting client gets its answer as soon as there is a message, and an empty one at the end.
static void test_wait(void)
{
	static const uint8_t boot[16] = {1};
	struct fog_deliver d = {.flags = FOG_DELIVER_RECIPIENT};
	uint8_t data[FOG_SPHINX_PACKET_MAX] = {0};
	const struct fog_geometry *geo = &node->topology->geometry;
	pthread_t thread;
	int status = 0;

	CU_ASSERT_EQUAL(ask("GET", "/v1/messages?wait=1", ""), 200);
	CU_ASSERT_TRUE(says("{\"messages\":[],\"next\":0}"));
	pthread_create(&thread, NULL, wait_for_message, &status);
	usleep(200000);
	d.data_len = 32u + geo->payload_len;
	fog_message_encode(geo, NULL, "news \xff", 6, data + 32);
	CU_ASSERT_EQUAL(fog_inbox_deliver(node->inbox, geo, 0, boot, 1, &d, data), 0);
	// Woken by the message, not by the end of its 30 seconds.
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	int late = pthread_timedjoin_np(thread, NULL, &end);
	CU_ASSERT_EQUAL(late, 0);
	if (late != 0)
		pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(status, 200);
	CU_ASSERT_TRUE(says("\"data\":\"bmV3cyD/\",\"text\":null,\"surb\":false"));
	CU_ASSERT_TRUE(says("\"next\":1"));
	// What is there is answered at once, whatever the wait, and once.
	struct timespec asked, answered;
	clock_gettime(CLOCK_MONOTONIC, &asked);
	CU_ASSERT_EQUAL(ask("GET", "/v1/messages?wait=30", ""), 200);
	clock_gettime(CLOCK_MONOTONIC, &answered);
	CU_ASSERT_TRUE(answered.tv_sec - asked.tv_sec < 20);
	CU_ASSERT_TRUE(says("\"next\":1"));
	CU_ASSERT_EQUAL(ask("POST", "/v1/messages", "{\"reply_to\":1,\"text\":\"x\"}"), 503);
}

static void test_listen(void)
{
	char path[128];
	int fd, again;

	snprintf(path, sizeof(path), "%s/deep/er/x.sock", folder);
	fd = fog_listen_unix(path, geteuid(), getegid());
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fog_listen_unix(path, geteuid(), getegid()), -EADDRINUSE); // it lives
	close(fd);
	again = fog_listen_unix(path, geteuid(), getegid()); // it is dead
	CU_ASSERT_TRUE(again >= 0);
	close(again);
	CU_ASSERT_EQUAL(fog_listen_tcp("127.0.0.1"), -EINVAL);
	CU_ASSERT_EQUAL(fog_listen_tcp("localhost:80"), -EINVAL);
	again = fog_listen_tcp("[::1]:0");
	CU_ASSERT_TRUE(again >= 0 || again == -EADDRNOTAVAIL || again == -EAFNOSUPPORT);
	if (again >= 0)
		close(again);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"probes and views without a data plane", test_probes},
	        {"refusals", test_refusals},
	        {"bodies", test_bodies},
	        {"every route asks who is there", test_every_route},
	        {"token", test_token},
	        {"token file", test_token_file},
	        {"configuration", test_config},
	        {"configuration that only root changes", test_config_local},
	        {"trace in production", test_trace_production},
	        {"loops", test_loops},
	        {"log levels", test_log_levels},
	        {"audit", test_audit},
	        {"topology", test_topology},
	        {"filter", test_http_filter},
	        {"deny list", test_deny},
	        {"full deny list", test_deny_full},
	        {"managed nodes", test_http_betanet},
	        {"benchmarks", test_http_benchmarks},
	        {"the host", test_http_host},
	        {"managed nodes are deployed", test_http_betanet_deploy},
	        {"waiting for a message", test_wait},
	        {"cover", test_http_cover},
	        {"epochs", test_http_epochs},
	        {"cover of an encrypted network", test_http_cover_noise},
	        {"slow senders", test_http_slow},
	        {"listening sockets", test_listen},
	        {"privileges", test_http_privileges},
	        CU_TEST_INFO_NULL,
	};
	if (start() != 0) {
		fprintf(stderr, "the server under test does not start\n");
		return 1;
	}
	int r = check_run("http", tests);
	return stop() == 0 ? r : 1;
}
