// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A control plane's audit as a process that may be killed.
//
// usage: audit_log_writer HEADS THREADS ROWS
// The store is at FOGLINE_STORE. Each thread appends ROWS rows (0: for ever) and says "SEQUENCE CORRELATION-ID" of every one
// that is acknowledged, in one write. At the end it says on stderr how many rows a second that were.
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../controlplane/audit/chain.h"
#include "../../../controlplane/now.h"
#include "../../../controlplane/store/db.h"

enum { THREADS_MAX = 64 };

static struct fog_audit_chain *chain;
static unsigned long rows;

static void *append(void *arg)
{
	char correlation[40], line[80];
	struct fog_audit_event e = {
	        .actor_kind = FOG_AUDIT_USER,
	        .actor_id = "17",
	        .actor_name = "Zoë",
	        .action = "user.update",
	        .object = "user/18",
	        .source = "192.0.2.7",
	        .correlation_id = correlation,
	        .method = "PATCH",
	        .path = "/v1/users/18?x=\"\\",
	        .status = 200,
	        .details = "{\"a\":[1,\"ü\"]}",
	};
	uint8_t digest[32], random[16];

	for (unsigned long i = 0; rows == 0 || i < rows; i++) {
		int64_t sequence;
		randombytes_buf(random, sizeof(random));
		randombytes_buf(digest, sizeof(digest));
		sodium_bin2hex(correlation, sizeof(correlation), random, sizeof(random));
		e.body_digest = i % 2 == 0 ? digest : NULL;
		e.outcome = i % 5;
		if (fog_audit_chain_append(chain, &e, &sequence) < 0) {
			if (rows > 0)
				exit(1);
			usleep(10 * 1000); // a store that is away comes back
			continue;
		}
		int n = snprintf(line, sizeof(line), "%lld %s\n", (long long)sequence, correlation);
		if (write(STDOUT_FILENO, line, (size_t)n) != n)
			exit(1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint8_t seed[32] = {7}, public_key[32], secret_key[64];
	char error[512] = "";
	struct fog_db *db = NULL;
	struct fog_db_params p = {
	        .url = getenv("FOGLINE_STORE"), .error = error, .error_len = sizeof(error)};
	pthread_t thread[THREADS_MAX];

	if (argc != 4 || p.url == NULL || sodium_init() < 0)
		return 2;
	unsigned threads = (unsigned)atoi(argv[2]);
	rows = strtoul(argv[3], NULL, 10);
	crypto_sign_seed_keypair(public_key, secret_key, seed);
	if (fog_db_open(&db, &p) < 0 ||
	    fog_db_migrate(db, &fog_schema_platform, 0, error, sizeof(error)) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	const struct fog_audit_params params = {db, secret_key, argv[1], false, NULL};
	if (threads < 1 || threads > THREADS_MAX || fog_audit_chain_open(&chain, &params) < 0)
		return 1;
	uint64_t begin = fog_now_ms();
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, append, NULL) != 0)
			return 1;
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	uint64_t ms = fog_now_ms() - begin;
	fprintf(stderr, "%.0f rows a second\n",
	        1000.0 * (double)(threads * rows) / (double)(ms > 0 ? ms : 1));
	fog_audit_chain_close(chain);
	fog_db_close(db);
	return 0;
}
