// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Brings the program to its interface and away again: never over a foreign one.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "steer_object.h"

enum { RELEASE_WAIT_MS = 2000 }; // a killed data plane's program may take a moment to go

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

// Returns 0, or -errno and "?": without CAP_SYS_ADMIN -EPERM.
static int steer_program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id), ret;

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	if (fd < 0)
		return fd;
	ret = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (ret == 0)
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
	return ret;
}

bool steer_link_is_ours(int link)
{
	char name[BPF_OBJ_NAME_LEN];
	struct bpf_link_info info = {};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(link, &info, &len) < 0 || info.type != BPF_LINK_TYPE_XDP)
		return false;
	// Who may not ask for names goes by the folder, which only root and our user write to.
	return steer_program_name(info.prog_id, name) == -EPERM || strcmp(name, "fog_steer") == 0;
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
	char name[BPF_OBJ_NAME_LEN], mend[128];
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
		snprintf(
		        mend, sizeof(mend),
		        "stop the process that owns its bpf_link %u, or run: bpftool link detach id %u",
		        link, link
		);
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

// In which mode programs sit on the interface; XDP_ATTACHED_NONE when none does.
static int steer_attached_mode(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return bpf_xdp_query(ifindex, 0, &query) < 0 ? XDP_ATTACHED_NONE : query.attach_mode;
}

// Does this pinned link hold the interface, in the mode that would be tried first?
static bool steer_may_take(int link, const struct fog_steer_place *place)
{
	int wanted = place->mode == FOG_XDP_GENERIC ? XDP_ATTACHED_SKB : XDP_ATTACHED_DRV;
	struct bpf_link_info info = {};
	uint32_t len = sizeof(info);

	// The number of an interface says nothing without its network namespace, its program does.
	return bpf_obj_get_info_by_fd(link, &info, &len) == 0 && info.type == BPF_LINK_TYPE_XDP &&
	        (int)info.xdp.ifindex == place->ifindex &&
	        steer_present(place->ifindex) == info.prog_id &&
	        steer_attached_mode(place->ifindex) == wanted;
}

// Take over the link that a killed data plane left pinned, or remove it when it is of no use: the
// port has moved to another interface or mode since. Somebody else's link that is pinned there only
// loses the name. Returns whether the program sits now.
static bool steer_take_over(struct fog_steer *s, const struct fog_steer_place *place)
{
	int link = steer_pin_get(&s->pin);

	if (link < 0) {
		steer_pin_remove(&s->pin); // what is no link is in the way of ours
		return false;
	}
	bool ours = steer_link_is_ours(link);
	if (ours && steer_may_take(link, place) &&
	    bpf_link_update(link, fog_steer_program(s), NULL) == 0) {
		s->link = link;
		s->mode = place->mode == FOG_XDP_GENERIC ? "generic" : "native";
		return true;
	}
	if (ours)
		bpf_link_detach(link);
	close(link);
	steer_pin_remove(&s->pin);
	return false;
}

// The ladder. What may be wrong is said for the mode tried last.
static int steer_climb(
        struct fog_steer *s, const struct fog_steer_place *place, char *error, size_t error_len
)
{
	int native = 0, ret = 0;

	if (place->mode != FOG_XDP_GENERIC) {
		s->mode = "native";
		ret = native = steer_link(s, place->ifindex, XDP_FLAGS_DRV_MODE);
	}
	if (native < 0 && place->mode == FOG_XDP_AUTO)
		snprintf(
		        s->refusal, sizeof(s->refusal), "%s%s", strerror(-native),
		        native == -EOPNOTSUPP ? "" : steer_mend(native)
		);
	if (place->mode == FOG_XDP_GENERIC || s->refusal[0]) {
		s->mode = "generic";
		ret = steer_link(s, place->ifindex, XDP_FLAGS_SKB_MODE);
	}
	if (ret < 0)
		snprintf(
		        error, error_len, "interface %s refuses the XDP program in %s mode: %s%s",
		        place->interface, s->mode, strerror(-ret), steer_mend(ret)
		);
	return ret;
}

int fog_steer_attach(
        struct fog_steer *s, const struct fog_steer_place *place, char *error, size_t error_len
)
{
	int ret = 0;

	if (place->instance)
		ret = steer_pin_open(&s->pin, place->instance, place->port, place->uid, place->gid);
	if (ret < 0) {
		snprintf(
		        error, error_len,
		        "another fog-dataplane of instance %s runs port %s; stop that one first",
		        place->instance, place->port
		);
		return ret;
	}
	if (place->mode == FOG_XDP_GENERIC)
		snprintf(s->refusal, sizeof(s->refusal), "xdp_mode is generic");
	if (steer_take_over(s, place))
		return 0;
	ret = steer_check_free(place->interface, place->ifindex, error, error_len);
	if (ret == 0 && (ret = steer_climb(s, place, error, error_len)) == 0)
		steer_pin_set(&s->pin, s->link);
	return ret;
}

// The explicit detaching is for a pin that could not be removed: it must hold nothing.
void steer_detach(struct fog_steer *s)
{
	steer_pin_remove(&s->pin);
	if (s->link >= 0) {
		bpf_link_detach(s->link);
		close(s->link);
	}
	steer_pin_close(&s->pin);
}
