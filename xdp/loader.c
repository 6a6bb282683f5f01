// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "loader.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "steer.skel.h"

_Static_assert(
        sizeof(struct fog_ip) == sizeof(struct fog_steer_address) &&
                offsetof(struct fog_ip, addr) == offsetof(struct fog_steer_address, addr),
        "an address of the config is a key of the map"
);
_Static_assert((int)FOG_STEER_ADDRESSES == (int)FOG_ADDRESSES_MAX, "the map holds every address");

struct fog_steer {
	struct steer_bpf *skel;
	int link; // -1 = not attached
	int cpus;
	const char *mode; // in use, or tried last
	char refusal[64];
};

enum { RELEASE_WAIT_MS = 2000 }; // a killed data plane's program may take a moment to go

static int steer_fill_addresses(struct fog_steer *s, const struct fog_steer_conf *conf)
{
	uint8_t value = 1;

	for (unsigned i = 0; i < conf->address_count; i++) {
		int ret = bpf_map__update_elem(
		        s->skel->maps.fog_addresses, &conf->address[i], sizeof(struct fog_ip),
		        &value, sizeof(value), BPF_ANY
		);
		if (ret < 0)
			return ret;
	}
	return 0;
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
	s->cpus = libbpf_num_possible_cpus();
	if ((ret = s->cpus) < 0)
		goto err;
	s->skel = steer_bpf__open();
	if (!s->skel) {
		ret = -errno;
		goto err;
	}
	s->skel->rodata->fog_mix_port = htons(conf->mix_port);
	s->skel->rodata->fog_vlan = htons(conf->vlan);
	if ((ret = bpf_map__set_max_entries(s->skel->maps.fog_sockets, conf->queues)) < 0)
		goto err;
	if ((ret = steer_bpf__load(s->skel)) < 0)
		goto err;
	if ((ret = steer_fill_addresses(s, conf)) < 0)
		goto err;
	*steer = s;
	return 0;
err:
	fog_steer_close(s);
	snprintf(
	        error, error_len, "cannot load the XDP program: %s%s", strerror(-ret),
	        ret == -EPERM ? ": start as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_IPC_LOCK"
	                      : ""
	);
	return ret;
}

// The bpf_link that holds program 'program' on 'ifindex', 0 when it was attached without one. An
// operator removes the two kinds in different ways.
static uint32_t steer_find_link(int ifindex, uint32_t program)
{
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		struct bpf_link_info info = {};
		uint32_t len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		int ret = bpf_obj_get_info_by_fd(fd, &info, &len);
		close(fd);
		if (ret == 0 && info.type == BPF_LINK_TYPE_XDP && info.prog_id == program &&
		    (int)info.xdp.ifindex == ifindex)
			return id;
	}
	return 0;
}

static void steer_program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
}

// Which program sits on the interface, in whatever mode; 0 = none.
static uint32_t steer_present(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query) < 0 || query.attach_mode == XDP_ATTACHED_NONE)
		return 0;
	if (query.prog_id)
		return query.prog_id;
	if (query.drv_prog_id)
		return query.drv_prog_id;
	return query.skb_prog_id ? query.skb_prog_id : query.hw_prog_id;
}

// Another program on the interface is never ours to remove. One of our own kind may belong to a
// data plane that was just killed, so that one gets a moment to go.
static int steer_check_free(const char *interface, int ifindex, char *error, size_t error_len)
{
	char name[BPF_OBJ_NAME_LEN], mend[96];
	uint32_t program, link;

	for (int waited = 0; (program = steer_present(ifindex)) != 0; waited += 20) {
		steer_program_name(program, name);
		if (strcmp(name, "fog_steer") != 0 || waited >= RELEASE_WAIT_MS)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	if (!program)
		return 0;
	link = steer_find_link(ifindex, program);
	if (link)
		snprintf(mend, sizeof(mend), "stop the process that owns its bpf_link %u", link);
	else
		snprintf(mend, sizeof(mend), "run: ip link set dev %s xdp off", interface);
	snprintf(
	        error, error_len, "interface %s already runs XDP program %u (%s), left alone; %s",
	        interface, program, name, mend
	);
	return -EBUSY;
}

static int steer_link(struct fog_steer *s, int ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(fog_steer_program(s), ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return fd;
	s->link = fd;
	return 0;
}

// What an operator can do about a refused attachment.
static const char *steer_mend(int ret)
{
	switch (-ret) {
	case ERANGE:
		return "; lower the MTU of the interface and, for veth, of its peer (3506 at most)";
	case EOPNOTSUPP:
		return "; set xdp_mode: generic";
	case EPERM:
		return "; start as root, or with CAP_NET_ADMIN";
	default:
		return "";
	}
}

int fog_steer_attach(
        struct fog_steer *s, const char *interface, int ifindex, uint32_t mode, char *error,
        size_t error_len
)
{
	int native = 0, ret = steer_check_free(interface, ifindex, error, error_len);

	if (ret < 0)
		return ret;
	if (mode != FOG_XDP_GENERIC) {
		s->mode = "native";
		ret = native = steer_link(s, ifindex, XDP_FLAGS_DRV_MODE);
	}
	if (native < 0 && mode == FOG_XDP_AUTO)
		snprintf(s->refusal, sizeof(s->refusal), "%s", strerror(-native));
	if (mode == FOG_XDP_GENERIC || s->refusal[0]) {
		s->mode = "generic";
		ret = steer_link(s, ifindex, XDP_FLAGS_SKB_MODE);
	}
	if (ret < 0)
		snprintf(
		        error, error_len, "interface %s refuses the XDP program in %s mode: %s%s",
		        interface, s->mode, strerror(-ret), steer_mend(ret)
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
	uint64_t *cpu = calloc(s->cpus, sizeof(*cpu));
	int ret = 0;

	if (!cpu)
		return -ENOMEM;
	for (uint32_t v = 0; v < FOG_STEER_VERDICTS && ret == 0; v++) {
		ret = bpf_map__lookup_elem(
		        s->skel->maps.fog_verdicts, &v, sizeof(v), cpu, s->cpus * sizeof(*cpu), 0
		);
		out[v] = 0;
		for (int i = 0; i < s->cpus && ret == 0; i++)
			out[v] += cpu[i];
	}
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

int fog_steer_program(const struct fog_steer *s)
{
	return bpf_program__fd(s->skel->progs.fog_steer);
}

void fog_steer_close(struct fog_steer *s)
{
	if (!s)
		return;
	if (s->link >= 0)
		close(s->link);
	steer_bpf__destroy(s->skel);
	free(s);
}
