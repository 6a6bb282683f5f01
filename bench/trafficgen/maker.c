// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "maker.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"
#include "tell.h"

int maker_open(struct maker **out, const struct route *route, const struct frame_spec *spec)
{
	struct frame_spec whole = *spec;
	struct maker *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		tell_error("no memory for %zu bytes: free some", sizeof(*m));
		return -ENOMEM;
	}
	m->ops = fog_crypto_ops_get(NULL);
	m->route = route;
	m->geo = &route->topology->geometry;
	whole.packet_len = m->geo->packet_len;
	frame_init(&m->frame, &whole);
	randombytes_buf(&m->run, sizeof(m->run));
	*out = m;
	return 0;
}

void maker_close(struct maker *m)
{
	free(m);
}

int maker_make(struct maker *m, uint8_t *const out[], unsigned count)
{
	int ret;

	for (unsigned i = 0; i < count; i++) {
		if ((ret = route_pick(m->route, m->path[i])) < 0)
			return ret;
		payload_write(m->payload[i], m->geo->payload_len, m->run, m->next + i);
		m->job[i] = (struct fog_sphinx_wrap_job
		){.path = m->path[i],
		  .payload = m->payload[i],
		  .pkt = out[i] + m->frame.header_len,
		  .tag = m->tag[i]};
	}
	ret = fog_sphinx_wrap_batch(
	        m->ops, m->geo, m->route->hops, m->job, count, m->state, NULL, NULL
	);
	if (ret < 0) {
		tell_error(
		        "%s: packets cannot be made: %s: correct the topology",
		        m->route->topology->file,
		        ret == -EDOM ? "a node's mix_key is no key" : strerror(-ret)
		);
		return ret;
	}
	for (unsigned i = 0; i < count; i++)
		frame_finish(&m->frame, m->next + i, out[i]);
	m->next += count;
	return 0;
}
