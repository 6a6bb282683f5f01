// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Fragments, sealing, addresses, keys.
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../controlplane/client/address.h"
#include "../../../controlplane/client/fragments.h"
#include "../../../controlplane/client/keys.h"
#include "../../../controlplane/client/pace.h"
#include "../../../controlplane/client/sealed.h"
#include "../run.h"

static uint8_t message[FOG_CLIENT_MESSAGE_MAX], again[FOG_CLIENT_MESSAGE_MAX];

static void test_cut(void)
{
	static const char *const names[] = {"mtu", "mtu3", "jumbo"};
	static const size_t extra[] = {0, 1, 2};
	uint8_t id[CLIENT_FRAGMENT_ID], piece[FOG_SPHINX_PACKET_MAX];
	struct fog_geometry geo;
	struct client_fragment f;

	randombytes_buf(message, sizeof(message));
	randombytes_buf(id, sizeof(id));
	for (unsigned g = 0; g < 3; g++) {
		CU_ASSERT_EQUAL_FATAL(fog_geometry_named(&geo, names[g]), 0);
		size_t room = client_fragment_room(&geo),
		       lengths[8] = {1, room - 1, room, room + 1, 7 * room, 7 * room + 1};
		CU_ASSERT_TRUE_FATAL(room > 100);
		lengths[6] = FOG_CLIENT_MESSAGE_MAX - extra[g];
		lengths[7] = 1 + randombytes_uniform(FOG_CLIENT_MESSAGE_MAX);
		for (unsigned k = 0; k < 8; k++) {
			unsigned count = client_fragment_count(lengths[k], room);
			memset(again, 0, sizeof(again));
			for (unsigned i = count; i-- > 0;) {
				client_fragment_put(id, message, lengths[k], room, i, piece);
				CU_ASSERT_EQUAL_FATAL(
				        client_fragment_parse(
				                piece, CLIENT_FRAGMENT_HEAD + room, room, &f
				        ),
				        0
				);
				CU_ASSERT_EQUAL(f.index, i);
				CU_ASSERT_EQUAL(f.count, count);
				CU_ASSERT_EQUAL(f.length, lengths[k]);
				CU_ASSERT_EQUAL(memcmp(f.id, id, sizeof(id)), 0);
				memcpy(again + i * room, f.data, f.len);
			}
			CU_ASSERT_EQUAL(memcmp(message, again, lengths[k]), 0);
		}
	}
	// A message of the greatest length takes no fewer fragments than it has to.
	CU_ASSERT_EQUAL(client_fragment_count(10, 5), 2);
	CU_ASSERT_EQUAL(client_fragment_count(11, 5), 3);
	CU_ASSERT_EQUAL(fog_geometry_init(&geo, 5, 700), 0);
	CU_ASSERT_EQUAL(fog_geometry_init(&geo, 5, 580), 0);
	CU_ASSERT_EQUAL(client_fragment_room(&geo), 0); // no packet of it holds a SURB and more
}

// Every bit of the head and of the padding matters: whatever is changed is another fragment or none.
static void test_malformed(void)
{
	const uint8_t id[CLIENT_FRAGMENT_ID] = {1};
	uint8_t piece[CLIENT_FRAGMENT_HEAD + 100];
	struct client_fragment f;

	client_fragment_put(id, message, 230, 100, 2, piece);
	CU_ASSERT_EQUAL(client_fragment_parse(piece, sizeof(piece), 100, &f), 0);
	CU_ASSERT_EQUAL(f.len, 30);
	CU_ASSERT_EQUAL(client_fragment_parse(piece, sizeof(piece) - 1, 100, &f), -EBADMSG);
	CU_ASSERT_EQUAL(client_fragment_parse(piece, sizeof(piece), 99, &f), -EBADMSG);
	CU_ASSERT_EQUAL(client_fragment_parse(piece, 0, 0, &f), -EBADMSG);
	for (unsigned bit = 0; bit < sizeof(piece) * 8; bit++) {
		piece[bit / 8] ^= (uint8_t)(1 << bit % 8);
		int r = client_fragment_parse(piece, sizeof(piece), 100, &f);
		bool id_or_data = (bit / 8 >= 10 && bit / 8 < CLIENT_FRAGMENT_HEAD + 30);
		bool smaller = bit / 8 == 9 && f.length > 200 &&
		        f.length <= 300; // as many fragments, other padding
		bool index = bit / 8 == 5 && f.index < 2;
		if (!id_or_data && !smaller && !index)
			CU_ASSERT_EQUAL(r, -EBADMSG);
		if (id_or_data)
			CU_ASSERT_EQUAL(r, 0);
		piece[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	client_fragment_put_loop(id, 100, piece);
	CU_ASSERT_EQUAL(client_fragment_parse(piece, sizeof(piece), 100, &f), 0);
	CU_ASSERT_EQUAL(f.kind, CLIENT_FRAGMENT_LOOP);
	piece[sizeof(piece) - 1] = 1;
	CU_ASSERT_EQUAL(client_fragment_parse(piece, sizeof(piece), 100, &f), -EBADMSG);
}

static void test_seal(void)
{
	static const uint8_t low[32];
	uint8_t private_key[32], public_key[32], other[32], sealed[100 + CLIENT_SEAL_OVERHEAD],
	        out[100];

	randombytes_buf(private_key, 32);
	crypto_scalarmult_base(public_key, private_key);
	CU_ASSERT_EQUAL(client_seal(public_key, message, 100, sealed), 0);
	CU_ASSERT_EQUAL(client_unseal(public_key, private_key, sealed, sizeof(sealed), out), 0);
	CU_ASSERT_EQUAL(memcmp(out, message, 100), 0);
	for (unsigned i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		CU_ASSERT_EQUAL(
		        client_unseal(public_key, private_key, sealed, sizeof(sealed), out),
		        -EBADMSG
		);
		sealed[i] ^= 1;
	}
	randombytes_buf(other, 32);
	CU_ASSERT_EQUAL(client_unseal(public_key, other, sealed, sizeof(sealed), out), -EBADMSG);
	CU_ASSERT_EQUAL(
	        client_unseal(public_key, private_key, sealed, CLIENT_SEAL_OVERHEAD - 1, out),
	        -EBADMSG
	);
	CU_ASSERT_EQUAL(client_seal(low, message, 100, sealed), -EDOM);
	memset(sealed, 0, 32);
	CU_ASSERT_EQUAL(
	        client_unseal(public_key, private_key, sealed, sizeof(sealed), out), -EBADMSG
	);
}

static void test_address(void)
{
	char text[FOG_CLIENT_ADDRESS_LEN];
	struct client_address a, b;

	for (int i = 0; i < 100; i++) {
		randombytes_buf(&a, sizeof(a));
		client_address_put(&a, text);
		CU_ASSERT_EQUAL(client_address_parse(text, &b), 0);
		CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	}
	CU_ASSERT_EQUAL(client_address_parse("", &b), -EINVAL);
	CU_ASSERT_EQUAL(client_address_parse("a.b@c", &b), -EINVAL);
	for (size_t i = 0; i < strlen(text); i++) {
		char kept = text[i];
		text[i] = '!';
		CU_ASSERT_EQUAL(client_address_parse(text, &b), -EINVAL);
		text[i] = kept;
	}
	memset(&a, 0xff, sizeof(a));
	client_address_put(&a, text);
	text[42] = '9'; // bits behind the last byte that base64 could carry
	CU_ASSERT_EQUAL(client_address_parse(text, &b), -EINVAL);
	client_address_put(&a, text);
	text[strlen(text) - 1] = 'F';
	CU_ASSERT_EQUAL(client_address_parse(text, &b), -EINVAL);
}

static void test_keys(void)
{
	char dir[] = "/tmp/fogline-keys-XXXXXX", path[100], text[200];
	struct client_keys *first = NULL, *second = NULL;
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	CU_ASSERT_EQUAL_FATAL(client_keys_open(fd, &first, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL_FATAL(client_keys_open(fd, &second, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(memcmp(first->link_public, second->link_public, 32), 0);
	CU_ASSERT_EQUAL(memcmp(first->secret, second->secret, sizeof(*first->secret)), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(first->link_public, first->mail_public, 32), 0);
	client_keys_close(second);
	snprintf(path, sizeof(path), "%s/key", dir);
	chmod(path, 0640);
	CU_ASSERT_EQUAL(client_keys_open(fd, &second, text, sizeof(text)), -EPERM);
	chmod(path, 0600);
	CU_ASSERT_EQUAL(truncate(path, 31), 0);
	CU_ASSERT_EQUAL(client_keys_open(fd, &second, text, sizeof(text)), -EBADMSG);
	client_keys_close(first);
	unlink(path);
	CU_ASSERT_EQUAL(rmdir(dir), 0); // nothing else was left
	close(fd);
}

// How often it is due in the 'seconds' from *now on, looked at each millisecond.
static unsigned pace_count(struct client_pace *p, uint64_t *now, unsigned seconds)
{
	unsigned n = 0;

	for (unsigned i = 0; i < seconds * 1000; i++) {
		*now += 1000;
		n += client_pace_due(p, *now);
	}
	return n;
}

// It follows another mean at once, however long the wait was that was drawn before, and without a burst.
static void test_pace(void)
{
	struct client_pace p = {0};
	uint64_t now = 1000000;

	CU_ASSERT_EQUAL(pace_count(&p, &now, 10), 0);
	client_pace_set(&p, UINT64_C(3600000000) * 24, now);
	CU_ASSERT_EQUAL(pace_count(&p, &now, 1), 0);
	client_pace_set(&p, 100000, now);
	unsigned n = pace_count(&p, &now, 100); // 1000 +- 32
	CU_ASSERT(n > 700 && n < 1300);
	for (unsigned i = 0; i < 1000; i++) { // the same again is no news
		client_pace_set(&p, 1000000, now);
		now += 1000;
		n = i == 0 ? 0 : n + client_pace_due(&p, now);
	}
	CU_ASSERT(n < 20);
	n = 0;
	for (unsigned i = 0; i < 100000; i++) {
		now += 1000;
		client_pace_set(&p, 1000000, now);
		n += client_pace_due(&p, now);
	}
	CU_ASSERT(n > 40 && n < 200);
	client_pace_set(&p, 0, now);
	CU_ASSERT_EQUAL(pace_count(&p, &now, 10), 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"messages of all lengths are cut and come together", test_cut},
	        {"a fragment has one form", test_malformed},
	        {"what is sealed opens for its receiver only", test_seal},
	        {"addresses have one form", test_address},
	        {"one seed makes all keys", test_keys},
	        {"clocks follow their means", test_pace},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 || check_run("client parts", tests);
}
