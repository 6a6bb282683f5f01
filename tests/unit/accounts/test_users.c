// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Accounts: names, passwords that are refused, rights, the last admin, deletion; the key file and the store.
#include <fcntl.h>
#include <sys/stat.h>

#include "rig.h"

static const uint32_t all_admin = FOG_ROLE_ADMIN | FOG_ROLE_USER, only_user = FOG_ROLE_USER;
static const bool yes = true, no = false;

static void test_add(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_denial refusal;
	struct fog_user u;
	struct fog_user_new n = {
	        .name = "Alice.B",
	        .password = RIG_PASSWORD,
	        .roles = all_admin,
	        .tier = FOG_TIER_PRO,
	        .limits = {1, 2, 3}};

	CU_ASSERT_EQUAL_FATAL(fog_user_add(a, &n, &u, &refusal), 0);
	CU_ASSERT_STRING_EQUAL(u.name, "alice.b");
	CU_ASSERT(u.id > 0 && u.version == 1 && u.password && !u.disabled && !u.totp);
	CU_ASSERT(
	        u.limits.auth == 1 && u.limits.write == 2 && u.limits.read == 3 &&
	        u.tier == FOG_TIER_PRO
	);
	CU_ASSERT_EQUAL(u.created_us, rig_now());
	CHECK_REFUSED(fog_user_add(a, &n, &u, &refusal), -EEXIST, "name_taken", "name_taken");
	int64_t id = u.id;
	CU_ASSERT_EQUAL(fog_user_find(a, "ALICE.b", &u, &refusal), 0);
	CU_ASSERT_EQUAL(u.id, id);
	CHECK_REFUSED(fog_user_find(a, "bob", &u, &refusal), -ENOENT, "not_found", "not_found");
	CHECK_REFUSED(fog_user_get(a, 4711, &u, &refusal), -ENOENT, "not_found", "not_found");
	rig_end(a, db);
}

static void test_refused(void)
{
	static const char *const names[] = {
	        "", "ab", ".abc", "a b", "a/b", "Zo\xc3\xab", "a'; DROP TABLE account; --"};

	static const struct {
		const char *password, *why;
	} passwords[] = {
	        {"seven77", "length"},
	        {"\xc3\xab\xc3\xab\xc3\xab\xc3\xab\xc3\xab\xc3\xab\xc3\xab",
	         "length"}, // 7 characters, 14 bytes
	        {"PassWord1", "weak"},
	        {"Carol.Carolson", "name"},
	};
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_denial refusal;
	struct fog_user u;
	char longest[200];
	struct fog_user_new n = {.name = "carol.carolson", .roles = only_user};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fog_user_new bad = {.name = names[i], .roles = only_user};
		CHECK_REFUSED(fog_user_add(a, &bad, &u, &refusal), -EINVAL, "bad_name", "bad_name");
	}
	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		n.password = passwords[i].password;
		CHECK_REFUSED(
		        fog_user_add(a, &n, &u, &refusal), -EINVAL, "bad_password", passwords[i].why
		);
	}
	memset(longest, 'x', sizeof(longest));
	longest[FOG_PASSWORD_MAX + 1] = '\0';
	n.password = longest;
	CHECK_REFUSED(fog_user_add(a, &n, &u, &refusal), -EINVAL, "bad_password", "length");
	longest[FOG_PASSWORD_MAX] = '\0';
	CU_ASSERT_EQUAL(fog_user_add(a, &n, &u, &refusal), 0);
	struct fog_user_new none = {.name = "nobody", .roles = 0};
	CHECK_REFUSED(fog_user_add(a, &none, &u, &refusal), -EINVAL, "bad_role", "bad_role");
	none.roles = 16;
	CHECK_REFUSED(fog_user_add(a, &none, &u, &refusal), -EINVAL, "bad_role", "bad_role");
	none = (struct fog_user_new
	){.name = "nobody", .roles = only_user, .tier = (enum fog_tier)9};
	CHECK_REFUSED(fog_user_add(a, &none, &u, &refusal), -EINVAL, "bad_tier", "bad_tier");
	rig_end(a, db);
}

static void test_list(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_denial refusal;
	struct fog_user list[8], u;
	struct fog_user_query q = {.limit = 8, .disabled = -1};
	int old = fog_user_list(a, &q, list, &refusal);
	int64_t before = old > 0 ? list[old - 1].id : 0,
	        admin = rig_user(a, "admin1", NULL, all_admin),
	        x = rig_user(a, "x_one", NULL, only_user);

	rig_user(a, "xaone", NULL, FOG_ROLE_AUDITOR);
	struct fog_user_change off = {.disabled = &yes};
	CU_ASSERT_EQUAL(fog_user_change(a, x, &off, &u, &refusal), 0);
	q.after = before;
	CU_ASSERT_EQUAL(fog_user_list(a, &q, list, &refusal), 3);
	CU_ASSERT_EQUAL(list[0].id, admin);
	q.after = admin;
	CU_ASSERT_EQUAL(fog_user_list(a, &q, list, &refusal), 2);
	q = (struct fog_user_query){.limit = 1, .disabled = -1};
	CU_ASSERT_EQUAL(fog_user_list(a, &q, list, &refusal), 1);
	q = (struct fog_user_query){.limit = 8, .disabled = 1, .after = before};
	CU_ASSERT_EQUAL(fog_user_list(a, &q, list, &refusal), 1);
	CU_ASSERT_EQUAL(list[0].id, x);
	q = (struct fog_user_query
	){.limit = 8, .disabled = -1, .roles = FOG_ROLE_ADMIN | FOG_ROLE_AUDITOR, .after = before};
	CU_ASSERT_EQUAL(fog_user_list(a, &q, list, &refusal), 2);
	q = (struct fog_user_query){.limit = 8, .disabled = -1, .prefix = "x_"}; // no wildcard
	CU_ASSERT_EQUAL(fog_user_list(a, &q, list, &refusal), 1);
	rig_end(a, db);
}

static void test_last_admin(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_denial refusal;
	struct fog_user u;
	int64_t first = rig_user(a, "first", RIG_PASSWORD, all_admin),
	        second = rig_user(a, "second", NULL, all_admin);
	struct fog_user_change demote = {.roles = &only_user}, disable = {.disabled = &yes},
	                       enable = {.disabled = &no};

	// The other one has no password, so he is nobody to rely on.
	CHECK_REFUSED(
	        fog_user_change(a, first, &demote, &u, &refusal), -EEXIST, "last_admin",
	        "last_admin"
	);
	CHECK_REFUSED(
	        fog_user_change(a, first, &disable, &u, &refusal), -EEXIST, "last_admin",
	        "last_admin"
	);
	CHECK_REFUSED(fog_user_delete(a, first, 0, &refusal), -EEXIST, "last_admin", "last_admin");
	CU_ASSERT_EQUAL(fog_password_set(a, second, RIG_PASSWORD " too", &refusal), 0);
	CU_ASSERT_EQUAL(fog_user_change(a, first, &disable, &u, &refusal), 0);
	CU_ASSERT(u.disabled);
	CHECK_REFUSED(fog_user_delete(a, second, 0, &refusal), -EEXIST, "last_admin", "last_admin");
	CU_ASSERT_EQUAL(fog_user_change(a, first, &enable, &u, &refusal), 0);
	CHECK_REFUSED(fog_user_delete(a, second, 99, &refusal), -ESTALE, "stale", "stale");
	CU_ASSERT_EQUAL(fog_user_delete(a, second, 0, &refusal), 0);
	CHECK_REFUSED(fog_user_delete(a, second, 0, &refusal), -ENOENT, "not_found", "not_found");
	// A number is never given again: tokens name accounts by it.
	CU_ASSERT(rig_user(a, "second", NULL, only_user) > second);
	rig_end(a, db);
}

static void test_change(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_denial refusal;
	struct fog_user u;
	const enum fog_tier tier = FOG_TIER_ENTERPRISE;
	const struct fog_limits limits = {7, 8, 9};
	int64_t id = rig_user(a, "dora", NULL, only_user);
	struct fog_user_change c = {.version = 1, .tier = &tier, .limits = &limits};

	CU_ASSERT_EQUAL(fog_user_change(a, id, &c, &u, &refusal), 0);
	CU_ASSERT(u.version == 2 && u.tier == tier && u.limits.read == 9 && u.roles == only_user);
	CHECK_REFUSED(fog_user_change(a, id, &c, &u, &refusal), -ESTALE, "stale", "stale");
	c.version = 0;
	CHECK_REFUSED(
	        fog_user_change(a, 4711, &c, &u, &refusal), -ENOENT, "not_found", "not_found"
	);
	rig_end(a, db);
}

static int open_with(struct fog_db *db, const char *key_file, char error[256])
{
	struct fog_accounts *a = NULL;
	struct fog_accounts_params p = {
	        .db = db, .key_file = key_file, .error = error, .error_len = 256};
	int r = fog_accounts_open(&a, &p);

	fog_accounts_close(a);
	return r;
}

static void test_key_file(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	char other[96], error[256];
	struct stat st;

	snprintf(other, sizeof(other), "%s.other", rig_key_file());
	CU_ASSERT(
	        stat(rig_key_file(), &st) == 0 && st.st_size == 32 && (st.st_mode & 0777) == 0600
	);
	CU_ASSERT_EQUAL(open_with(db, rig_key_file(), error), 0);
	// None is made where there was one.
	CU_ASSERT_EQUAL(open_with(db, other, error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "missing"));
	int fd = open(other, O_CREAT | O_WRONLY, 0600);
	CU_ASSERT_EQUAL(write(fd, "01234567890123456789012345678901", 32), 32);
	CU_ASSERT_EQUAL(open_with(db, other, error), -EKEYREJECTED);
	CU_ASSERT_EQUAL(write(fd, "x", 1), 1);
	CU_ASSERT_EQUAL(open_with(db, other, error), -EINVAL);
	close(fd);
	CU_ASSERT_EQUAL(chmod(rig_key_file(), 0640), 0);
	CU_ASSERT_EQUAL(open_with(db, rig_key_file(), error), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "chmod 0600"));
	unlink(other);
	rig_end(a, db);
}

static void test_store_not_ready(void)
{
	struct fog_db *db = rig_open_empty();
	char error[256];

	CU_ASSERT_EQUAL(open_with(db, rig_key_file(), error), -ESTALE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "fogctl store migrate"));
	rig_close(db);
}

static void test_names_of_rights(void)
{
	for (unsigned i = 0; i < FOG_SCOPES; i++) {
		CU_ASSERT_EQUAL(fog_scope_parse(fog_scope_name(1u << i)), 1 << i);
		CU_ASSERT_PTR_NOT_NULL(fog_scope_text(1u << i));
	}
	CU_ASSERT_PTR_NULL(fog_scope_name(0));
	CU_ASSERT_PTR_NULL(fog_scope_name(3));
	CU_ASSERT_PTR_NULL(fog_scope_text(0));
	CU_ASSERT_EQUAL(fog_scope_parse("root"), -EINVAL);
	CU_ASSERT_EQUAL(fog_account_role_parse("admin"), FOG_ROLE_ADMIN);
	CU_ASSERT_STRING_EQUAL(fog_account_role_name(FOG_ROLE_AUDITOR), "auditor");
	CU_ASSERT_EQUAL(fog_tier_parse("enterprise"), FOG_TIER_ENTERPRISE);
	CU_ASSERT_PTR_NULL(fog_tier_name(FOG_TIERS));
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"add and find", test_add},
	        {"what is refused", test_refused},
	        {"list", test_list},
	        {"somebody must be left", test_last_admin},
	        {"change", test_change},
	        {"the key file", test_key_file},
	        {"a store without tables", test_store_not_ready},
	        {"names of rights", test_names_of_rights},
	        CU_TEST_INFO_NULL};

	return check_run("users", tests);
}
