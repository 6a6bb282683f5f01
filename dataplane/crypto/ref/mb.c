// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// HMAC-SHA-256 and HKDF-Expand on ipsec-mb's synchronous bursts, for CPUs without the SHA extensions.
// A manager is scratch space of one thread; it is made at the thread's first call and freed when the
// thread ends.
#include "../kdf.h"
#include "../ops.h"
#include "ref.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Messages a burst: more fill no further lanes and only cost stack.
enum { MB_BURST = 16 };

enum { MB_HASH_LEN = 32 };

// SHA-256 state after the key block of each of HMAC's two hashes.
struct mb_hmac_key {
	uint32_t inner[8];
	uint32_t outer[8];
};

static pthread_key_t mb_at_exit;
// The library chooses its code by CPUID on first use and keeps the choice in globals.
static pthread_mutex_t mb_make_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local IMB_MGR *mb_mgr;

static void mb_destroy(void *mgr)
{
	free_mb_mgr(mgr);
}

int ref_mb_init(void)
{
	return pthread_key_create(&mb_at_exit, mb_destroy) == 0 ? 0 : -ENOMEM;
}

int ref_mb_thread_init(void)
{
	IMB_MGR *mgr;

	if (mb_mgr != NULL)
		return 0;
	pthread_mutex_lock(&mb_make_lock);
	mgr = alloc_mb_mgr(0);
	if (mgr != NULL)
		init_mb_mgr_auto(mgr, NULL);
	pthread_mutex_unlock(&mb_make_lock);
	if (mgr == NULL)
		return -ENOMEM;
	if (pthread_setspecific(mb_at_exit, mgr) != 0) {
		free_mb_mgr(mgr);
		return -ENOMEM;
	}
	mb_mgr = mgr;
	return 0;
}

struct IMB_MGR *ref_mb_get(void)
{
	// The ops can't fail, and a packet can't be handled without them.
	if (ref_mb_thread_init() < 0) {
		fputs("crypto: no memory for a thread's ipsec-mb manager; "
		      "call fog_crypto_thread_init() where the error can be handled\n",
		      stderr);
		abort();
	}
	return mb_mgr;
}

// A burst that comes back short means wrong arguments: unauthenticated output must not go on.
static void mb_check(IMB_MGR *mgr, uint32_t done, uint32_t want)
{
	if (done == want)
		return;
	fprintf(stderr,
	        "crypto: ipsec-mb did %u of %u jobs: %s: install the libipsec-mb1 of Debian 12\n",
	        done, want, imb_get_strerror(imb_get_errno(mgr)));
	abort();
}

static void mb_hmac_key_init(IMB_MGR *mgr, struct mb_hmac_key *k, const uint8_t key[32])
{
	uint8_t block[64];

	memset(block, 0x36, sizeof(block));
	for (unsigned i = 0; i < 32; i++)
		block[i] ^= key[i];
	IMB_SHA256_ONE_BLOCK(mgr, block, k->inner);
	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	IMB_SHA256_ONE_BLOCK(mgr, block, k->outer);
	sodium_memzero(block, sizeof(block));
}

static void mb_hmac_job(
        IMB_JOB *job, const struct mb_hmac_key *k, const uint8_t *msg, size_t len, uint8_t *mac
)
{
	job->src = msg;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = len;
	job->auth_tag_output = mac;
	job->auth_tag_output_len_in_bytes = MB_HASH_LEN;
	job->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)k->inner;
	job->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)k->outer;
}

static void mb_hmac_some(
        IMB_MGR *mgr, unsigned n, uint8_t *const mac[], const uint8_t *const key[],
        const uint8_t *const msg[], size_t len
)
{
	struct mb_hmac_key k[MB_BURST];
	IMB_JOB job[MB_BURST] = {0};

	for (unsigned i = 0; i < n; i++) {
		mb_hmac_key_init(mgr, &k[i], key[i]);
		mb_hmac_job(&job[i], &k[i], msg[i], len, mac[i]);
	}
	mb_check(mgr, IMB_SUBMIT_HASH_BURST(mgr, job, n, IMB_AUTH_HMAC_SHA_256), n);
	sodium_memzero(k, sizeof(k));
}

void ref_mb_hmac(
        unsigned n, uint8_t *const mac[], const uint8_t *const key[], const uint8_t *const msg[],
        size_t len
)
{
	IMB_MGR *mgr = ref_mb_get();

	for (unsigned i = 0; i < n; i += MB_BURST) {
		unsigned some = n - i < MB_BURST ? n - i : MB_BURST;
		mb_hmac_some(mgr, some, mac + i, key + i, msg + i, len);
	}
}

// T(i) = HMAC(secret, T(i-1) | info | i), i from 1, and the output is T(1) | T(2) | ..
static void mb_expand_some(
        IMB_MGR *mgr, unsigned n, uint8_t *const okm[], const uint8_t *const secret[]
)
{
	struct mb_hmac_key k[MB_BURST];
	IMB_JOB job[MB_BURST] = {0};
	uint8_t block[MB_BURST][MB_HASH_LEN + KDF_INFO_LEN + 1];

	for (unsigned i = 0; i < n; i++) {
		mb_hmac_key_init(mgr, &k[i], secret[i]);
		memcpy(block[i] + MB_HASH_LEN, kdf_info, KDF_INFO_LEN);
	}
	for (unsigned t = 0; t < KDF_OKM_LEN / MB_HASH_LEN; t++) {
		unsigned skip = t == 0 ? MB_HASH_LEN : 0;
		for (unsigned i = 0; i < n; i++) {
			if (t > 0)
				memcpy(block[i], okm[i] + (t - 1) * MB_HASH_LEN, MB_HASH_LEN);
			block[i][sizeof(block[i]) - 1] = t + 1;
			mb_hmac_job(
			        &job[i], &k[i], block[i] + skip, sizeof(block[i]) - skip,
			        okm[i] + t * MB_HASH_LEN
			);
		}
		mb_check(mgr, IMB_SUBMIT_HASH_BURST(mgr, job, n, IMB_AUTH_HMAC_SHA_256), n);
	}
	sodium_memzero(k, sizeof(k));
	sodium_memzero(block, sizeof(block));
}

void ref_mb_expand(unsigned n, uint8_t *const okm[], const uint8_t *const secret[])
{
	IMB_MGR *mgr = ref_mb_get();

	for (unsigned i = 0; i < n; i += MB_BURST) {
		unsigned some = n - i < MB_BURST ? n - i : MB_BURST;
		mb_expand_some(mgr, some, okm + i, secret + i);
	}
}
