// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Fetch and serve against each other over loopback, with the TLS of each: keys, limits, refusals.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "../run.h"

#include "../../../controlplane/directory/fetch_many.h"
#include "../../../controlplane/directory/serve.h"
#include "../../../controlplane/now.h"

enum { BODY_MAX = 100000, LONG = 200000, HELD = 300000, HOLDERS = 16 };

struct seen {
	char method[8], path[64];
	size_t len;
	unsigned calls;
};

static uint8_t seed[32], tls_key[32];

static void request(
        void *ctx, const char *method, const char *path, const uint8_t *body, size_t len,
        struct fog_serve_answer *answer
)
{
	struct seen *seen = ctx;
	size_t out = strcmp(path, "/directory/long") == 0 ? LONG : len;

	seen->calls++;
	snprintf(seen->method, sizeof(seen->method), "%s", method);
	snprintf(seen->path, sizeof(seen->path), "%s", path);
	seen->len = len;
	if (strcmp(path, "/directory/none") == 0) {
		fog_serve_refuse(answer, 404, "unknown", "there is no '%s'", path);
		return;
	}
	answer->status = 200;
	answer->type = "application/octet-stream";
	answer->data = malloc(out + 1);
	answer->len = out;
	memset(answer->data, 'x', out);
	if (len > 0)
		memcpy(answer->data, body, len);
}

static int listener(struct fog_fetch_peer *peer)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	void *generic = &at;
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CU_ASSERT_FATAL(fd >= 0 && bind(fd, generic, len) == 0 && listen(fd, 64) == 0);
	CU_ASSERT_FATAL(getsockname(fd, generic, &len) == 0);
	*peer = (struct fog_fetch_peer){.address = {.family = 4}, .port = ntohs(at.sin_port)};
	memcpy(peer->address.addr, &at.sin_addr, 4);
	memcpy(peer->tls_key, tls_key, 32);
	return fd;
}

static struct fog_serve *server(struct seen *seen, size_t body_max, struct fog_fetch_peer *peer)
{
	static const struct fog_serve_ops ops = {.request = request};
	const struct fog_serve_params params = {
	        .fd = listener(peer), .tls_seed = seed, .body_max = body_max};
	struct fog_serve *s = NULL;

	*seen = (struct seen){0};
	CU_ASSERT_EQUAL_FATAL(fog_serve_create(&params, &ops, seen, &s), 0);
	return s;
}

static void test_get_and_post(void)
{
	struct fog_fetch_peer peer;
	struct fog_fetch_answer answer;
	struct seen seen;
	struct fog_serve *s = server(&seen, BODY_MAX, &peer);
	char text[FOG_FETCH_TEXT_LEN];
	uint8_t body[BODY_MAX];

	CU_ASSERT_EQUAL(fog_fetch(&peer, "/directory/x", NULL, 0, 100, &answer, text), 0);
	CU_ASSERT(answer.status == 200 && answer.len == 0 && answer.data[0] == 0);
	CU_ASSERT_STRING_EQUAL(seen.method, "GET");
	CU_ASSERT_STRING_EQUAL(seen.path, "/directory/x");
	free(answer.data);

	randombytes_buf(body, sizeof(body));
	CU_ASSERT_EQUAL(
	        fog_fetch(&peer, "/directory/y", body, sizeof(body), BODY_MAX, &answer, text), 0
	);
	CU_ASSERT_FATAL(answer.status == 200 && answer.len == sizeof(body));
	CU_ASSERT_EQUAL(memcmp(answer.data, body, sizeof(body)), 0);
	CU_ASSERT_EQUAL(answer.data[answer.len], 0);
	CU_ASSERT_STRING_EQUAL(seen.method, "POST");
	free(answer.data);

	CU_ASSERT_EQUAL(fog_fetch(&peer, "/directory/none", NULL, 0, 4096, &answer, text), 0);
	CU_ASSERT_EQUAL(answer.status, 404);
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)answer.data, "\"code\":\"unknown\""));
	CU_ASSERT_PTR_NOT_NULL(strstr((char *)answer.data, "there is no '/directory/none'"));
	free(answer.data);
	fog_serve_destroy(s);
}

// Another key is refused before the request leaves.
static void test_pin(void)
{
	struct fog_fetch_peer peer;
	struct fog_fetch_answer answer;
	struct seen seen;
	struct fog_serve *s = server(&seen, BODY_MAX, &peer);
	char text[FOG_FETCH_TEXT_LEN];

	for (int i = 0; i < 32; i += 31) {
		peer.tls_key[i] ^= 1;
		CU_ASSERT_EQUAL(
		        fog_fetch(&peer, "/directory/x", "secret", 6, 100, &answer, text),
		        -EKEYREJECTED
		);
		CU_ASSERT(answer.data == NULL && strstr(text, "TLS key") != NULL);
		peer.tls_key[i] ^= 1;
	}
	CU_ASSERT_EQUAL(seen.calls, 0);
	fog_serve_destroy(s);
}

static void test_limits(void)
{
	struct fog_fetch_peer peer;
	struct fog_fetch_answer answer;
	struct seen seen;
	struct fog_serve *s = server(&seen, BODY_MAX, &peer);
	char text[FOG_FETCH_TEXT_LEN];
	uint8_t *body = calloc(1, BODY_MAX + 1);

	CU_ASSERT_EQUAL(
	        fog_fetch(&peer, "/directory/long", NULL, 0, LONG - 1, &answer, text), -EMSGSIZE
	);
	CU_ASSERT_EQUAL(fog_fetch(&peer, "/directory/long", NULL, 0, LONG, &answer, text), 0);
	CU_ASSERT_EQUAL(answer.len, LONG);
	free(answer.data);
	unsigned calls = seen.calls;
	CU_ASSERT_EQUAL(
	        fog_fetch(&peer, "/directory/x", body, BODY_MAX + 1, 4096, &answer, text), 0
	);
	CU_ASSERT_EQUAL(answer.status, 413);
	CU_ASSERT_EQUAL(seen.calls, calls);
	free(answer.data);
	fog_serve_destroy(s);

	s = server(&seen, 0, &peer); // read-only
	CU_ASSERT_EQUAL(fog_fetch(&peer, "/directory/x", body, 10, 4096, &answer, text), 0);
	CU_ASSERT_EQUAL(answer.status, 405);
	CU_ASSERT_EQUAL(seen.calls, 0);
	free(answer.data);
	fog_serve_destroy(s);
	free(body);
}

// Nobody listens; somebody listens and says nothing.
static void test_absent(void)
{
	struct fog_fetch_peer peer;
	struct fog_fetch_answer answer;
	char text[FOG_FETCH_TEXT_LEN];
	int fd = listener(&peer);

	CU_ASSERT_EQUAL(fog_fetch(&peer, "/", NULL, 0, 100, &answer, text), -ETIMEDOUT);
	CU_ASSERT_PTR_NULL(answer.data);
	close(fd);
	CU_ASSERT_EQUAL(fog_fetch(&peer, "/", NULL, 0, 100, &answer, text), -EHOSTUNREACH);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "no connection"));
}

static int plain(const struct fog_fetch_peer *peer)
{
	struct sockaddr_in at = {
	        .sin_family = AF_INET,
	        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	        .sin_port = htons(peer->port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0 && connect(fd, (const void *)&at, sizeof(at)) == 0);
	return fd;
}

// HTTP without TLS gets no answer of HTTP.
static void test_plain(void)
{
	static const char get[] = "GET /directory/consensus HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fog_fetch_peer peer;
	struct seen seen;
	struct fog_serve *s = server(&seen, 0, &peer);
	char in[512];
	int fd = plain(&peer);
	ssize_t n, all = 0;

	CU_ASSERT_EQUAL(send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(get) - 1);
	while ((n = recv(fd, in, sizeof(in) - 1, 0)) > 0) {
		in[n] = '\0';
		CU_ASSERT_PTR_NULL(strstr(in, "HTTP/"));
		all += n;
	}
	CU_ASSERT(all < 64); // an alert at most
	CU_ASSERT_EQUAL(seen.calls, 0);
	close(fd);
	fog_serve_destroy(s);
}

// One source that holds as many connections as it can gets no more, and each ends by itself.
static void test_crowd(void)
{
	struct fog_fetch_peer peer;
	struct fog_fetch_answer answer;
	struct seen seen;
	struct fog_serve *s = server(&seen, 0, &peer);
	char text[FOG_FETCH_TEXT_LEN], in[64];
	int fd[16], r = 0;

	for (int i = 0; i < 16; i++)
		fd[i] = plain(&peer);
	CU_ASSERT(fog_fetch(&peer, "/directory/x", NULL, 0, 100, &answer, text) < 0);
	for (int i = 0; i < 16; i++)
		while (recv(fd[i], in, sizeof(in), 0) > 0) // an alert of TLS
			;
	for (int tries = 0; tries < 20; tries++) {
		r = fog_fetch(&peer, "/directory/x", NULL, 0, 100, &answer, text);
		if (r == 0)
			break;
		usleep(100000);
	}
	CU_ASSERT_EQUAL(r, 0);
	free(answer.data);
	for (int i = 0; i < 16; i++)
		close(fd[i]);
	fog_serve_destroy(s);
}

// Most of a body, and then no more of it.
static size_t hold(char *out, size_t one, size_t len, void *user)
{
	size_t *left = user;

	len *= one;
	if (*left == 0)
		return CURL_READFUNC_PAUSE;
	len = len < *left ? len : *left;
	memset(out, 'x', len);
	*left -= len;
	return len;
}

static CURL *holder(const char *url, size_t *left)
{
	CURL *easy = curl_easy_init();

	*left = HELD;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_INTERFACE, "127.0.0.2"); // another source than ours
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)HELD + 1);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, hold);
	curl_easy_setopt(easy, CURLOPT_READDATA, left);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)left);
	return easy;
}

// For a fifth of a second. Whoever was shut out, because we had the last room for a moment, tries again.
static void holders_go_on(CURLM *multi)
{
	int running, messages;
	char *left = NULL;

	for (int i = 0; i < 20; i++) {
		curl_multi_perform(multi, &running);
		for (CURLMsg *m; (m = curl_multi_info_read(multi, &messages)) != NULL;) {
			CURL *easy = m->easy_handle;
			curl_easy_getinfo(easy, CURLINFO_PRIVATE, &left);
			*(size_t *)left = HELD;
			curl_multi_remove_handle(multi, easy);
			curl_multi_add_handle(multi, easy);
		}
		curl_multi_poll(multi, NULL, 0, 10, NULL);
		usleep(5000);
	}
}

static long post(const struct fog_fetch_peer *peer, size_t len)
{
	static const uint8_t body[BODY_MAX];
	struct fog_fetch_answer answer;
	char text[FOG_FETCH_TEXT_LEN];

	CU_ASSERT_EQUAL(fog_fetch(peer, "/directory/x", body, len, BODY_MAX, &answer, text), 0);
	free(answer.data);
	return answer.status;
}

// Bodies that never end take all room that there is for strangers; a descriptor finds some all the same.
static void test_held_bodies(void)
{
	CURLM *multi = curl_multi_init();
	struct fog_fetch_peer peer;
	size_t left[HOLDERS];
	CURL *easy[HOLDERS];
	struct seen seen;
	struct fog_serve *s = server(&seen, HELD + 1, &peer);
	long status = 0;
	char url[64];

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/directory/x", peer.port);
	for (int i = 0; i < HOLDERS; i++) {
		easy[i] = holder(url, &left[i]);
		curl_multi_add_handle(multi, easy[i]);
	}
	for (int tries = 0; tries < 100 && status != 503; tries++) {
		holders_go_on(multi);
		status = post(&peer, 5000);
	}
	CU_ASSERT_EQUAL(status, 503);
	CU_ASSERT_EQUAL(post(&peer, 1000), 200);
	for (int i = 0; i < HOLDERS; i++) {
		curl_multi_remove_handle(multi, easy[i]);
		curl_easy_cleanup(easy[i]);
	}
	curl_multi_cleanup(multi);
	fog_serve_destroy(s);
}

// An address whose packets nobody answers: a queue of connections that is full drops what asks for more.
// Returns the descriptor of its listener; those that fill it are in 'fill'.
static int black_hole(struct fog_fetch_peer *peer, int fill[4])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = listener(peer);

	CU_ASSERT_EQUAL_FATAL(listen(fd, 0), 0);
	at.sin_port = htons(peer->port);
	for (int i = 0; i < 4; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(fill[i], (const void *)&at, sizeof(at));
	}
	return fd;
}

static void black_hole_close(int fd, const int fill[4])
{
	for (int i = 0; i < 4; i++)
		close(fill[i]);
	close(fd);
}

// Wait for the next end; all of them come sooner or later.
static struct fog_fetch_done many_next(struct fog_fetch_many *m)
{
	struct fog_fetch_done done = {0};

	while (!fog_fetch_many_take(m, &done))
		fog_fetch_many_wait(m, 1000);
	return done;
}

// Who doesn't answer holds up nobody, and gives up in the end; what each gets is its own.
static void test_many(void)
{
	struct fog_fetch_peer peer, hole;
	struct seen seen;
	struct fog_serve *s = server(&seen, BODY_MAX, &peer);
	struct fog_fetch_many *m = NULL;
	struct fog_fetch_done done;
	int fill[4], fd = black_hole(&hole, fill), got[5] = {0}, ids[5];
	char body[] = "one";

	CU_ASSERT_EQUAL_FATAL(fog_fetch_many_create(&m), 0);
	CU_ASSERT_FALSE(fog_fetch_many_take(m, &done));
	CU_ASSERT_EQUAL(fog_fetch_many_start(m, &hole, "/x", NULL, 0, 100, &ids[0]), 0);
	CU_ASSERT_EQUAL(fog_fetch_many_start(m, &peer, "/directory/x", body, 3, 100, &ids[1]), 0);
	memcpy(body, "two", 3);
	CU_ASSERT_EQUAL(fog_fetch_many_start(m, &peer, "/directory/x", body, 3, 100, &ids[2]), 0);
	CU_ASSERT_EQUAL(
	        fog_fetch_many_start(m, &peer, "/directory/none", NULL, 0, 4096, &ids[3]), 0
	);
	peer.tls_key[0] ^= 1;
	CU_ASSERT_EQUAL(fog_fetch_many_start(m, &peer, "/directory/x", NULL, 0, 100, &ids[4]), 0);
	peer.tls_key[0] ^= 1;
	for (int i = 0; i < 5; i++) {
		done = many_next(m);
		size_t which = (size_t)((int *)done.what - ids);
		CU_ASSERT_FATAL(which < 5);
		got[which] = i + 1;
		if (which == 0)
			CU_ASSERT_EQUAL(done.error, -ETIMEDOUT);
		if (which == 1)
			CU_ASSERT(done.error == 0 && memcmp(done.answer.data, "one", 4) == 0);
		if (which == 2)
			CU_ASSERT(done.error == 0 && memcmp(done.answer.data, "two", 4) == 0);
		if (which == 3)
			CU_ASSERT(done.error == 0 && done.answer.status == 404);
		if (which == 4)
			CU_ASSERT(
			        done.error == -EKEYREJECTED && strstr(done.text, "TLS key") != NULL
			);
		free(done.answer.data);
	}
	CU_ASSERT(got[1] > 0 && got[2] > 0 && got[3] > 0 && got[4] > 0);
	CU_ASSERT_EQUAL(got[0], 5);
	CU_ASSERT_FALSE(fog_fetch_many_take(m, &done));
	fog_fetch_many_destroy(m);
	black_hole_close(fd, fill);
	fog_serve_destroy(s);
}

static void test_many_limits(void)
{
	static char path[1024];
	struct fog_fetch_peer hole;
	struct fog_fetch_many *m = NULL;
	struct fog_fetch_done done;
	int fill[4], fd = black_hole(&hole, fill);

	memset(path, 'x', sizeof(path) - 1);
	CU_ASSERT_EQUAL_FATAL(fog_fetch_many_create(&m), 0);
	CU_ASSERT_EQUAL(fog_fetch_many_start(m, &hole, path, NULL, 0, 100, NULL), -EINVAL);
	for (int i = 0; i < FOG_FETCH_MANY_MAX; i++)
		CU_ASSERT_EQUAL(fog_fetch_many_start(m, &hole, "/", NULL, 0, 100, NULL), 0);
	CU_ASSERT_EQUAL(fog_fetch_many_start(m, &hole, "/", NULL, 0, 100, NULL), -EBUSY);
	fog_fetch_many_wait(m, 10);
	CU_ASSERT_FALSE(fog_fetch_many_take(m, &done));
	// Breaking off takes no patience.
	uint64_t before = fog_now_ms();
	fog_fetch_many_destroy(m);
	CU_ASSERT(fog_now_ms() - before < FOG_FETCH_PATIENCE_MS / 2);
	fog_fetch_many_destroy(NULL);
	black_hole_close(fd, fill);
}

static void *waker(void *m)
{
	usleep(20000);
	fog_fetch_many_wake(m);
	return NULL;
}

static void test_many_wake(void)
{
	struct fog_fetch_peer hole;
	struct fog_fetch_many *m = NULL;
	int fill[4], fd = black_hole(&hole, fill);
	uint64_t before = fog_now_ms();
	pthread_t thread;

	CU_ASSERT_EQUAL_FATAL(fog_fetch_many_create(&m), 0);
	fog_fetch_many_wake(m);
	fog_fetch_many_wait(m, 600 * 1000); // it was woken before
	CU_ASSERT_EQUAL(fog_fetch_many_start(m, &hole, "/", NULL, 0, 100, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, waker, m), 0);
	fog_fetch_many_wait(m, 600 * 1000);
	pthread_join(thread, NULL);
	CU_ASSERT(fog_now_ms() - before < 300 * 1000);
	fog_fetch_many_destroy(m);
	black_hole_close(fd, fill);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"get and post", test_get_and_post},
	        {"pinned key", test_pin},
	        {"limits", test_limits},
	        {"absent", test_absent},
	        {"plain", test_plain},
	        {"crowd", test_crowd},
	        {"bodies that are held", test_held_bodies},
	        {"many at once", test_many},
	        {"limits of many", test_many_limits},
	        {"waking", test_many_wake},
	        CU_TEST_INFO_NULL,
	};
	uint8_t secret_key[64];

	if (sodium_init() < 0)
		return 1;
	randombytes_buf(seed, sizeof(seed));
	crypto_sign_seed_keypair(tls_key, secret_key, seed);
	return check_run("fetch", tests);
}
