// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Start-up of the crypto libraries and the choice of an implementation.
#include "ops.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "ref/ref.h"

// Best first.
static const struct fog_crypto_ops *const ops_all[] = {&ref_ops};

static pthread_once_t ops_once = PTHREAD_ONCE_INIT;
static int ops_status;

static void ops_init(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("aes") || !__builtin_cpu_supports("sse4.2") ||
	    !__builtin_cpu_supports("pclmul")) {
		ops_status = -ENOTSUP;
		return;
	}
	ops_status = sodium_init() < 0 ? -ENOTSUP : ref_mb_init();
}

int fog_crypto_init(void)
{
	pthread_once(&ops_once, ops_init);
	return ops_status;
}

int fog_crypto_thread_init(void)
{
	return ref_mb_thread_init();
}

const struct fog_crypto_ops *fog_crypto_ops_get(const char *name)
{
	for (size_t i = 0; i < sizeof(ops_all) / sizeof(ops_all[0]); i++) {
		if (name == NULL || strcmp(ops_all[i]->name, name) == 0)
			return ops_all[i];
	}
	return NULL;
}
