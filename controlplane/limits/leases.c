// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The table of leases.
#include "usage_private.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static struct usage_chain *lease_chain(struct fog_usage *u, const struct usage_name *name)
{
	uint64_t hash;

	crypto_shorthash(
	        (uint8_t *)&hash, (const uint8_t *)name->user, strlen(name->user), u->secret
	);
	return &u->chain[(hash + name->metric) % USAGE_CHAINS];
}

struct usage_lease *lease_find(struct fog_usage *u, const struct usage_name *name)
{
	struct usage_lease *l = LIST_FIRST(lease_chain(u, name));

	while (l != NULL &&
	       (l->name.metric != name->metric || strcmp(l->name.user, name->user) != 0))
		l = LIST_NEXT(l, chain);
	return l;
}

static void lease_remove(struct fog_usage *u, struct usage_lease *l)
{
	LIST_REMOVE(l, chain);
	TAILQ_REMOVE(&u->ages, l, age);
	u->count--;
}

static struct usage_lease *lease_evict(struct fog_usage *u, struct usage_rest *rest)
{
	struct usage_lease *l = TAILQ_FIRST(&u->ages);

	while (l != NULL && (l->busy || l->waiting > 0))
		l = TAILQ_NEXT(l, age);
	if (l == NULL)
		return NULL;
	lease_remove(u, l);
	*rest = (struct usage_rest){l->name, l->day, l->left};
	return l;
}

struct usage_lease *lease_get(
        struct fog_usage *u, const struct usage_name *name, struct usage_rest *rest
)
{
	struct usage_lease *l = lease_find(u, name);

	rest->amount = 0;
	if (l != NULL) {
		TAILQ_REMOVE(&u->ages, l, age);
		TAILQ_INSERT_TAIL(&u->ages, l, age);
		return l;
	}
	l = u->count < u->params.leases ? malloc(sizeof(*l)) : lease_evict(u, rest);
	if (l == NULL)
		return NULL;
	memset(l, 0, sizeof(*l));
	l->name = *name;
	LIST_INSERT_HEAD(lease_chain(u, name), l, chain);
	TAILQ_INSERT_TAIL(&u->ages, l, age);
	u->count++;
	return l;
}

void leases_free(struct fog_usage *u)
{
	struct usage_lease *l;

	while ((l = TAILQ_FIRST(&u->ages)) != NULL) {
		lease_remove(u, l);
		free(l);
	}
}
