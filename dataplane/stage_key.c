// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Key agreement and header MAC: nothing of a packet is believed before this.
#include "worker.h"

void stage_key(struct fog_worker *w, struct fog_chunk *c)
{
	if (w->conf == NULL || w->conf->key == NULL) {
		for (unsigned i = 0; i < c->sphinx.n; i++)
			c->sphinx.drop[i] = FOG_DROP_NO_KEY;
		return;
	}
	fog_sphinx_key(&c->sphinx, w->conf->key->private_key);
	fog_sphinx_mac(&c->sphinx);
}
