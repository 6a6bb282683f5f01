// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Ports and what stands in front of them in /metrics.
#include <inttypes.h>
#include <string.h>

#include "../../node_filter.h"
#include "metrics.h"

// Names are letters, digits, '.', '_' and '-'; anything else would break the line.
static int metrics_label_len(const char *name)
{
	return (int
	)strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
}

static int metrics_port_label_len(const struct fog_stats_port *p)
{
	char name[sizeof(p->name) + 1] = "";

	memcpy(name, p->name, sizeof(p->name));
	return metrics_label_len(name);
}

static void metrics_port(
        FILE *f, const struct snapshot *s, const char *name, const char *unit, size_t field,
        const char *help
)
{
	metrics_family(f, name, unit, "counter", help);
	for (uint32_t i = 0; i < s->port_count; i++) {
		uint64_t value;
		memcpy(&value, (const char *)&s->port[i] + field, sizeof(value));
		fprintf(f, "fog_%s_%s_total{port=\"%.*s\"} %" PRIu64 "\n", name, unit,
		        metrics_port_label_len(&s->port[i]), s->port[i].name, value);
	}
}

// A label's value: quoted, with what OpenMetrics wants escaped, up to the NUL or 'len'.
static void metrics_label(FILE *f, const char *text, size_t len)
{
	fputc('"', f);
	for (size_t i = 0; i < len && text[i] != '\0'; i++) {
		if (text[i] == '"' || text[i] == '\\')
			fputc('\\', f);
		fputc(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?', f);
	}
	fputc('"', f);
}

static void metrics_modes(FILE *f, const struct snapshot *s)
{
	metrics_family(
	        f, "port_mode", "", "info", "how frames come to a port, and why not in a faster way"
	);
	for (uint32_t i = 0; i < s->port_count; i++) {
		const struct fog_stats_port *p = &s->port[i];
		fprintf(f, "fog_port_mode_info{port=\"%.*s\",mode=", metrics_port_label_len(p),
		        p->name);
		metrics_label(f, p->mode, sizeof(p->mode));
		fputs(",why=", f);
		metrics_label(f, p->xdp_why, sizeof(p->xdp_why));
		fputs("} 1\n", f);
	}
}

static void metrics_steer(FILE *f, const struct snapshot *s)
{
	metrics_family(
	        f, "port_steer", "packets", "counter", "frames by verdict of the XDP program"
	);
	for (uint32_t i = 0; i < s->port_count; i++) {
		const struct fog_stats_port *p = &s->port[i];
		for (unsigned v = 0; snapshot_port_steered(p) && v < FOG_STEER_VERDICTS; v++)
			fprintf(f,
			        "fog_port_steer_packets_total{port=\"%.*s\",verdict=\"%s\"} %" PRIu64
			        "\n",
			        metrics_port_label_len(p), p->name, fog_steer_label(v),
			        p->steer[v]);
	}
}

// What the devices count by names of their own; zeros are left out, as most never happen.
static void metrics_devices(FILE *f, const struct snapshot *s)
{
	metrics_family(
	        f, "port_device_stat", "", "unknown",
	        "counters of the port's device, as its driver names them; those at 0 left out"
	);
	for (uint32_t i = 0; s->devices_valid && i < s->port_count; i++) {
		const struct fog_stats_device *d = &s->device[i];
		for (uint32_t k = 0; k < d->count; k++) {
			if (d->value[k] == 0 || d->name[k][metrics_label_len(d->name[k])] != '\0')
				continue;
			fprintf(f, "fog_port_device_stat{port=\"%.*s\",stat=\"%s\"} %" PRIu64 "\n",
			        metrics_port_label_len(&s->port[i]), s->port[i].name, d->name[k],
			        d->value[k]);
		}
	}
}

void metrics_ports(FILE *f, const struct snapshot *s)
{
#define PORT(name, unit, member, help) \
	metrics_port(f, s, name, unit, offsetof(struct fog_stats_port, member), help)
	PORT("port_received", "frames", rx_frames, "frames received");
	PORT("port_sent", "frames", tx_frames, "frames sent");
	PORT("port_received", "bytes", rx_bytes, "bytes received");
	PORT("port_sent", "bytes", tx_bytes, "bytes sent");
	PORT("port_lost_ring", "frames", lost_rx_ring, "frames lost before a worker: ring full");
	PORT("port_lost_buffer", "frames", lost_no_buffer,
	     "frames lost before a worker: no buffer");
	PORT("port_lost_invalid", "frames", lost_invalid, "frames lost before a worker: errors");
	PORT("port_lost_steer", "frames", lost_steer, "frames dropped by the XDP program");
	PORT("port_to_kernel", "frames", to_kernel,
	     "frames that are not ours, passed to the kernel");
	PORT("port_send_failed", "frames", tx_failed, "frames that the device refused");
	metrics_family(f, "port_link_up", "", "gauge", "1 while the link is up");
	for (uint32_t i = 0; i < s->port_count; i++)
		fprintf(f, "fog_port_link_up{port=\"%.*s\"} %d\n",
		        metrics_port_label_len(&s->port[i]), s->port[i].name,
		        s->port[i].link_up != 0);
	metrics_modes(f, s);
	metrics_steer(f, s);
	metrics_devices(f, s);
}

void metrics_filter(FILE *f, struct fog_node *n)
{
	uint32_t limit[FOG_FILTER_LIMITS], denied;
	char name[48];

	pthread_rwlock_rdlock(&n->lock);
	for (unsigned i = 0; i < FOG_FILTER_LIMITS; i++)
		limit[i] = fog_filter_limit(&n->filter->wanted, i);
	denied = n->filter->wanted.deny_count;
	pthread_rwlock_unlock(&n->lock);
	for (unsigned i = 0; i < FOG_FILTER_LIMITS; i++) {
		snprintf(name, sizeof(name), "filter_%s", fog_filter_rows[i].key);
		metrics_gauge(f, name, "", fog_filter_rows[i].text, limit[i]);
	}
	metrics_gauge(
	        f, "filter_denied_prefixes", "", "prefixes that nothing is taken from", denied
	);
}
