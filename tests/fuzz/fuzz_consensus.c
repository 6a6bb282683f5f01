// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Consensuses from anybody (first byte even), right ones with the input laid over (bit 0), and those signed
// again by three liars (bit 1), which may be good; both are read, and taken by a view. Bit 2: proofs of
// equivocation.
#include <unistd.h>

#include "../../controlplane/directory/view.h"
#include "fuzz_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sign_again(const struct parts *p, uint8_t *bytes, size_t body)
{
	struct fog_statement s = {.kind = FOG_STATEMENT_CONSENSUS};

	memcpy(s.network, bytes + 4, 32);
	for (unsigned i = 0; i < 8; i++)
		s.epoch = s.epoch << 8 | bytes[36 + i];
	crypto_generichash(s.digest, 32, bytes, body, NULL, 0);
	for (unsigned a = 0; a < PARTS_THRESHOLD; a++)
		fog_statement_sign(&s, p->authority[a].secret, bytes + body + 2 + a * 65);
}

// What is taken is used, and is gone with the folder.
static void viewed(const struct parts *p, const uint8_t *bytes, size_t len, int opened)
{
	char dir[] = "/tmp/fuzz-consensus-XXXXXX", path[64];
	struct fog_topology *t = NULL;
	struct fog_view *v = NULL;
	uint8_t beacon[32];
	bool news;

	if (mkdtemp(dir) == NULL || fog_view_create(&p->net, dir, &v) < 0)
		abort();
	int r = fog_view_take(v, bytes, len, parts_start(p, PARTS_EPOCH), &news);
	if (opened != FOG_REFUSAL_NONE ? r != opened : news != (r == FOG_REFUSAL_NONE))
		abort();
	fog_view_beacon(v, PARTS_EPOCH, beacon);
	for (unsigned settled = 0; settled < 2; settled++) {
		const struct fog_view_moment moment = {PARTS_EPOCH, true, settled};
		if (fog_view_topology(v, &moment, &t) == 0 && t->node_count > FUZZ_NODES)
			abort();
		fog_topology_free(t);
	}
	fog_view_prune(v, UINT64_MAX);
	fog_view_destroy(v);
	for (int e = -1; e <= 1; e++) {
		snprintf(path, sizeof(path), "%s/consensus-%d", dir, PARTS_EPOCH + e);
		unlink(path);
	}
	if (rmdir(dir) < 0)
		abort();
}

static void read_it(const struct parts *p, const uint8_t *bytes, size_t len, bool must, bool can)
{
	struct fog_consensus *c = NULL;
	int r = fog_consensus_open(bytes, len, &p->net, &c);

	if (r < 0 || r >= FOG_REFUSAL_COUNT || (r == FOG_REFUSAL_NONE) != (c != NULL))
		abort();
	if ((must && c == NULL) || (!can && c != NULL))
		abort();
	fog_consensus_free(c);
	// Only what isn't refused at once is worth a folder.
	if (r != FOG_REFUSAL_MALFORMED && r != FOG_REFUSAL_NETWORK)
		viewed(p, bytes, len, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct parts *p = fuzz_parts();
	struct fog_equivocation e;

	if (size == 0)
		return 0;
	if (data[0] & 4) {
		if (fog_equivocation_open(data + 1, size - 1, &e) == 0)
			abort(); // nobody has signed two
		return 0;
	}
	const struct fog_consensus *c = fuzz_consensus(p);
	size_t len = data[0] & 1 ? c->len : size - 1;
	uint8_t *bytes = malloc(len > 0 ? len : 1);
	if (data[0] & 1) {
		memcpy(bytes, c->data, len);
		bool changed = fuzz_lay_over(bytes, len, data + 1, size - 1);
		if (data[0] & 2)
			sign_again(p, bytes, c->body_len);
		read_it(p, bytes, len, !changed, !changed || data[0] & 2);
	} else {
		memcpy(bytes, data + 1, len);
		read_it(p, bytes, len, false, false);
	}
	free(bytes);
	return 0;
}
