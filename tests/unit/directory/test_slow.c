// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Strangers who read as slowly as they like, over real connections, against who wants an answer at once. The
// listener's clock is put forward by the test; everything else takes the time that it takes.
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "../run.h"

#include "../../../controlplane/directory/fetch.h"
#include "../../../controlplane/directory/serve.h"
#include "../../../controlplane/now.h"

// Of answers of this size, so many fill what strangers may hold.
enum {
	LARGE = 4 << 20,
	FILL = (64 << 20) / LARGE,
	READERS_MAX = 64,
	OF_SOURCE = 3,
	PATIENCE_MS = 60000,
	SIP_MS = 500
};

static uint8_t seed[32];
static atomic_int later_s;

int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	int r = __real_clock_gettime(id, t);

	t->tv_sec += later_s;
	return r;
}

// Whatever stands in the path is in all of the answer.
static void request(
        void *ctx, const char *method, const char *path, const uint8_t *body, size_t len,
        struct fog_serve_answer *answer
)
{
	(void)ctx;
	(void)method;
	(void)body;
	(void)len;
	answer->status = 200;
	answer->type = "application/octet-stream";
	answer->len = LARGE;
	answer->data = malloc(LARGE);
	memset(answer->data, path[1], LARGE);
}

static struct fog_serve *server(struct fog_fetch_peer *peer)
{
	static const struct fog_serve_ops ops = {.request = request};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), small = 65536;
	const struct fog_serve_params params = {.fd = fd, .tls_seed = seed};
	struct fog_serve *s = NULL;
	uint8_t secret[64];
	void *generic = &at;
	socklen_t len = sizeof(at);

	// What the kernel holds for a connection is not the listener's memory.
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	CU_ASSERT_FATAL(fd >= 0 && bind(fd, generic, len) == 0 && listen(fd, 128) == 0);
	CU_ASSERT_FATAL(getsockname(fd, generic, &len) == 0);
	*peer = (struct fog_fetch_peer){.address = {.family = 4}, .port = ntohs(at.sin_port)};
	memcpy(peer->address.addr, &at.sin_addr, 4);
	crypto_sign_seed_keypair(peer->tls_key, secret, seed);
	CU_ASSERT_EQUAL_FATAL(fog_serve_create(&params, &ops, NULL, &s), 0);
	return s;
}

struct reader {
	CURL *easy;
	char from[16], path;
	size_t got;
	unsigned sips; // pieces that it may read now
	uint64_t next_ms; // when it may read one more
	bool over;
};

static CURLM *multi;
static struct reader reader[READERS_MAX];
static bool greedy;

// One piece, and then no more until it is let go on.
static size_t reader_reads(char *data, size_t one, size_t len, void *user)
{
	struct reader *r = user;

	if (r->sips == 0)
		return CURL_WRITEFUNC_PAUSE;
	r->sips--;
	for (size_t i = 0; i < len * one; i++)
		if (data[i] != r->path)
			return CURL_WRITEFUNC_ERROR;
	r->got += len * one;
	return len * one;
}

static int reader_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	int small = 4096;

	(void)user;
	(void)purpose;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	return CURL_SOCKOPT_OK;
}

static void reader_add(struct reader *r, unsigned number, uint16_t port, char path)
{
	char url[64];

	*r = (struct reader){.easy = curl_easy_init(), .path = path, .sips = 1};
	snprintf(r->from, sizeof(r->from), "127.0.1.%u", 1 + number / OF_SOURCE);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/%c", port, path);
	curl_easy_setopt(r->easy, CURLOPT_URL, url);
	curl_easy_setopt(r->easy, CURLOPT_INTERFACE, r->from);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, reader_reads);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, (char *)r);
	curl_easy_setopt(r->easy, CURLOPT_SOCKOPTFUNCTION, reader_socket);
	curl_easy_setopt(r->easy, CURLOPT_BUFFERSIZE, 1024L);
	curl_multi_add_handle(multi, r->easy);
}

// How many of them get something, and how many have come to an end.
static void readers_count(unsigned *getting, unsigned *over)
{
	*getting = *over = 0;
	for (unsigned i = 0; i < READERS_MAX; i++) {
		*getting += reader[i].got > 0 && !reader[i].over;
		*over += reader[i].over;
	}
}

// Each reads a piece of 1 kB each half second, or all that comes once nothing holds it back.
static void readers_sip(void)
{
	uint64_t now_ms = fog_now_ms();

	for (unsigned i = 0; i < READERS_MAX; i++) {
		struct reader *r = &reader[i];
		if (r->easy == NULL || r->over || now_ms < r->next_ms)
			continue;
		r->next_ms = now_ms + SIP_MS;
		r->sips = greedy ? UINT_MAX : 1;
		curl_easy_pause(r->easy, CURLPAUSE_CONT);
	}
}

static void readers_go_on(void)
{
	int running, messages;
	char *who = NULL;

	readers_sip();
	curl_multi_perform(multi, &running);
	for (CURLMsg *m; (m = curl_multi_info_read(multi, &messages)) != NULL;) {
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &who);
		((struct reader *)(void *)who)->over = true;
	}
	curl_multi_poll(multi, NULL, 0, 10, NULL);
}

// Whoever was too slow even to be let in tries again.
static void readers_again(void)
{
	for (unsigned i = 0; i < READERS_MAX; i++) {
		struct reader *r = &reader[i];
		if (!r->over)
			continue;
		r->over = false;
		r->got = 0;
		r->sips = 1;
		curl_multi_remove_handle(multi, r->easy);
		curl_multi_add_handle(multi, r->easy);
	}
}

struct asker {
	const struct fog_fetch_peer *peer;
	long status; // HTTP, or -errno
};

static void *ask(void *user)
{
	struct fog_fetch_answer answer;
	char text[FOG_FETCH_TEXT_LEN];
	struct asker *a = user;

	a->status = fog_fetch(a->peer, "/b", NULL, 0, LARGE, &answer, text);
	if (a->status == 0)
		a->status = answer.status;
	free(answer.data);
	return NULL;
}

// What somebody from elsewhere is answered, while the readers read on. He asks again where the machine is too slow.
static long honest(const struct fog_fetch_peer *peer)
{
	struct asker a = {.peer = peer, .status = -1};
	uint64_t end_ms = fog_now_ms() + PATIENCE_MS;

	while (a.status < 0 && fog_now_ms() < end_ms) {
		pthread_t thread;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, ask, &a), 0);
		while (pthread_tryjoin_np(thread, NULL) != 0)
			readers_go_on();
	}
	return a.status;
}

static void readers_begin(unsigned count, uint16_t port, const char *paths)
{
	unsigned getting = 0, over = 0;
	uint64_t end_ms = fog_now_ms() + PATIENCE_MS;

	memset(reader, 0, sizeof(reader));
	greedy = false;
	multi = curl_multi_init();
	for (unsigned i = 0; i < count; i++)
		reader_add(&reader[i], i, port, paths[i % strlen(paths)]);
	while (getting < count && fog_now_ms() < end_ms) {
		readers_again();
		readers_go_on();
		readers_count(&getting, &over);
	}
	CU_ASSERT_EQUAL(getting, count);
}

static void readers_end(void)
{
	for (unsigned i = 0; i < READERS_MAX; i++) {
		if (reader[i].easy == NULL)
			continue;
		curl_multi_remove_handle(multi, reader[i].easy);
		curl_easy_cleanup(reader[i].easy);
	}
	curl_multi_cleanup(multi);
}

// Many times what strangers may hold, if each had the answer to himself.
static void test_same(void)
{
	struct fog_fetch_peer peer;
	struct fog_serve *s = server(&peer);

	readers_begin(READERS_MAX, peer.port, "ab");
	CU_ASSERT_EQUAL(honest(&peer), 200);
	readers_end();
	fog_serve_destroy(s);
}

// Different answers do fill it, until the readers' time is over.
static void test_different(void)
{
	struct fog_fetch_peer peer;
	struct fog_serve *s = server(&peer);
	unsigned getting, over;
	long status = 0;

	readers_begin(FILL, peer.port, "ACDEFGHIJKLMNOPQ");
	CU_ASSERT_EQUAL(honest(&peer), 503);
	later_s += 600;
	for (int i = 0; i < 200 && status != 200; i++)
		status = honest(&peer);
	CU_ASSERT_EQUAL(status, 200);
	greedy = true; // they see it when they have read what the kernel has for them
	uint64_t end_ms = fog_now_ms() + PATIENCE_MS;
	for (over = 0; over < FILL && fog_now_ms() < end_ms;) {
		readers_go_on();
		readers_count(&getting, &over);
	}
	CU_ASSERT_EQUAL(over, FILL);
	readers_end();
	fog_serve_destroy(s);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"slow readers of the same", test_same},
	        {"slow readers of different answers", test_different},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return 1;
	randombytes_buf(seed, sizeof(seed));
	return check_run("slow", tests);
}
