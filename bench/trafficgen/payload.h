// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the generator's packets carry, and how it is known again at the sink:
//   0   8  magic "fogline?"
//   8   8  number of the run, random
//   16  8  sequence number of the packet in the run
//   24  8  SipHash-2-4 of everything else under a fixed key
//   32     filler, different in every packet
// Numbers are big endian. The network's shortest payload is 64 bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PAYLOAD_MIN = 64 };

void payload_write(uint8_t *payload, size_t len, uint64_t run, uint64_t sequence);

enum payload_verdict { PAYLOAD_GOOD, PAYLOAD_CORRUPT, PAYLOAD_FOREIGN };

// PAYLOAD_FOREIGN: whole, but of another run or no generator's. 'sequence' is set when it is good.
enum payload_verdict payload_read(
        const uint8_t *payload, size_t len, uint64_t run, uint64_t *sequence
);
