// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "search.h"
#include "list.h"

#include <errno.h>

// Statements are fixed texts. Of each there is one for either order, and one for each filter that has an index.
#define SEARCH_REST \
	" AND ($2 = '' OR chain = $2) AND ($3 = '' OR actor_id = $3 OR actor_name = $3)" \
	" AND ($4 = '' OR substr(action, 1, length($4)) = $4) AND ($5 = '' OR object = $5)" \
	" AND ($6 = '' OR source = $6) AND ($7 = '' OR outcome = $7)" \
	" AND ($8 = '' OR correlation_id = $8) AND time_us >= $9 AND time_us < $10"
#define SEARCH_BOTH(first) \
	{ \
		"SELECT " AUDIT_COLUMNS " FROM audit WHERE " first " AND id > $1" SEARCH_REST \
		" ORDER BY id LIMIT $11", \
		        "SELECT " AUDIT_COLUMNS " FROM audit WHERE " first \
		        " AND id < $1" SEARCH_REST " ORDER BY id DESC LIMIT $11" \
	}

enum search_by { BY_ID, BY_OBJECT, BY_CORRELATION, SEARCH_BY };

static const char *const search_text[SEARCH_BY][2] = {
        [BY_ID] = SEARCH_BOTH("id > 0"),
        [BY_OBJECT] = SEARCH_BOTH("object = $5"),
        [BY_CORRELATION] = SEARCH_BOTH("correlation_id = $8"),
};

struct search {
	const struct fog_audit_filter *filter;
	struct fog_audit_list *list;
};

static struct fog_value search_value(const char *text)
{
	return FOG_TEXT(text != NULL ? text : "");
}

static bool given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static int search_read(struct fog_tx *tx, void *ctx)
{
	const struct search *s = ctx;
	const struct fog_audit_filter *f = s->filter;
	enum search_by by = given(f->correlation_id) ? BY_CORRELATION
	        : given(f->object)                   ? BY_OBJECT
	                                             : BY_ID;
	int64_t after = f->newest_first && f->after == 0 ? INT64_MAX : f->after;

	return audit_list_read(
	        tx, s->list, f->limit, search_text[by][f->newest_first],
	        FOG_BIND(
	                FOG_INT(after), search_value(f->chain), search_value(f->actor),
	                search_value(f->action), search_value(f->object), search_value(f->source),
	                search_value(f->outcome), search_value(f->correlation_id),
	                FOG_INT(f->from_us), FOG_INT(f->until_us != 0 ? f->until_us : INT64_MAX),
	                FOG_INT(f->limit)
	        )
	);
}

int fog_audit_search(
        struct fog_db *db, const struct fog_audit_filter *filter, struct fog_audit_list *list
)
{
	struct search s = {filter, list};

	*list = (struct fog_audit_list){0};
	if (filter->limit < 1 || filter->limit > FOG_AUDIT_PAGE_MAX + 1)
		return -EINVAL;
	int r = fog_db_read(db, search_read, &s);
	if (r < 0)
		fog_audit_list_free(list);
	return r < 0 ? r : 0;
}
