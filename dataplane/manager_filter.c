// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

// The filter of a blob; its arrays live as long as the blob and 'exempt'.
static struct fog_port_filter filter_of(const struct fog_blob *blob, struct fog_ip *exempt)
{
	const struct fog_blob_node *nodes = (const void *)(blob + 1);
	struct fog_port_filter f = {
	        .early_drop = blob->run.early_drop,
	        .source_rate = blob->run.source_rate,
	        .source_burst = blob->run.source_burst,
	        .deny_count = blob->run.deny_count,
	        .deny = (const void *)(nodes + blob->run.node_count),
	        .exempt = exempt,
	};

	// Nothing of ours comes in from outside: whoever says so is no peer.
	for (uint32_t i = 0; i < blob->run.node_count; i++)
		if (memcmp(nodes[i].id, blob->run.node_id, FOG_ID_LEN) != 0)
			exempt[f.exempt_count++] = nodes[i].ip;
	return f;
}

static int port_set(struct fog_port *port, const struct fog_port_filter *f)
{
	return port->ops->set_filter == NULL ? 0 : port->ops->set_filter(port, f);
}

static void ports_restore(struct fog_manager *m, unsigned count, struct fog_ip *exempt)
{
	struct fog_port_filter f = filter_of(m->blob, exempt);

	for (unsigned i = 0; i < count; i++)
		if (port_set(m->ports[i], &f) < 0)
			LOG_ERR("port %s keeps a filter that another port refused: restart fog-dataplane",
			        m->ports[i]->name);
}

int manager_filter_set(
        struct fog_manager *m, const struct fog_blob *blob, char *text, size_t text_len
)
{
	struct fog_ip *exempt = calloc(FOG_NODES_MAX, sizeof(*exempt));
	int ret = 0;

	if (exempt == NULL) {
		snprintf(text, text_len, "no memory for the filter: give the host more");
		return -ENOMEM;
	}
	struct fog_port_filter f = filter_of(blob, exempt);
	for (unsigned i = 0; i < m->port_count && ret == 0; i++) {
		if ((ret = port_set(m->ports[i], &f)) == 0)
			continue;
		snprintf(
		        text, text_len,
		        "port %s refuses the filter (source_rate %u, source_burst %u, %u denied "
		        "prefixes): %s: lower them, or make room in the kernel's memory",
		        m->ports[i]->name, f.source_rate, f.source_burst, f.deny_count,
		        strerror(-ret)
		);
		if (m->blob != NULL)
			ports_restore(m, i, exempt);
	}
	free(exempt);
	return ret;
}
