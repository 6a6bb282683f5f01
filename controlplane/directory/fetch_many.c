// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "fetch_many.h"

#include <errno.h>
#include <stdlib.h>

#include "fetch_form.h"

struct many_request {
	bool busy;
	void *what;
	struct fetch_request fetch;
};

struct fog_fetch_many {
	CURLM *multi;
	struct many_request request[FOG_FETCH_MANY_MAX];
};

int fog_fetch_many_create(struct fog_fetch_many **out)
{
	struct fog_fetch_many *m = calloc(1, sizeof(*m));

	if (m == NULL || !fetch_prepare() || (m->multi = curl_multi_init()) == NULL) {
		free(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

static void many_end(struct fog_fetch_many *m, struct many_request *q)
{
	if (q->fetch.easy != NULL)
		curl_multi_remove_handle(m->multi, q->fetch.easy);
	fetch_close(&q->fetch);
	q->busy = false;
}

void fog_fetch_many_destroy(struct fog_fetch_many *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < FOG_FETCH_MANY_MAX; i++)
		if (m->request[i].busy)
			many_end(m, &m->request[i]);
	curl_multi_cleanup(m->multi);
	free(m);
}

int fog_fetch_many_start(
        struct fog_fetch_many *m, const struct fog_fetch_peer *peer, const char *path,
        const void *body, size_t body_len, size_t max, void *what
)
{
	struct many_request *q = NULL;
	char text[FOG_FETCH_TEXT_LEN];

	for (unsigned i = 0; i < FOG_FETCH_MANY_MAX && q == NULL; i++)
		if (!m->request[i].busy)
			q = &m->request[i];
	if (q == NULL)
		return -EBUSY;
	int ret = fetch_open(&q->fetch, peer, path, body, body_len, true, max, text);
	if (ret == 0) {
		q->busy = true;
		q->what = what;
		curl_easy_setopt(q->fetch.easy, CURLOPT_PRIVATE, (char *)q);
		// A connection that is kept would take one of the few that a listener has for us.
		curl_easy_setopt(q->fetch.easy, CURLOPT_FORBID_REUSE, 1L);
		if (curl_multi_add_handle(m->multi, q->fetch.easy) != CURLM_OK)
			ret = -ENOMEM;
	}
	if (ret < 0)
		many_end(m, q);
	return ret;
}

void fog_fetch_many_wait(struct fog_fetch_many *m, int timeout_ms)
{
	int running = 0, busy = 0;

	curl_multi_perform(m->multi, &running);
	for (unsigned i = 0; i < FOG_FETCH_MANY_MAX; i++)
		busy += m->request[i].busy;
	if (running < busy)
		return; // one is over already
	curl_multi_poll(m->multi, NULL, 0, timeout_ms, NULL);
	curl_multi_perform(m->multi, &running);
}

bool fog_fetch_many_take(struct fog_fetch_many *m, struct fog_fetch_done *out)
{
	struct many_request *q;
	CURLMsg *message;
	char *private = NULL;
	int left = 0;

	// Nothing but ends of requests comes this way.
	message = curl_multi_info_read(m->multi, &left);
	if (message == NULL)
		return false;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
	q = (struct many_request *)private;
	out->what = q->what;
	out->error = fetch_finish(&q->fetch, message->data.result, &out->answer, out->text);
	many_end(m, q);
	return true;
}

void fog_fetch_many_wake(struct fog_fetch_many *m)
{
	curl_multi_wakeup(m->multi);
}
