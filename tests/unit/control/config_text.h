// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the tests of configuration share: good files, and edits to them.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/config/config.h"
#include "../../../controlplane/mixnet/topology.h"
#include "../run.h"

// A good file with every key. Cases count its lines.
static const char config_text[] = "instance: n1\n" // 1
                                  "user: \"4321\"\n"
                                  "run_dir: /run/fogline/n1\n"
                                  "state_dir: /var/lib/fogline/n1\n"
                                  "topology: /etc/fogline/topology.yaml\n" // 5
                                  "production: false\n"
                                  "workers:\n"
                                  "  cpus: [0, 1]\n"
                                  "  idle: adaptive\n"
                                  "  manager_cpu: 0\n" // 10
                                  "memory:\n"
                                  "  hugepages: false\n"
                                  "  mib: 64\n"
                                  "  packet_buffers: 8192\n"
                                  "  parked_max: 4096\n" // 15
                                  "replay:\n"
                                  "  dir: /dev/shm/fogline-n1\n"
                                  "  capacity: 1M\n"
                                  "rings:\n"
                                  "  deliver_slots: 1024\n" // 20
                                  "  inject_slots: 256\n"
                                  "rest:\n"
                                  "  unix: /run/fogline/n1/rest.sock\n"
                                  "  tcp: 127.0.0.1:8000\n"
                                  "  token_file: /etc/fogline/token\n" // 25
                                  "test:\n"
                                  "  delay_seed: 0\n"
                                  "ports:\n"
                                  "  - name: wan\n"
                                  "    driver: afxdp\n" // 30
                                  "    device: eth1\n"
                                  "    queues: 2\n"
                                  "    vlan: 0\n"
                                  "    mtu: 1500\n"
                                  "    xdp_mode: auto\n" // 35
                                  "    addresses: [192.0.2.1]\n"
                                  "  - name: lan\n"
                                  "    driver: loop\n"
                                  "    device: loop0\n"
                                  "    addresses: [198.51.100.1, \"2001:db8::1\"]\n" // 40
                                  "    neighbours:\n"
                                  "      - address: 198.51.100.2\n"
                                  "        mac: 02:00:00:00:00:01\n"
                                  "dataplane_user: \"4322\"\n";

#define HEX62 "11111111111111111111111111111111111111111111111111111111111111"

static const char topology_text[] = "network:\n" // 1
                                    "  name: example\n"
                                    "  geometry: mtu\n"
                                    "  mix_port: 9001\n"
                                    "  links: none\n" // 5
                                    "  delay:\n"
                                    "    mean: 50ms\n"
                                    "    max: 500ms\n"
                                    "    cap: 0ms\n"
                                    "nodes:\n" // 10
                                    "  - name: gateway\n"
                                    "    id: " HEX62 "01\n"
                                    "    mix_key: " HEX62 "21\n"
                                    "    address: 192.0.2.1\n"
                                    "    port: 9002\n" // 15
                                    "    role: gateway\n"
                                    "  - name: mix1a\n"
                                    "    id: " HEX62 "02\n"
                                    "    mix_key: " HEX62 "22\n"
                                    "    address: 192.0.2.2\n" // 20
                                    "    role: mix\n"
                                    "    layer: 1\n"
                                    "  - name: mix1b\n"
                                    "    id: " HEX62 "03\n"
                                    "    mix_key: " HEX62 "23\n" // 25
                                    "    address: 192.0.2.3\n"
                                    "    role: mix\n"
                                    "    layer: 1\n"
                                    "  - name: mix2\n"
                                    "    id: " HEX62 "04\n" // 30
                                    "    mix_key: " HEX62 "24\n"
                                    "    address: 192.0.2.4\n"
                                    "    role: mix\n"
                                    "    layer: 2\n"
                                    "  - name: service\n" // 35
                                    "    id: " HEX62 "05\n"
                                    "    mix_key: " HEX62 "25\n"
                                    "    address: 2001:db8::5\n"
                                    "    role: service\n";

// Replace the first occurrence of 'find' in 'text'. The caller frees.
static inline char *text_edit(const char *text, const char *find, const char *with)
{
	const char *at = strstr(text, find);
	char *out = malloc(strlen(text) + strlen(with) + 1);

	CU_ASSERT_TRUE_FATAL(at != NULL && out != NULL);
	size_t head = (size_t)(at - text);
	memcpy(out, text, head);
	strcpy(out + head, with);
	strcat(out + head, at + strlen(find));
	return out;
}

struct text_case {
	const char *find, *with; // edit of the good file
	unsigned line; // where the finding must be, 0 = without a line
	const char *expect; // must stand in the finding
};

// Whether one line of the report names 'line' and contains 'expect'.
static inline int report_has(const struct fog_report *r, unsigned line, const char *expect)
{
	char want[32];

	snprintf(want, sizeof(want), line > 0 ? "t.yaml:%u: " : "t.yaml: ", line);
	for (const char *p = r->text; *p != '\0';) {
		size_t len = strcspn(p, "\n");
		if (strncmp(p, want, strlen(want)) == 0 &&
		    memmem(p, len, expect, strlen(expect)) != NULL)
			return 1;
		p += len + (p[len] == '\n');
	}
	printf("\nwanted line %u with \"%s\", got:\n%s", line, expect, r->text);
	return 0;
}
