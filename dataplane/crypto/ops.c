// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Start-up of the crypto libraries, and the tables: what this CPU can do is asked once, the tables
// are put together from it once, and are constant from then on.
#include "ops.h"

#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "avx2/avx2.h"
#include "avx512/avx512.h"
#include "ref/ref.h"
#include "shani/shani.h"
#include "vaes/vaes.h"
#include "vec/vec_ops.h"

enum { OPS_MAX = 3 };

// From the plainest to the best.
static struct fog_crypto_ops ops_table[OPS_MAX];
static unsigned ops_count;

static pthread_once_t ops_once = PTHREAD_ONCE_INIT;
static int ops_status;

struct cpu {
	bool base; // what nothing here works without
	bool sha;
	bool avx2; // and FMA and BMI2, which came with it
	bool vaes;
	bool vpclmul;
	bool avx512; // F, VL, DQ and IFMA
	bool avx512bw;
};

// The compiler's run-time library asks CPUID, and XCR0 whether the kernel keeps the wide registers;
// it knows no name for the SHA extensions.
static struct cpu cpu_ask(void)
{
	unsigned a, b = 0, c = 0, d;

	__builtin_cpu_init();
	__get_cpuid_count(7, 0, &a, &b, &c, &d);
	return (struct cpu){
	        .base = __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.2") &&
	                __builtin_cpu_supports("pclmul"),
	        .sha = (b & bit_SHA) != 0,
	        .avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	                __builtin_cpu_supports("bmi2"),
	        .vaes = (c & bit_VAES) != 0,
	        .vpclmul = (c & bit_VPCLMULQDQ) != 0,
	        .avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512ifma"),
	        .avx512bw = __builtin_cpu_supports("avx512bw"),
	};
}

// Every table begins as the one before it and replaces what it does better.
static void ops_compose(const struct cpu *cpu)
{
	struct fog_crypto_ops o = ref_ops;

	if (cpu->sha) {
		o.expand = shani_expand;
		o.hmac = shani_hmac;
	}
	ops_table[ops_count++] = o;

	if (!cpu->avx2)
		return;
	o.name = "avx2";
	o.width = AVX2_WIDTH;
	o.x25519 = avx2_x25519;
	o.x25519_base = avx2_x25519_base;
	if (cpu->vaes) {
		o.ctr = vec2_ctr;
		o.aez_encrypt = vec2_aez_encrypt;
		o.aez_decrypt = vec2_aez_decrypt;
		o.blind_scalar = vec2_blind_scalar;
	}
	if (cpu->vaes && cpu->vpclmul) {
		o.gcm_key = vaes_gcm_key;
		o.gcm_seal = vaes_gcm_seal;
		o.gcm_open = vaes_gcm_open;
	}
	ops_table[ops_count++] = o;

	if (!cpu->avx512)
		return;
	o.name = "avx512";
	o.width = AVX512_WIDTH;
	o.x25519 = avx512_x25519;
	o.x25519_base = avx512_x25519_base;
	if (cpu->vaes && cpu->avx512bw) {
		o.ctr = vec4_ctr;
		o.aez_encrypt = vec4_aez_encrypt;
		o.aez_decrypt = vec4_aez_decrypt;
		o.blind_scalar = vec4_blind_scalar;
	}
	o.gcm_key = ref_gcm_key; // ipsec-mb has code for these CPUs
	o.gcm_seal = ref_gcm_seal;
	o.gcm_open = ref_gcm_open;
	ops_table[ops_count++] = o;
}

static void ops_init(void)
{
	struct cpu cpu = cpu_ask();

	if (!cpu.base) {
		ops_status = -ENOTSUP;
		return;
	}
	ops_status = sodium_init() < 0 ? -EIO : ref_mb_init();
	if (ops_status == 0)
		ops_compose(&cpu);
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
	if (fog_crypto_init() < 0)
		return NULL;
	for (unsigned i = ops_count; i-- > 0;) {
		if (name == NULL || strcmp(ops_table[i].name, name) == 0)
			return &ops_table[i];
	}
	return NULL;
}
