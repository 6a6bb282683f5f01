// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AES-256-GCM by ipsec-mb's direct calls, which are as fast as its other ways in.
#include <intel-ipsec-mb.h>
#include <sodium.h>

#include "../equal.h"
#include "../ops.h"
#include "ref.h"

_Static_assert(sizeof(struct gcm_key_data) <= sizeof(struct fog_gcm_key), "fits");

static struct gcm_key_data *gcm_of(const struct fog_gcm_key *key)
{
	return (struct gcm_key_data *)key->expanded;
}

void ref_gcm_key(struct fog_gcm_key *out, const uint8_t key[32])
{
	IMB_MGR *mgr = ref_mb_get();

	IMB_AES256_GCM_PRE(mgr, key, gcm_of(out));
}

void ref_gcm_seal(unsigned n, const struct fog_gcm_job *jobs, size_t len)
{
	IMB_MGR *mgr = ref_mb_get();
	struct gcm_context_data ctx;

	for (const struct fog_gcm_job *j = jobs; j < jobs + n; j++)
		IMB_AES256_GCM_ENC(
		        mgr, gcm_of(j->key), &ctx, j->text, j->text, len, j->nonce, j->aad,
		        FOG_GCM_AAD, j->tag, FOG_GCM_TAG
		);
	sodium_memzero(&ctx, sizeof(ctx));
}

uint64_t ref_gcm_open(unsigned n, const struct fog_gcm_job *jobs, size_t len)
{
	IMB_MGR *mgr = ref_mb_get();
	struct gcm_context_data ctx;
	uint8_t tag[FOG_GCM_TAG];
	uint64_t bad = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct fog_gcm_job *j = &jobs[i];
		IMB_AES256_GCM_DEC(
		        mgr, gcm_of(j->key), &ctx, j->text, j->text, len, j->nonce, j->aad,
		        FOG_GCM_AAD, tag, sizeof(tag)
		);
		if (!fog_equal(tag, j->tag, sizeof(tag)))
			bad |= UINT64_C(1) << i;
	}
	sodium_memzero(&ctx, sizeof(ctx));
	sodium_memzero(tag, sizeof(tag));
	return bad;
}
