// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From a frame to the bare packet.
#include "parse.h"
#include "worker.h"

// "None" is DPDK's word for a checksum that nobody computed for a frame that never was on a wire: the
// device vouches for the data (a virtio peer on the same host).
static enum fog_checksum ip_by_device(const struct rte_mbuf *m)
{
	uint64_t verdict = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	switch (verdict) {
	case RTE_MBUF_F_RX_IP_CKSUM_GOOD:
	case RTE_MBUF_F_RX_IP_CKSUM_NONE:
		return FOG_CHECKSUM_GOOD;
	case RTE_MBUF_F_RX_IP_CKSUM_BAD:
		return FOG_CHECKSUM_BAD;
	default:
		return FOG_CHECKSUM_UNKNOWN;
	}
}

static enum fog_checksum udp_by_device(const struct rte_mbuf *m)
{
	uint64_t verdict = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	switch (verdict) {
	case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
	case RTE_MBUF_F_RX_L4_CKSUM_NONE:
		return FOG_CHECKSUM_GOOD;
	case RTE_MBUF_F_RX_L4_CKSUM_BAD:
		return FOG_CHECKSUM_BAD;
	default:
		return FOG_CHECKSUM_UNKNOWN;
	}
}

enum fog_drop stage_parse(
        const struct fog_worker *w, const struct fog_port *port, struct rte_mbuf *m,
        struct fog_ip *source, uint16_t *source_port
)
{
	const struct fog_parse_rules rules = {
	        .address = port->address,
	        .address_count = port->address_count,
	        .vlan = port->vlan,
	        .mix_port = w->mix_port,
	        .payload_len = (uint16_t)fog_worker_payload_len(w),
	};
	struct fog_parsed parsed;
	enum fog_drop drop;

	if (m->nb_segs != 1)
		return FOG_DROP_OVERSIZE; // a buffer holds any frame of our MTU
	drop = fog_parse(&rules, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &parsed);
	*source = parsed.source;
	*source_port = parsed.source_port;
	if (drop == FOG_DROP_NONE)
		drop = fog_parse_checksums(&parsed, ip_by_device(m), udp_by_device(m));
	if (drop != FOG_DROP_NONE)
		return drop;
	fog_pkt(m)->headers = (uint16_t)parsed.payload_at;
	rte_pktmbuf_adj(m, (uint16_t)parsed.payload_at);
	m->data_len = rules.payload_len;
	m->pkt_len = rules.payload_len;
	return FOG_DROP_NONE;
}
