// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Files as fogctl consensus takes them: any bytes (first byte even), a right consensus with the input laid over
// (bit 0), a right proof with the input laid over (bit 1 alone). What nobody has signed is never found good, and
// what is refused has a name and words; what has a form can be shown and compared.
#include <jansson.h>

#include "../../controlplane/ctl/consensus.h"
#include "../../controlplane/http/routes/consensus_json.h"
#include "fuzz_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What is right is made and verified once: signatures would take most of the time.
static const uint8_t *right_proof(const struct parts *p)
{
	static uint8_t out[FOG_EQUIVOCATION_LEN];
	static bool made;
	struct fog_equivocation e = {.kind = FOG_STATEMENT_VOTE, .epoch = PARTS_EPOCH};

	if (made)
		return out;
	memcpy(e.network, p->network, 32);
	memcpy(e.identity, p->authority[1].identity, 32);
	for (unsigned i = 0; i < 2; i++) {
		struct fog_statement s = {.kind = e.kind, .epoch = e.epoch};
		memcpy(s.network, e.network, 32);
		memset(s.digest, (int)i + 1, sizeof(s.digest));
		memcpy(e.said[i].digest, s.digest, 32);
		fog_statement_sign(&s, p->authority[1].secret, e.said[i].signature);
	}
	fog_equivocation_put(&e, out);
	made = true;
	return out;
}

static const struct consensus_document *right_document(const struct parts *p)
{
	static struct consensus_document d = {.file = "good"};
	const struct fog_consensus *c = fuzz_consensus(p);

	if (d.consensus == NULL &&
	    (consensus_check(&d, c->data, c->len, &p->net) < 0 || d.refusal != NULL))
		abort();
	return &d;
}

static json_t *right_json(const struct parts *p)
{
	static json_t *a;

	if (a == NULL)
		a = fog_consensus_json(fuzz_consensus(p), &p->net);
	return json_incref(a);
}

static void show_it(const struct consensus_document *d, const struct parts *p)
{
	json_t *a = right_json(p);
	json_t *b = fog_consensus_json(d->consensus, d->refusal == NULL ? &p->net : NULL);
	json_t *there = a != NULL && b != NULL ? consensus_compare(a, b) : NULL;
	json_t *back = there != NULL ? consensus_compare(b, a) : NULL;

	if (back == NULL ||
	    json_array_size(json_object_get(there, "joined")) !=
	            json_array_size(json_object_get(back, "left")))
		abort();
	json_decref(a);
	json_decref(b);
	json_decref(there);
	json_decref(back);
}

// 'right': the bytes are what was signed.
static void check_it(const struct parts *p, const uint8_t *bytes, size_t len, bool right)
{
	struct consensus_document d = {.file = "it"}, good = *right_document(p);

	if (consensus_check(&d, bytes, len, &p->net) < 0)
		abort();
	if ((d.refusal == NULL) != right || (d.refusal != NULL && d.text[0] == '\0') ||
	    memchr(d.text, '\0', sizeof(d.text)) == NULL)
		abort();
	if (d.consensus != NULL)
		show_it(&d, p);
	consensus_check_twins(&d, &good, &p->net);
	consensus_check_previous(&d, &good, true);
	consensus_check_previous(&good, &d, false);
	if (good.refusal != NULL)
		abort(); // whatever lies beside it
	consensus_document_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct parts *p = fuzz_parts();

	if (size == 0)
		return 0;
	const struct fog_consensus *c = fuzz_consensus(p);
	size_t len = data[0] & 1 ? c->len : data[0] & 2 ? FOG_EQUIVOCATION_LEN : size - 1;
	uint8_t *bytes = malloc(len > 0 ? len : 1);
	if (data[0] & 1)
		memcpy(bytes, c->data, len);
	else if (data[0] & 2)
		memcpy(bytes, right_proof(p), len);
	else
		memcpy(bytes, data + 1, len);
	bool laid = (data[0] & 3) != 0;
	bool changed = laid && fuzz_lay_over(bytes, len, data + 1, size - 1);
	check_it(p, bytes, len, laid && !changed);
	free(bytes);
	return 0;
}
