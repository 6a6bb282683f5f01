// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Single-use reply blocks: a header made in advance, and one key for whoever replies.
#include "layout.h"
#include "wrap.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

int fog_surb_create(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_sphinx_path_hop *path, unsigned n, uint8_t *surb,
        struct fog_surb_keys *keys, fog_random_fn *random, void *random_ctx
)
{
	const struct fog_sphinx_wrap_job job = {.path = path, .pkt = surb};
	struct fog_sphinx_wrap_state state;
	uint8_t *first_hop = surb + geo->header_len, *key = first_hop + FOG_SPHINX_ID_LEN;
	int rc;

	if (n < 1 || n > geo->slots || !path[n - 1].has_recipient || !path[n - 1].has_surb)
		return -EINVAL;
	rc = wrap_headers(ops, geo, n, &job, 1, &state, random, random_ctx);
	if (rc < 0)
		goto out;
	memcpy(first_hop, path[0].id, FOG_SPHINX_ID_LEN);
	wrap_random(random, random_ctx, key, FOG_SPHINX_SURB_KEY_LEN);
	// The order in which the creator needs them: last hop first, the replier's key at the end.
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *okm = state.hop[n - 1 - i].okm;

		memcpy(keys->key[i], okm + OKM_AEZ_KEY, SURB_KEY_AEZ_LEN);
		memcpy(keys->key[i] + SURB_KEY_AEZ_LEN, okm + OKM_IV, SURB_KEY_IV_LEN);
	}
	memcpy(keys->key[n], key, FOG_SPHINX_SURB_KEY_LEN);
	keys->n = n + 1;
out:
	wrap_wipe(&state, n, 1);
	return rc;
}

int fog_surb_reply(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo, const uint8_t *surb,
        const uint8_t *payload, uint8_t *pkt, uint8_t first_hop[FOG_SPHINX_ID_LEN]
)
{
	const uint8_t *key = surb + geo->header_len + FOG_SPHINX_ID_LEN;
	const uint8_t *iv = key + SURB_KEY_AEZ_LEN;
	uint8_t *text = pkt + geo->header_len;

	if (!sodium_is_zero(surb, FOG_SPHINX_PREFIX_LEN))
		return -EINVAL;
	memcpy(pkt, surb, geo->header_len);
	memcpy(first_hop, surb + geo->header_len, FOG_SPHINX_ID_LEN);
	memset(text, 0, FOG_SPHINX_TAG_LEN);
	memcpy(text + FOG_SPHINX_TAG_LEN, payload, geo->payload_len);
	ops->aez_encrypt(1, &text, &key, &iv, FOG_SPHINX_TAG_LEN + geo->payload_len);
	return 0;
}

int fog_surb_open(
        const struct fog_crypto_ops *ops, const struct fog_geometry *geo,
        const struct fog_surb_keys *keys, uint8_t *tag_and_payload
)
{
	size_t len = FOG_SPHINX_TAG_LEN + geo->payload_len;

	if (keys->n < 2 || keys->n > geo->slots + 1)
		return -EINVAL;
	for (unsigned i = 0; i < keys->n; i++) {
		const uint8_t *key = keys->key[i], *iv = key + SURB_KEY_AEZ_LEN;

		// Every hop deciphered once; the replier enciphered.
		if (i + 1 < keys->n)
			ops->aez_encrypt(1, &tag_and_payload, &key, &iv, len);
		else
			ops->aez_decrypt(1, &tag_and_payload, &key, &iv, len);
	}
	return sodium_is_zero(tag_and_payload, FOG_SPHINX_TAG_LEN) ? 0 : -EBADMSG;
}
