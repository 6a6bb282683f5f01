// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an error of a part of the node means to who asked.
#include "refusal.h"

#include <errno.h>
#include <string.h>

#include "../../log/log.h"

static const struct http_refusal for_all[] = {
        {-EACCES, 401, "not_authenticated", NULL, "who asks is not known"},
        {-EPERM, 403, "not_allowed", NULL, "this is not allowed"},
        {-ENOENT, 404, "not_found", NULL, "there is no such thing"},
        {-EEXIST, 409, "exists", NULL, "there is one already"},
        {-ESTALE, 412, "stale", "read it again and repeat the change", "it has been changed since"},
        {-EINVAL, 422, "not_possible", NULL, "it cannot be done as asked"},
        {-EDQUOT, 429, "too_much", NULL, "there is no more of this for now"},
        {-EAGAIN, 503, "store_away", NULL, NULL},
        {-EBUSY, 503, "store_away", NULL, NULL},
        {-ENOMEM, 500, "no_memory", NULL, "out of memory"},
        {0},
};

static const struct http_refusal *refusal_find(const struct http_refusal *list, int error)
{
	for (; list != NULL && list->error != 0; list++)
		if (list->error == error)
			return list;
	return NULL;
}

int http_error_status(int error)
{
	const struct http_refusal *found = refusal_find(for_all, error);

	return found != NULL ? found->status : 500;
}

void http_reply_error(struct http_response *res, int error, const struct http_refusal *own)
{
	const struct http_refusal *found = refusal_find(own, error);

	if (found == NULL)
		found = refusal_find(for_all, error);
	if (found == NULL) {
		LOG_ERR("request %s has failed: %s: see the lines before this one", res->request_id,
		        strerror(-error));
		http_reply_problem(
		        res, 500, "failed", "see the control plane's log for the error_id",
		        "the control plane could not do it"
		);
	} else if (found->text == NULL) {
		http_reply_away(res);
	} else {
		http_reply_problem(res, found->status, found->code, found->hint, "%s", found->text);
	}
}
