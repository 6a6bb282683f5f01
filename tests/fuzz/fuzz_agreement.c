// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an authority takes from others: votes in their envelopes, signatures on consensuses, descriptors, proofs of
// equivocation. The first byte says which (bits 0 and 1), whether it is a right one with the input laid over (bit 2), and
// whether it is signed again afterwards by who may sign it (bit 3: a liar, or a node with strange wishes), and when it
// comes (bits 4 to 7). The authority then goes on to the end of its epoch, and must make its consensus of what is good.
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "../../controlplane/authority/agreement.h"
#include "../../controlplane/big_endian.h"
#include "../../log/log.h"
#include "fuzz_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KIND = 3, LAID_OVER = 4, SIGNED_AGAIN = 8, SELF = 0, AUTHOR = 1, RELAYS = 2 };

enum { VOTE, SIGNATURE, DESCRIPTOR, PROOF };

#define EPOCH_NS (UINT64_C(600) * 1000000000)
#define BEGIN_NS ((PARTS_EPOCH - 1) * EPOCH_NS)

struct authority {
	struct fog_agreement *agreement;
	struct fog_view *view;
};

// What it said is nobody's affair here.
static int ops_save(
        void *ctx, enum fog_statement_kind kind, uint64_t epoch, const void *data, size_t len
)
{
	return 0;
}

static int ops_load(
        void *ctx, enum fog_statement_kind kind, uint64_t epoch, uint8_t **data, size_t *len
)
{
	return -ENOENT;
}

static bool ops_denies(void *ctx, const uint8_t node_id[FOG_ID_LEN])
{
	return false;
}

static char folder[] = "/tmp/fuzz-agreement-XXXXXX";

static void folder_remove(void)
{
	rmdir(folder);
}

static struct authority authority_make(const struct parts *p)
{
	static const struct fog_agreement_ops ops = {
	        .save = ops_save, .load = ops_load, .denies = ops_denies};
	struct authority a = {0};
	static bool made;

	if (!made) {
		fog_log_level_set(FOG_LOG_ERROR);
		if (mkdtemp(folder) == NULL)
			abort();
		atexit(folder_remove);
		made = true;
	}
	if (fog_view_create(&p->net, folder, &a.view) < 0)
		abort();
	const struct fog_agreement_params params = {
	        .network = &p->net,
	        .self = SELF,
	        .secret_key = p->authority[SELF].secret,
	        .vrf_seed = p->authority[SELF].vrf_seed,
	        .view = a.view,
	        .ops = &ops,
	};
	if (fog_agreement_create(&params, &a.agreement) < 0)
		abort();
	return a;
}

static void authority_free(struct authority *a)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;

	fog_agreement_destroy(a->agreement);
	fog_view_destroy(a->view);
	while (dir != NULL && (e = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
}

static void vote_sign(const struct parts *p, uint8_t *vote, size_t len)
{
	struct fog_statement s = {.kind = FOG_STATEMENT_VOTE};

	memcpy(s.network, vote + 4, 32);
	s.epoch = fog_be_get(vote + 36, 8);
	crypto_generichash(s.digest, 32, vote, len - 64, NULL, 0);
	fog_statement_sign(&s, p->authority[AUTHOR].secret, vote + len - 64);
}

static void relay_sign(const struct parts *p, uint8_t *envelope, size_t len)
{
	uint8_t text[17 + 32 + 8 + 32] = "fogline relay v1", *at = text + 17;
	const uint8_t *vote = envelope + FOG_AGREEMENT_RELAY;

	memcpy(at, p->network, 32);
	at = fog_be_put(at + 32, fog_be_get(vote + 36, 8), 8);
	crypto_generichash(at, 32, vote, len - FOG_AGREEMENT_RELAY - 64, NULL, 0);
	crypto_sign_detached(envelope + 4, NULL, text, sizeof(text), p->authority[RELAYS].secret);
}

static uint8_t *right_vote(const struct parts *p, size_t *len)
{
	const struct parts_node *node[FUZZ_NODES];
	size_t n;

	for (unsigned i = 0; i < FUZZ_NODES; i++)
		node[i] = &p->node[i];
	uint8_t *vote = parts_vote_bytes(p, AUTHOR, PARTS_EPOCH, NULL, true, node, FUZZ_NODES, &n);
	uint8_t *out = calloc(1, *len = FOG_AGREEMENT_RELAY + n);
	if (vote == NULL || out == NULL)
		abort();
	out[0] = RELAYS;
	memcpy(out + FOG_AGREEMENT_RELAY, vote, n);
	relay_sign(p, out, *len);
	free(vote);
	return out;
}

static void signature_sign(const struct parts *p, uint8_t *data)
{
	struct fog_statement s = {
	        .kind = FOG_STATEMENT_CONSENSUS, .epoch = fog_be_get(data + 4, 8)};

	memcpy(s.network, p->network, 32);
	memcpy(s.digest, data + 12, 32);
	fog_statement_sign(&s, p->authority[AUTHOR].secret, data + 44);
}

static uint8_t *right_signature(const struct parts *p, size_t *len)
{
	uint8_t *out = calloc(1, *len = FOG_AGREEMENT_SIGNATURE);

	if (out == NULL)
		abort();
	out[0] = AUTHOR;
	fog_be_put(out + 4, PARTS_EPOCH, 8);
	signature_sign(p, out);
	return out;
}

// As the wire has them, whatever fog_descriptor_sign would say of them.
static void descriptor_sign(const struct parts *p, uint8_t *data, size_t len)
{
	static const char label[] = "fogline descriptor v2";
	uint8_t text[sizeof(label) + FOG_DESCRIPTOR_MAX];
	size_t body = len - FOG_DESCRIPTOR_SIGNATURE;

	memcpy(text, label, sizeof(label));
	memcpy(text + sizeof(label), data, body);
	crypto_sign_detached(data + body, NULL, text, sizeof(label) + body, p->node[0].keys.secret);
}

static uint8_t *right_descriptor(const struct parts *p, size_t *len)
{
	uint8_t *out = malloc(*len = p->node[0].len);

	if (out == NULL)
		abort();
	memcpy(out, p->node[0].data, *len);
	return out;
}

static void proof_sign(const struct parts *p, uint8_t *data)
{
	struct fog_statement s = {
	        .kind = (enum fog_statement_kind)data[1], .epoch = fog_be_get(data + 36, 8)};

	memcpy(s.network, data + 4, 32);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(s.digest, data + 76 + i * 96, 32);
		fog_statement_sign(&s, p->authority[AUTHOR].secret, data + 108 + i * 96);
	}
}

static uint8_t *right_proof(const struct parts *p, size_t *len)
{
	struct fog_equivocation e = {.kind = FOG_STATEMENT_VOTE, .epoch = PARTS_EPOCH};
	uint8_t *out = calloc(1, *len = FOG_EQUIVOCATION_LEN);

	if (out == NULL)
		abort();
	memcpy(e.network, p->network, 32);
	memcpy(e.identity, p->authority[AUTHOR].identity, 32);
	e.said[1].digest[0] = 1;
	fog_equivocation_put(&e, out);
	proof_sign(p, out);
	return out;
}

static uint8_t *right(const struct parts *p, unsigned kind, size_t *len)
{
	switch (kind) {
	case VOTE:
		return right_vote(p, len);
	case SIGNATURE:
		return right_signature(p, len);
	case DESCRIPTOR:
		return right_descriptor(p, len);
	default:
		return right_proof(p, len);
	}
}

static void sign_again(const struct parts *p, unsigned kind, uint8_t *bytes, size_t len)
{
	switch (kind) {
	case VOTE:
		vote_sign(p, bytes + FOG_AGREEMENT_RELAY, len - FOG_AGREEMENT_RELAY);
		if (bytes[0] == RELAYS)
			relay_sign(p, bytes, len);
		break;
	case SIGNATURE:
		signature_sign(p, bytes);
		break;
	case DESCRIPTOR:
		descriptor_sign(p, bytes, len);
		break;
	default:
		proof_sign(p, bytes);
	}
}

// Returns whether it was taken.
static bool take(
        struct authority *a, unsigned kind, const uint8_t *bytes, size_t len, uint64_t now_ns
)
{
	char text[FOG_JUDGE_TEXT_LEN] = "";
	int r;

	if (kind == PROOF) // of another length, nobody would have cut it out of what came
		return len == FOG_EQUIVOCATION_LEN && fog_view_prove(a->view, bytes) == 0;
	if (kind == VOTE)
		r = fog_agreement_vote(a->agreement, bytes, len, now_ns);
	else if (kind == SIGNATURE)
		r = fog_agreement_signature(a->agreement, bytes, len, now_ns);
	else
		r = fog_agreement_descriptor(a->agreement, bytes, len, now_ns, text);
	if (r < 0 || r >= FOG_REFUSAL_COUNT)
		abort();
	if (kind == DESCRIPTOR && (text[0] == '\0') != (r == FOG_REFUSAL_NONE))
		abort();
	return r == FOG_REFUSAL_NONE;
}

// Whatever it has taken, it can go on: relay, show, compute.
static void go_on(struct authority *a, uint64_t now_ns)
{
	struct fog_agreement_message m;
	uint8_t *votes = NULL;
	size_t len;

	for (unsigned to = 1; to < PARTS_AUTHORITIES; to++) {
		for (unsigned n = 0; fog_agreement_next(a->agreement, to, now_ns, &m); n++) {
			if (n > 2 * 2 * PARTS_AUTHORITIES)
				abort();
			fog_agreement_sent(a->agreement, to, m.token);
			free(m.data);
		}
	}
	fog_agreement_tick(a->agreement, BEGIN_NS + EPOCH_NS / 16 * 15);
	if (fog_agreement_votes(a->agreement, PARTS_EPOCH, &votes, &len) != 0)
		abort();
	free(votes);
	fog_agreement_lacks(a->agreement, BEGIN_NS + EPOCH_NS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parts *p = fuzz_parts();
	bool changed = true;
	uint8_t *bytes;
	size_t len;

	if (size == 0)
		return 0;
	unsigned kind = data[0] & KIND, how = data[0];
	// Descriptors are judged by the time that they were signed at.
	for (unsigned i = 0; i < FUZZ_NODES && p->node[i].d.time_ms != BEGIN_NS / 1000000; i++) {
		p->node[i].d.time_ms = BEGIN_NS / 1000000;
		parts_sign(&p->node[i]);
	}
	if (how & LAID_OVER) {
		bytes = right(p, kind, &len);
		changed = fuzz_lay_over(bytes, len, data + 1, size - 1);
		if (how & SIGNED_AGAIN)
			sign_again(p, kind, bytes, len);
	} else {
		bytes = malloc((len = size - 1) + 1);
		memcpy(bytes, data + 1, len);
	}
	struct authority a = authority_make(p);
	uint64_t now = BEGIN_NS + EPOCH_NS / 16 * (how >> 4);
	fog_agreement_tick(a.agreement, BEGIN_NS + EPOCH_NS / 8 * 2);
	fog_agreement_tick(a.agreement, now);
	bool taken = take(&a, kind, bytes, len, now);
	// Without its signer nothing of a right one may change, and nobody else makes one.
	if (taken && changed && (how & (LAID_OVER | SIGNED_AGAIN)) != (LAID_OVER | SIGNED_AGAIN))
		abort();
	// A right one that comes in its time is taken.
	if (!taken && !changed && how >> 4 >= 2 && (kind != VOTE || how >> 4 < 14))
		abort();
	go_on(&a, now);
	authority_free(&a);
	free(bytes);
	return 0;
}
