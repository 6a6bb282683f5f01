// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>

#include "private.h"

int refuse_for(
        struct fog_denial *r, int error, const char *code, const char *why, const char *text,
        unsigned retry_after_s
)
{
	*r = (struct fog_denial
	){.code = code, .why = why, .text = text, .retry_after_s = retry_after_s};
	return error;
}

int refuse(struct fog_denial *r, int error, const char *code, const char *why, const char *text)
{
	return refuse_for(r, error, code, why, text, 0);
}

int refuse_store(struct fog_denial *r, int error)
{
	switch (error) {
	case -EAGAIN:
		return refuse_for(
		        r, error, "store_away", NULL, "The store does not answer now: try again.", 1
		);
	case -EBUSY:
		return refuse_for(
		        r, error, "busy", NULL, "Too much is asked at once: try again.", 1
		);
	case -ENOENT:
		return refuse(
		        r, error, "not_found", NULL, "There is no such object: list what there is."
		);
	case -EINVAL:
		return refuse(
		        r, error, "bad_value", NULL,
		        "The store refuses this value: see the description of the API."
		);
	case -EEXIST:
		return refuse(
		        r, error, "exists", NULL, "There is one already: choose another one."
		);
	case -ENOMEM:
		return refuse_for(r, error, "no_memory", NULL, "Not enough memory: try again.", 5);
	default:
		return refuse(
		        r, error, "store_failed", NULL,
		        "The store has failed: see the log of the control plane."
		);
	}
}
