// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a trace tells about one packet: when it passed which stage, and how it ended. No address, no
// key, no tag, no byte of the packet; the number is counted up and says nothing about it. Still it
// ties an arrival to a departure, which is what a mix hides: hence production refuses to trace.
#pragma once

#include "abi.h"

enum fog_trace_stage {

#define X(symbol, label, text) FOG_TRACE_##symbol,
#include "trace.def"
	FOG_TRACE_STAGES,
};

enum fog_trace_outcome {
	FOG_TRACE_SENT = 1,
	FOG_TRACE_DELIVERED = 2,
	FOG_TRACE_DROPPED = 3,
	FOG_TRACE_PUNTED = 4, // handed to the manager
};

enum {
	FOG_TRACE_INJECTED = 0xffff, // port of a packet that our own control plane made
	FOG_TRACE_ALL = 0xffffffff, // workers
	FOG_TRACE_SAMPLE_MAX = 1000000,
	FOG_TRACE_COUNT_MAX = 10000,
	FOG_TRACE_SECONDS_MAX = 600,
};

struct fog_trace_record {
	uint64_t id; // counts the records of a worker since its start
	uint64_t arrival_ns; // since the trace began
	uint64_t stage_ns[FOG_TRACE_STAGES]; // since the arrival, at least 1; 0 = did not get there
	uint64_t end_ns; // since the arrival: sent, delivered or dropped
	uint64_t owed_us; // delay owed; 0 when it was not fixed
	uint64_t late_ns; // release - due; 0 when it was not released
	uint16_t worker;
	uint16_t port, queue; // where it came from, or FOG_TRACE_INJECTED
	uint8_t outcome; // enum fog_trace_outcome
	uint8_t drop; // enum fog_drop when dropped, else 0
};

enum { FOG_CAPTURE_DATA = 104 }; // bytes of a frame: more than its headers can have

enum fog_capture_direction { FOG_CAPTURE_IN = 1, FOG_CAPTURE_OUT = 2 };

// What a capture tells about one frame: its size, and its Ethernet, VLAN, IP and UDP headers. Never a byte
// behind those.
struct fog_capture_record {
	uint64_t time_ns; // since the capture began
	uint32_t frame_len;
	uint16_t data_len;
	uint16_t worker, port, queue;
	uint8_t direction; // enum fog_capture_direction
	uint8_t drop; // enum fog_drop when the parser rejected it, else 0
	uint8_t reserved[2];
	uint8_t data[FOG_CAPTURE_DATA]; // zero behind data_len
};

// A trace gives records of the first kind, a capture of the second.
union fog_trace_entry {
	struct fog_trace_record packet;
	struct fog_capture_record frame;
};

_Static_assert(sizeof(struct fog_trace_record) == 128, "layout is part of the ABI");
_Static_assert(sizeof(struct fog_capture_record) == 128, "layout is part of the ABI");
