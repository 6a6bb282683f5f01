// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steer_object.h"

enum { UDP_HEADER = 8 };

_Static_assert(
        (int)FOG_STEER_ADDRESSES == (int)FOG_ADDRESSES_MAX, "the program holds every address"
);

// Put the addresses where the program compares them, each family in its own list.
static void steer_fill_port(struct fog_steer_port *port, const struct fog_steer_conf *conf)
{
	port->mix_port = htons(conf->mix_port);
	port->vlan = htons(conf->vlan);
	port->udp_len = conf->payload_len + UDP_HEADER;
	for (unsigned i = 0; i < conf->address_count; i++) {
		const struct fog_ip *ip = &conf->address[i];

		if (ip->family == 4)
			memcpy(&port->address4[port->count4++], ip->addr, 4);
		else
			memcpy(port->address6[port->count6++], ip->addr, 16);
	}
}

int fog_steer_load(
        const struct fog_steer_conf *conf, struct fog_steer **steer, char *error, size_t error_len
)
{
	struct fog_steer *s = calloc(1, sizeof(*s));
	int ret = -ENOMEM;

	if (!s)
		goto err;
	s->link = -1;
	steer_pin_init(&s->pin);
	s->cpus = libbpf_num_possible_cpus();
	if ((ret = s->cpus) < 0)
		goto err;
	s->skel = steer_bpf__open();
	if (!s->skel) {
		ret = -errno;
		goto err;
	}
	steer_fill_port((struct fog_steer_port *)&s->skel->rodata->fog_port, conf);
	if ((ret = bpf_map__set_max_entries(s->skel->maps.fog_sockets, conf->queues)) < 0)
		goto err;
	if ((ret = steer_bpf__load(s->skel)) < 0)
		goto err;
	*steer = s;
	return 0;
err:
	fog_steer_close(s);
	snprintf(
	        error, error_len, "cannot load the XDP program: %s%s", strerror(-ret),
	        ret == -EPERM ? ": start as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN"
	                      : ""
	);
	return ret;
}

int fog_steer_set_socket(struct fog_steer *s, uint16_t queue, int fd)
{
	uint32_t key = queue;
	int map = bpf_map__fd(s->skel->maps.fog_sockets);
	int ret = fd >= 0 ? bpf_map_update_elem(map, &key, &fd, BPF_ANY)
	                  : bpf_map_delete_elem(map, &key);

	return fd < 0 && ret == -ENOENT ? 0 : ret;
}

int fog_steer_verdicts(const struct fog_steer *s, uint64_t out[FOG_STEER_VERDICTS])
{
	struct fog_steer_counts *cpu = calloc(s->cpus, sizeof(*cpu));
	uint32_t zero = 0;
	int ret;

	if (!cpu)
		return -ENOMEM;
	ret = bpf_map__lookup_elem(
	        s->skel->maps.fog_counts, &zero, sizeof(zero), cpu, s->cpus * sizeof(*cpu), 0
	);
	memset(out, 0, FOG_STEER_VERDICTS * sizeof(out[0]));
	for (int i = 0; i < s->cpus && ret == 0; i++)
		for (unsigned v = 0; v < FOG_STEER_VERDICTS; v++)
			out[v] += cpu[i].of[v];
	free(cpu);
	return ret;
}

const char *fog_steer_mode(const struct fog_steer *s)
{
	return s->mode;
}

const char *fog_steer_refusal(const struct fog_steer *s)
{
	return s->refusal;
}

const char *fog_steer_pin(const struct fog_steer *s, const char **why)
{
	*why = s->pin.why;
	return s->pin.path[0] ? s->pin.path : NULL;
}

int fog_steer_program(const struct fog_steer *s)
{
	return bpf_program__fd(s->skel->progs.fog_steer);
}

void fog_steer_close(struct fog_steer *s)
{
	if (!s)
		return;
	steer_detach(s);
	steer_bpf__destroy(s->skel);
	free(s);
}
