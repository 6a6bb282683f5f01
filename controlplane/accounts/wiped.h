// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Memory that held secrets for a moment: JSON with tokens, passwords, keys, codes, and the text that is sent of it.
#pragma once

// free, after all that malloc gave was overwritten. Accepts NULL. Any thread.
void fog_wiped_free(void *memory);
// From now on jansson gives its memory back so, values and texts alike; what json_dumps returns is still malloc's. To be
// called again behind a library that sets an allocator, as librhonabwy does.
void fog_wiped_json(void);
