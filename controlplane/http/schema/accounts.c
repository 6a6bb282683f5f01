// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Accounts: logging in, users, one-time codes, API keys.
#include "../../accounts/accounts.h"
#include "../../limits/rates.h"
#include "parts.h"

enum { PAGE_MAX = 200, DAYS_MAX = 3650, ROLES = 4 };

// clang-format off
static const char *const scope_names[] = {
#define X(symbol, name, text) name,
#include "../../accounts/scopes.def"
#undef X
	NULL,
};

static const struct api_schema id = {.type = API_INTEGER, .min = 1, .max = INT64_MAX, .format = "uint64"};
static const struct api_schema id_or_null = {.type = API_INTEGER, .min = 1, .max = INT64_MAX, .format = "uint64", .nullable = true};
static const struct api_schema user_name = {.type = API_STRING, .min = FOG_USER_NAME_MIN, .max = FOG_USER_NAME_MAX, .pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$"};
static const struct api_schema any_name = {.type = API_STRING, .min = 1, .max = FOG_USER_NAME_MAX};
static const struct api_schema any_password = {.type = API_STRING, .min = 1, .max = FOG_PASSWORD_BYTES_MAX};
static const struct api_schema password = {.type = API_STRING, .min = FOG_PASSWORD_MIN, .max = FOG_PASSWORD_MAX};
static const struct api_schema code = {.type = API_STRING, .min = 6, .max = FOG_BACKUP_CODE_LEN};
static const struct api_schema secret = {.type = API_STRING, .min = 1, .max = 128};
static const struct api_schema role_name = {.type = API_STRING, .values = (const char *const[]){"user", "auditor", "operator", "admin", NULL}};
static const struct api_schema tier_name = {.type = API_STRING, .values = (const char *const[]){"free", "pro", "enterprise", NULL}};
static const struct api_schema scope_name = {.type = API_STRING, .values = scope_names};
static const struct api_schema seconds = {.type = API_INTEGER, .min = 0, .max = INT32_MAX};
static const struct api_schema limit = {.type = API_INTEGER, .min = 1, .max = FOG_RATES_MAX, .nullable = true};
static const struct api_schema codes_left = {.type = API_INTEGER, .min = 0, .max = FOG_BACKUP_CODES};
static const struct api_schema codes_left_or_null = {.type = API_INTEGER, .min = 0, .max = FOG_BACKUP_CODES, .nullable = true};

static const struct api_field limits_fields[] = {
	FIELD("auth", limit, "requests a minute to routes of class auth; null: as everybody"),
	FIELD("write", limit, "the same of class write"),
	FIELD("read", limit, "the same of class read"),
	FIELDS_END,
};
static const struct api_schema limits = {.type = API_OBJECT, .name = "Limits", .field = limits_fields};
static const struct api_field limits_order_fields[] = {
	FIELD_OPTIONAL("auth", limit, "requests a minute to routes of class auth; null: as everybody"),
	FIELD_OPTIONAL("write", limit, "the same of class write"),
	FIELD_OPTIONAL("read", limit, "the same of class read"),
	FIELDS_END,
};
static const struct api_schema limits_order = {.type = API_OBJECT, .name = "LimitsOrder", .field = limits_order_fields};

static const struct api_field login_post_fields[] = {
	FIELD("username", any_name, "name of the account, in any letters"),
	FIELD("password", any_password, "its password"),
	FIELD_OPTIONAL("code", code, "one-time or backup code, of an account that has one-time codes"),
	FIELDS_END,
};
const struct api_schema api_login_post = {.type = API_OBJECT, .secret = true, .name = "Login", .field = login_post_fields};

static const struct api_field tokens_fields[] = {
	FIELD_OPTIONAL("access_token", TEXT(1, FOG_ACCESS_MAX), "JWT for 'Authorization: Bearer'"),
	FIELD_OPTIONAL("refresh_token", secret, "good for new tokens, once"),
	FIELD_OPTIONAL("token_type", ONE_OF("Bearer"), "how the access token is sent"),
	FIELD("expires_in", seconds, "seconds until the access token, or mfa_token, is over"),
	FIELD_OPTIONAL("refresh_expires_in", seconds, "seconds until the refresh token is over"),
	FIELD_OPTIONAL("backup_codes_left", codes_left_or_null, "how many are left when one was used just now, else null"),
	FIELD_OPTIONAL("mfa_required", schema_flag, "true: send a code with mfa_token to POST /v1/auth/login/mfa; there are no tokens yet"),
	FIELD_OPTIONAL("mfa_token", secret, "for the second step"),
	FIELDS_END,
};
const struct api_schema api_tokens = {.type = API_OBJECT, .name = "Tokens", .field = tokens_fields,
	.text = "tokens of a session, or what the second step of a login takes"};

static const struct api_field login_mfa_fields[] = {
	FIELD("mfa_token", secret, "from the first step"),
	FIELD("code", code, "one-time code of 6 digits, or a backup code XXXX-XXXX"),
	FIELDS_END,
};
const struct api_schema api_login_mfa_post = {.type = API_OBJECT, .secret = true, .name = "LoginCode", .field = login_mfa_fields};

static const struct api_field refresh_fields[] = {
	FIELD("refresh_token", secret, "the newest one; one that was used before ends the session"),
	FIELDS_END,
};
const struct api_schema api_refresh_post = {.type = API_OBJECT, .secret = true, .name = "Refresh", .field = refresh_fields};

static const struct api_field me_fields[] = {
	FIELD("kind", ONE_OF("local", "token", "session", "key"), "local: over the UNIX socket; token: the one of rest.token_file"),
	FIELD("name", TEXT(1, 96), "of the account, 'uid N' or 'token ID'"),
	FIELD("user_id", id_or_null, "number of the account"),
	FIELD("key_id", id_or_null, "number of the API key"),
	FIELD("roles", ARRAY_OF(role_name, ROLES), "what the caller is"),
	FIELD("scopes", ARRAY_OF(scope_name, FOG_SCOPES), "what of that it may do"),
	FIELD("tier", tier_name, "which daily limits it has"),
	FIELD("limits", limits, "limits of its own"),
	FIELDS_END,
};
const struct api_schema api_me = {.type = API_OBJECT, .name = "Caller", .field = me_fields};

static const struct api_field password_fields[] = {
	FIELD("old_password", any_password, "the password until now"),
	FIELD("new_password", password, "the one from now on: no common one, not the name"),
	FIELDS_END,
};
const struct api_schema api_password_post = {.type = API_OBJECT, .secret = true, .name = "PasswordChange", .field = password_fields};

static const struct api_field reset_fields[] = {
	FIELD("reset_token", secret, "from an administrator"),
	FIELD("new_password", password, "the password from now on"),
	FIELDS_END,
};
const struct api_schema api_password_reset_post = {.type = API_OBJECT, .secret = true, .name = "PasswordReset", .field = reset_fields};

static const struct api_field jwk_fields[] = {
	FIELD("kty", ONE_OF("OKP"), "kind of key"),
	FIELD("crv", ONE_OF("Ed25519"), "curve"),
	FIELD("alg", ONE_OF("EdDSA"), "algorithm of the signatures"),
	FIELD("use", ONE_OF("sig"), "what it is for"),
	FIELD("kid", TEXT(1, 64), "its name in the tokens' header"),
	FIELD("x", TEXT(43, 43), "public key, base64url"),
	FIELDS_END,
};
static const struct api_schema jwk = {.type = API_OBJECT, .name = "SigningKey", .field = jwk_fields};
static const struct api_field jwks_fields[] = {
	FIELD("keys", ARRAY_OF(jwk, 64), "newest first"),
	FIELDS_END,
};
const struct api_schema api_jwks = {.type = API_OBJECT, .name = "SigningKeys", .field = jwks_fields, .text = "RFC 7517"};

static const struct api_field session_fields[] = {
	FIELD("id", id, "number of the session"),
	FIELD("user_id", id, "whose it is"),
	FIELD("created_at", schema_time_or_null, "when it began"),
	FIELD("used_at", schema_time_or_null, "when its tokens were renewed last"),
	FIELD("expires_at", schema_time_or_null, "when it ends, if its tokens are not renewed"),
	FIELD("source", TEXT(0, FOG_SOURCE_MAX), "address that it was used from last"),
	FIELD("current", schema_flag, "whether the caller is in it"),
	FIELDS_END,
};
static const struct api_schema session = {.type = API_OBJECT, .name = "Session", .field = session_fields};
static const struct api_field sessions_fields[] = {
	FIELD("sessions", ARRAY_OF(session, PAGE_MAX), "those that have not ended"),
	FIELDS_END,
};
const struct api_schema api_sessions = {.type = API_OBJECT, .name = "Sessions", .field = sessions_fields};

static const struct api_field user_fields[] = {
	FIELD("id", id, "number of the account"),
	FIELD("name", user_name, "name, unique, small letters"),
	FIELD("roles", ARRAY_OF(role_name, ROLES), "what it is"),
	FIELD("tier", tier_name, "which daily limits it has"),
	FIELD("limits", limits, "limits of its own"),
	FIELD("disabled", schema_flag, "whether nobody gets in by it"),
	FIELD("has_password", schema_flag, "false until a reset token was used"),
	FIELD("totp", schema_flag, "whether logging in takes a one-time code"),
	FIELD("backup_codes_left", codes_left, "backup codes that were not used"),
	FIELD("created_at", schema_time_or_null, "when it was made"),
	FIELD("changed_at", schema_time_or_null, "when it was changed last"),
	FIELD("password_changed_at", schema_time_or_null, "when its password was"),
	FIELD("last_login_at", schema_time_or_null, "when somebody logged in last"),
	FIELD("version", schema_count, "grows with every change; the ETag"),
	FIELDS_END,
};
const struct api_schema api_user = {.type = API_OBJECT, .name = "User", .field = user_fields};

static const struct api_field users_fields[] = {
	FIELD("users", ARRAY_OF(api_user, PAGE_MAX), "by number"),
	FIELD("next", id_or_null, "'after' of the next page; null: there is none"),
	FIELDS_END,
};
const struct api_schema api_users = {.type = API_OBJECT, .name = "Users", .field = users_fields};

static const struct api_field user_post_fields[] = {
	FIELD("name", user_name, "letters, digits, '.', '_', '-'; capitals become small letters"),
	FIELD("roles", ARRAY_OF(role_name, ROLES, .min = 1), "what it is"),
	FIELD_OPTIONAL("password", password, "none until a reset when left out"),
	FIELD_OPTIONAL("tier", tier_name, "free when left out"),
	FIELD_OPTIONAL("limits", limits_order, "limits of its own"),
	FIELDS_END,
};
const struct api_schema api_user_post = {.type = API_OBJECT, .secret = true, .name = "UserOrder", .field = user_post_fields};

static const struct api_field user_patch_fields[] = {
	FIELD_OPTIONAL("roles", ARRAY_OF(role_name, ROLES, .min = 1), "what it is"),
	FIELD_OPTIONAL("tier", tier_name, "which daily limits it has"),
	FIELD_OPTIONAL("disabled", schema_flag, "true: nobody gets in by it, and its sessions end"),
	FIELD_OPTIONAL("limits", limits_order, "limits of its own; null: as everybody"),
	FIELDS_END,
};
const struct api_schema api_user_patch = {.type = API_OBJECT, .name = "UserChange", .field = user_patch_fields};

static const struct api_field user_reset_fields[] = {
	FIELD("reset_token", secret, "sets a new password, once, and ends all sessions and API keys of the account; shown this once"),
	FIELD("expires_at", schema_time, "when it is over"),
	FIELDS_END,
};
const struct api_schema api_user_reset = {.type = API_OBJECT, .name = "ResetToken", .field = user_reset_fields};

static const struct api_field mfa_fields[] = {
	FIELD("totp", schema_flag, "whether logging in takes a one-time code"),
	FIELD("backup_codes_left", codes_left, "backup codes that were not used"),
	FIELDS_END,
};
const struct api_schema api_mfa = {.type = API_OBJECT, .name = "Mfa", .field = mfa_fields};

static const struct api_field mfa_setup_post_fields[] = {
	FIELD("password", any_password, "the account's password: a stolen session shall not lock its owner out"),
	FIELDS_END,
};
const struct api_schema api_mfa_setup_post = {.type = API_OBJECT, .secret = true, .name = "MfaSetupOrder", .field = mfa_setup_post_fields};

static const struct api_field mfa_setup_fields[] = {
	FIELD("secret", TEXT(1, FOG_TOTP_SECRET_LEN), "base32, for an app that takes no link"),
	FIELD("provisioning_uri", TEXT(1, FOG_TOTP_URI_MAX), "otpauth:// link, for a QR code"),
	FIELDS_END,
};
const struct api_schema api_mfa_setup = {.type = API_OBJECT, .name = "MfaSetup", .field = mfa_setup_fields};

static const struct api_field mfa_code_fields[] = {
	FIELD("code", code, "one-time code of 6 digits, or a backup code"),
	FIELDS_END,
};
const struct api_schema api_mfa_code_post = {.type = API_OBJECT, .secret = true, .name = "MfaCode", .field = mfa_code_fields};

static const struct api_field mfa_codes_fields[] = {
	FIELD("backup_codes", ARRAY_OF(code, FOG_BACKUP_CODES), "each good once; shown this once"),
	FIELDS_END,
};
const struct api_schema api_mfa_codes = {.type = API_OBJECT, .name = "BackupCodes", .field = mfa_codes_fields};

static const struct api_field mfa_disable_fields[] = {
	FIELD("password", any_password, "the account's password"),
	FIELD("code", code, "one-time or backup code"),
	FIELDS_END,
};
const struct api_schema api_mfa_disable_post = {.type = API_OBJECT, .secret = true, .name = "MfaDisable", .field = mfa_disable_fields};

#define KEY_FIELDS \
	FIELD("id", id, "number of the key"), \
	FIELD("user_id", id, "whose it is"), \
	FIELD("name", TEXT(1, FOG_KEY_NAME_MAX), "what the owner calls it"), \
	FIELD("scopes", ARRAY_OF(scope_name, FOG_SCOPES), "what of its owner's rights it has"), \
	FIELD("limits", limits, "limits of its own"), \
	FIELD("created_at", schema_time_or_null, "when it was made"), \
	FIELD("expires_at", schema_time_or_null, "when it is over; null: never"), \
	FIELD("last_used_at", schema_time_or_null, "when it was used last, to the minute; null: never"), \
	FIELD("revoked_at", schema_time_or_null, "when it was revoked; null: it was not")

static const struct api_field key_fields[] = {
	KEY_FIELDS,
	FIELDS_END,
};
const struct api_schema api_key = {.type = API_OBJECT, .name = "Key", .field = key_fields};

static const struct api_field key_made_fields[] = {
	KEY_FIELDS,
	FIELD("secret_key", TEXT(FOG_KEY_LEN, FOG_KEY_LEN), "the key itself; shown this once"),
	FIELDS_END,
};
const struct api_schema api_key_made = {.type = API_OBJECT, .name = "KeyMade", .field = key_made_fields};

static const struct api_field keys_fields[] = {
	FIELD("keys", ARRAY_OF(api_key, PAGE_MAX), "by number"),
	FIELD("next", id_or_null, "'after' of the next page; null: there is none"),
	FIELDS_END,
};
const struct api_schema api_keys = {.type = API_OBJECT, .name = "Keys", .field = keys_fields};

static const struct api_field key_post_fields[] = {
	FIELD("name", TEXT(1, FOG_KEY_NAME_MAX), "what to call it"),
	FIELD("scopes", ARRAY_OF(scope_name, FOG_SCOPES, .min = 1), "what it may do, of what the caller may"),
	FIELD_OPTIONAL("expires_in_days", SCHEMA(API_INTEGER, .min = 1, .max = DAYS_MAX, .nullable = true), "never when left out or null"),
	FIELD_OPTIONAL("limits", limits_order, "limits of its own; more than the caller's takes an administrator"),
	FIELDS_END,
};
const struct api_schema api_key_post = {.type = API_OBJECT, .name = "KeyOrder", .field = key_post_fields};

static const struct api_schema after_value = {.type = API_INTEGER, .max = INT64_MAX};
static const struct api_schema page_value = {.type = API_INTEGER, .min = 1, .max = PAGE_MAX, .preset = 100};

const struct api_parameter api_query_users[] = {
	{"after", &after_value, "begin behind this number", false},
	{"limit", &page_value, "how many at most", false},
	{"role", &role_name, "those with this role", false},
	{"disabled", &schema_flag, "those that are disabled, or are not", false},
	{"name", &any_name, "those whose name begins so", false},
	{NULL, NULL, NULL, false},
};

const struct api_parameter api_query_keys[] = {
	{"after", &after_value, "begin behind this number", false},
	{"limit", &page_value, "how many at most", false},
	{"revoked", &schema_flag, "those that are over, too", false},
	{NULL, NULL, NULL, false},
};
