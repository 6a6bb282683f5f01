// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "rights.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const role_names[] = {"user", "auditor", "operator", "admin", NULL};
static const char *const tier_names[] = {"free", "pro", "enterprise", NULL};
static const char *const scope_names[] = {
#define X(symbol, name, text) name,
#include "scopes.def"
#undef X
        NULL};
static const char *const scope_texts[] = {
#define X(symbol, name, text) text,
#include "scopes.def"
#undef X
};

static_assert(FOG_SCOPES <= 31);
static_assert(sizeof(tier_names) / sizeof(tier_names[0]) == FOG_TIERS + 1);

static const char *name_of_bit(const char *const *names, uint32_t bit)
{
	for (unsigned i = 0; names[i] != NULL; i++)
		if (bit == 1u << i)
			return names[i];
	return NULL;
}

static int number_of_name(const char *const *names, const char *name)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -EINVAL;
}

static int bit_of_name(const char *const *names, const char *name)
{
	int number = number_of_name(names, name);

	return number < 0 ? number : 1 << number;
}

const char *fog_account_role_name(uint32_t role)
{
	return name_of_bit(role_names, role);
}

const char *fog_tier_name(unsigned tier)
{
	return tier < FOG_TIERS ? tier_names[tier] : NULL;
}

const char *fog_scope_name(uint32_t scope)
{
	return name_of_bit(scope_names, scope);
}

const char *fog_scope_text(uint32_t scope)
{
	int number = scope == 0 ? -1 : __builtin_ctz(scope);

	return fog_scope_name(scope) != NULL ? scope_texts[number] : NULL;
}

int fog_account_role_parse(const char *name)
{
	return bit_of_name(role_names, name);
}

int fog_tier_parse(const char *name)
{
	return number_of_name(tier_names, name);
}

int fog_scope_parse(const char *name)
{
	return bit_of_name(scope_names, name);
}
