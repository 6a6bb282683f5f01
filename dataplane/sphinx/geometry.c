// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "sphinx.h"

#include <errno.h>
#include <string.h>

// 'packet_len' fixes the payload: what is left of the packet after header and tag.
static const struct {
	const char *name;
	uint16_t slots;
	uint16_t packet_len;
} geometry_shipped[] = {
        {"mtu", 5, 1408},
        {"mtu3", 3, 1408},
        {"jumbo", 5, 3082},
};

static size_t geometry_header_len(unsigned slots)
{
	return FOG_SPHINX_PREFIX_LEN + FOG_SPHINX_POINT_LEN + slots * FOG_SPHINX_SLOT_LEN +
	        FOG_SPHINX_MAC_LEN;
}

int fog_geometry_init(struct fog_geometry *g, unsigned slots, size_t payload_len)
{
	size_t header;

	if (slots < 1 || slots > FOG_SPHINX_SLOTS_MAX)
		return -EINVAL;
	header = geometry_header_len(slots);
	if (payload_len > FOG_SPHINX_PACKET_MAX - header - FOG_SPHINX_TAG_LEN)
		return -EMSGSIZE;
	*g = (struct fog_geometry){
	        .slots = slots,
	        .payload_len = payload_len,
	        .routing_len = slots * FOG_SPHINX_SLOT_LEN,
	        .header_len = header,
	        .packet_len = header + FOG_SPHINX_TAG_LEN + payload_len,
	        .surb_len = header + FOG_SPHINX_ID_LEN + FOG_SPHINX_SURB_KEY_LEN,
	};
	return 0;
}

int fog_geometry_named(struct fog_geometry *g, const char *name)
{
	for (size_t i = 0; i < sizeof(geometry_shipped) / sizeof(geometry_shipped[0]); i++) {
		unsigned slots = geometry_shipped[i].slots;

		if (strcmp(geometry_shipped[i].name, name) != 0)
			continue;
		return fog_geometry_init(
		        g, slots,
		        geometry_shipped[i].packet_len - geometry_header_len(slots) -
		                FOG_SPHINX_TAG_LEN
		);
	}
	return -ENOENT;
}
