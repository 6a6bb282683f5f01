// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Writing pcapng (draft-ietf-opsawg-pcapng): one section, one Ethernet interface a port, times in
// nanoseconds. Host byte order, as the format allows. Errors show in ferror() of the file.
#pragma once

#include <stdint.h>
#include <stdio.h>

struct pcapng_frame {
	uint32_t interface;
	uint64_t time_ns; // since 1970
	uint32_t frame_len, data_len; // on the wire, here
	const uint8_t *data;
	int inbound;
	const char *comment; // or NULL
};

void pcapng_begin(FILE *, const char *application);
void pcapng_interface(FILE *, const char *name, uint32_t snap_len);
void pcapng_frame(FILE *, const struct pcapng_frame *);
