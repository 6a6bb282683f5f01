// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which interfaces the operator depends on: those with a default route, in any routing table, and
// those of the SSH connection that this command was given through.
// Source: rtnetlink(7), sshd(8) for SSH_CONNECTION.
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

__attribute__((format(printf, 3, 4))) static void route_add(
        struct host_interfaces *list, const char *name, const char *format, ...
)
{
	va_list args;

	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->at[i].name, name) == 0)
			return;
	if (name[0] == '\0' || list->count == sizeof(list->at) / sizeof(list->at[0]))
		return;
	snprintf(list->at[list->count].name, HOST_NAME_LEN, "%s", name);
	va_start(args, format);
	vsnprintf(list->at[list->count].why, sizeof(list->at[0].why), format, args);
	va_end(args);
	list->count++;
}

// Interfaces that an answer about a route names, one or several paths.
struct route_answer {
	struct host_interfaces *list;
	const char *why;
	bool only_default;
};

static void route_add_index(const struct route_answer *a, unsigned index)
{
	char name[IF_NAMESIZE];

	if (if_indextoname(index, name) != NULL)
		route_add(a->list, name, "%s", a->why);
}

static int route_read(const struct nlmsghdr *message, void *data)
{
	const struct route_answer *a = data;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWROUTE || rtm->rtm_type != RTN_UNICAST ||
	    (a->only_default && rtm->rtm_dst_len != 0))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*rtm))
	{
		if (mnl_attr_get_type(attr) == RTA_OIF)
			route_add_index(a, mnl_attr_get_u32(attr));
		if (mnl_attr_get_type(attr) != RTA_MULTIPATH)
			continue;
		const struct rtnexthop *hop = mnl_attr_get_payload(attr);
		size_t left = mnl_attr_get_payload_len(attr);
		for (; RTNH_OK(hop, (int)left); hop = RTNH_NEXT(hop)) {
			route_add_index(a, (unsigned)hop->rtnh_ifindex);
			left -= RTNH_ALIGN(hop->rtnh_len);
		}
	}
	return MNL_CB_OK;
}

// All default routes of a family, or with 'to' the route to that address. The kernel being silent
// finds nothing; the check of the host's only NIC is there, too.
static void route_ask(uint8_t family, const void *to, struct route_answer *answer)
{
	static uint32_t sequence;
	char buffer[32768];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	size_t size = family == AF_INET ? 4 : 16;
	ssize_t n;

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST | (to == NULL ? NLM_F_DUMP : NLM_F_ACK);
	message->nlmsg_seq = ++sequence;
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(message, sizeof(*rtm));
	rtm->rtm_family = family;
	if (to != NULL) {
		rtm->rtm_dst_len = (uint8_t)(size * 8);
		mnl_attr_put(message, RTA_DST, size, to);
	}
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (s == NULL)
		return;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(s, message, message->nlmsg_len) >= 0) {
		unsigned port = mnl_socket_get_portid(s);
		do
			n = mnl_socket_recvfrom(s, buffer, sizeof(buffer));
		while (n > 0 &&
		       mnl_cb_run(buffer, (size_t)n, sequence, port, route_read, answer) > 0);
	}
	mnl_socket_close(s);
}

// sudo drops the variable, but the shell before it still has it: look through the ancestors.
static bool route_ssh_connection(char *text, size_t size)
{
	static const char name[] = "SSH_CONNECTION=";
	const struct host plain = {.root = ""};
	const char *own = getenv("SSH_CONNECTION");
	char line[8192];

	if (own != NULL) {
		snprintf(text, size, "%s", own);
		return true;
	}
	for (long pid = getpid(), i = 0; pid > 1 && i < 64; i++) {
		FILE *f = host_file(&plain, "/proc/%ld/environ", pid);
		char *entry = NULL;
		size_t room = 0;
		bool found = false;
		while (f != NULL && !found && getdelim(&entry, &room, '\0', f) > 0)
			found = strncmp(entry, name, sizeof(name) - 1) == 0;
		if (found)
			snprintf(text, size, "%s", entry + sizeof(name) - 1);
		free(entry);
		if (f != NULL)
			fclose(f);
		if (found)
			return true;
		// "PID (COMM) STATE PPID ..", where COMM may hold anything.
		if (host_read(&plain, line, sizeof(line), "/proc/%ld/stat", pid) <= 0)
			return false;
		const char *comm_end = strrchr(line, ')');
		if (comm_end == NULL || sscanf(comm_end, ") %*c %ld", &pid) != 1)
			return false;
	}
	return false;
}

static bool route_same(const struct sockaddr *a, int family, const void *address)
{
	if (a == NULL || a->sa_family != family)
		return false;
	if (family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)a)->sin_addr, address, 4) == 0;
	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, address, 16) == 0;
}

// The connection's local address lies on an interface; answers may leave through another one.
static void route_ssh(struct host_interfaces *list)
{
	char text[256], client[64], server[64], address[16], why[128];
	struct ifaddrs *all, *i;

	if (!route_ssh_connection(text, sizeof(text)) ||
	    sscanf(text, "%63s %*s %63s", client, server) != 2)
		return;
	client[strcspn(client, "%")] = '\0'; // the zone of a link-local address
	server[strcspn(server, "%")] = '\0';
	int family = strchr(server, ':') != NULL ? AF_INET6 : AF_INET;
	snprintf(why, sizeof(why), "carries your SSH connection from %s", client);
	if (inet_pton(family, server, address) == 1 && getifaddrs(&all) == 0) {
		for (i = all; i != NULL; i = i->ifa_next)
			if (route_same(i->ifa_addr, family, address))
				route_add(list, i->ifa_name, "%s", why);
		freeifaddrs(all);
	}
	if (inet_pton(family, client, address) == 1)
		route_ask(
		        (uint8_t)family, address, &(struct route_answer){.list = list, .why = why}
		);
}

void host_interfaces_needed(const struct host *h, struct host_interfaces *list)
{
	memset(list, 0, sizeof(*list));
	// The better reason first: an interface is listed once.
	route_ssh(list);
	route_ask(
	        AF_INET, NULL,
	        &(struct route_answer){list, "carries the IPv4 default route", .only_default = true}
	);
	route_ask(
	        AF_INET6, NULL,
	        &(struct route_answer){list, "carries the IPv6 default route", .only_default = true}
	);
}
