// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The known-answer self-test holds for every table, and for none with one function broken.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../dataplane/crypto/ref/ref.h"
#include "../../../dataplane/crypto/self_test.h"
#include "../run.h"

// Functions that are right but for one bit of one lane, for the self-test.
static const struct fog_crypto_ops *whole;

static uint64_t bad_x25519(
        unsigned n, uint8_t *const out[], const uint8_t *const scalar[],
        const uint8_t *const point[]
)
{
	whole->x25519(n, out, scalar, point);
	return 0; // forgets to report the point of low order
}

static void bad_x25519_base(unsigned n, uint8_t *const out[], const uint8_t *const scalar[])
{
	whole->x25519_base(n, out, scalar);
	out[n / 2][31] ^= 0x40;
}

static void bad_expand(unsigned n, uint8_t *const okm[], const uint8_t *const secret[])
{
	whole->expand(n, okm, secret);
	okm[n - 1][191] ^= 1;
}

static void bad_hmac(
        unsigned n, uint8_t *const mac[], const uint8_t *const key[], const uint8_t *const msg[],
        size_t len
)
{
	whole->hmac(n, mac, key, msg, len);
	mac[0][0] ^= 0x80;
}

// Counts in 64 bits where the packet format says 128.
static void bad_ctr(
        unsigned n, uint8_t *const out[], const uint8_t *const in[], const uint8_t *const key[],
        const uint8_t *const iv[], size_t len
)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t next[16];
		const uint8_t *rest = next;
		uint8_t *to = out[i] + 16;
		const uint8_t *from = in[i] + 16;

		memcpy(next, iv[i], 16);
		for (int j = 15; j >= 8 && ++next[j] == 0; j--)
			;
		whole->ctr(1, out + i, in + i, key + i, iv + i, 16);
		whole->ctr(1, &to, &from, key + i, &rest, len - 16);
	}
}

static void bad_aez_encrypt(
        unsigned n, uint8_t *const buf[], const uint8_t *const key[], const uint8_t *const nonce[],
        size_t len
)
{
	whole->aez_encrypt(n, buf, key, nonce, len);
	buf[7][len - 1] ^= 1;
}

static void bad_aez_decrypt(
        unsigned n, uint8_t *const buf[], const uint8_t *const key[], const uint8_t *const nonce[],
        size_t len
)
{
	whole->aez_decrypt(n - 1, buf, key, nonce, len);
}

static void bad_blind_scalar(unsigned n, uint8_t *const out[], const uint8_t *const seed[])
{
	whole->blind_scalar(n, out, seed);
	out[0][32] = 1; // writes too far
}

static void bad_gcm_seal(unsigned n, const struct fog_gcm_job *jobs, size_t len)
{
	whole->gcm_seal(n, jobs, len);
	jobs[n - 1].text[len - 1] ^= 1;
}

static uint64_t bad_gcm_open(unsigned n, const struct fog_gcm_job *jobs, size_t len)
{
	whole->gcm_open(n, jobs, len);
	return 0; // believes every tag
}

static void check_broken(const struct fog_crypto_ops *broken, const char *name)
{
	const char *what = "nothing";

	CU_ASSERT_EQUAL(fog_crypto_self_test(broken, &what), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(what, name);
}

static void check_table(const struct fog_crypto_ops *ops)
{
	struct fog_crypto_ops x = *ops, e = *ops, h = *ops, c = *ops, a = *ops, d = *ops, b = *ops,
	                      f = *ops, s = *ops, o = *ops;
	const char *what;

	CU_ASSERT_EQUAL(fog_crypto_self_test(ops, &what), 0);
	whole = ops;
	x.x25519 = bad_x25519;
	f.x25519_base = bad_x25519_base;
	e.expand = bad_expand;
	h.hmac = bad_hmac;
	c.ctr = bad_ctr;
	a.aez_encrypt = bad_aez_encrypt;
	d.aez_decrypt = bad_aez_decrypt;
	b.blind_scalar = bad_blind_scalar;
	s.gcm_seal = bad_gcm_seal;
	o.gcm_open = bad_gcm_open;
	check_broken(&s, "gcm_seal");
	check_broken(&o, "gcm_open");
	check_broken(&x, "x25519");
	check_broken(&f, "x25519_base");
	check_broken(&e, "expand");
	check_broken(&h, "hmac");
	check_broken(&c, "ctr");
	check_broken(&a, "aez_encrypt");
	check_broken(&d, "aez_decrypt");
	check_broken(&b, "blind_scalar");
}

static void test_tables(void)
{
	static const char *const names[] = {"ref", "avx2", "avx512"};

	check_table(&ref_ops); // what a CPU without the SHA extensions gets
	for (unsigned i = 0; i < 3; i++) {
		const struct fog_crypto_ops *ops = fog_crypto_ops_get(names[i]);

		if (ops != NULL)
			check_table(ops);
		printf("\n%s: %s\n", names[i],
		       ops != NULL ? "checked" : "not on this CPU, left out");
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {{"every table", test_tables}, CU_TEST_INFO_NULL};

	if (fog_crypto_init() < 0)
		return 2;
	return check_run("self-test", tests);
}
