// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Start-up of the crypto libraries and the choice of an implementation.
#include "ops.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "avx512/avx512.h"
#include "ref/ref.h"

// The compiler's run-time library asks CPUID, and XCR0 whether the kernel keeps the registers.
static bool cpu_any(void)
{
	return true;
}

static bool cpu_avx512(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512ifma");
}

// Best first.
static const struct {
	const struct fog_crypto_ops *ops;
	bool (*usable)(void);
} ops_all[] = {{&avx512_ops, cpu_avx512}, {&ref_ops, cpu_any}};

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
		if (name != NULL && strcmp(ops_all[i].ops->name, name) != 0)
			continue;
		if (ops_all[i].usable())
			return ops_all[i].ops;
	}
	return NULL;
}
