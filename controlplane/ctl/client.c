// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "client.h"

#include <curl/curl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../accounts/wiped.h"
#include "session.h"
#include "table.h"
#include "trust.h"

#define RUN_DIR "/run/fogline"

static const char client_common[] =
        "\n"
        "Common options:\n"
        "  --instance NAME    talk to the instance NAME of this host (default: the only one)\n"
        "  --socket PATH      talk to this UNIX socket\n"
        "  --url URL          talk to this address by TCP, with --token-file\n"
        "  --profile NAME     talk to the appliance of this profile (see 'fogctl profile')\n"
        "  --token-file FILE  file with the bearer token\n"
        "  --ca FILE          of https://: take certificates that are in FILE (PEM), or signed by one of it\n"
        "  --fingerprint HEX  of https://: take a certificate with this key, and no other: its SHA-256 as\n"
        "                     'fogctl status' on the appliance shows it\n"
        "  -j                 print JSON\n";

// Without a name the only running instance is meant.
static int client_find_socket(struct ctl_client *c)
{
	glob_t found = {0};
	int r = glob(RUN_DIR "/*/rest.sock", 0, NULL, &found);

	if (r == 0 && found.gl_pathc == 1) {
		snprintf(c->socket, sizeof(c->socket), "%s", found.gl_pathv[0]);
		globfree(&found);
		return CTL_OK;
	}
	fprintf(stderr,
	        "fogctl: %s, name one with --instance or --socket, or an appliance with --profile\n",
	        r == 0 ? "several instances run here" : "no instance runs in " RUN_DIR);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
		fprintf(stderr, "  --socket %s\n", found.gl_pathv[i]);
	globfree(&found);
	return CTL_USAGE;
}

static int client_read_token(struct ctl_client *c, const char *path)
{
	char text[560] = ""; // the longest token has 512 characters
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
		fprintf(stderr,
		        "fogctl: %s holds no token that I can read: run it with sudo, or name "
		        "another file\n",
		        path);
		if (f != NULL)
			fclose(f);
		return CTL_USAGE;
	}
	fclose(f);
	text[strcspn(text, " \t\r\n")] = '\0';
	snprintf(c->token, sizeof(c->token), "Authorization: Bearer %s", text);
	explicit_bzero(text, sizeof(text));
	return CTL_OK;
}

// The appliance of a profile: the one that is named, or, if nothing else is, the one in use.
static int client_profile(struct ctl_client *c)
{
	struct ctl_profiles *all = malloc(sizeof(*all));
	const struct ctl_profile *found = NULL;
	int r = all != NULL ? ctl_profiles_load(all) : CTL_REFUSED;
	bool wanted = c->profile_name != NULL;

	if (r == CTL_OK && (wanted || all->current[0] != '\0')) {
		found = ctl_profiles_find(all, wanted ? c->profile_name : all->current);
		r = found != NULL ? CTL_OK : CTL_USAGE;
	}
	if (found != NULL) {
		c->profile = *found;
		c->profile_name = c->profile.name;
		c->url = c->profile.url[0] != '\0' ? c->profile.url : NULL;
		snprintf(c->socket, sizeof(c->socket), "%s", c->profile.socket);
		if (c->ca == NULL && c->profile.ca[0] != '\0')
			c->ca = c->profile.ca;
		if (c->fingerprint == NULL && c->profile.fingerprint[0] != '\0')
			c->fingerprint = c->profile.fingerprint;
	}
	free(all);
	return r;
}

static int client_trust(const struct ctl_client *c)
{
	uint8_t key[32];

	if (c->ca == NULL && c->fingerprint == NULL)
		return CTL_OK;
	if (c->url == NULL || strncmp(c->url, "https://", 8) != 0)
		fprintf(stderr,
		        "fogctl: --ca and --fingerprint are for a URL that begins with https://\n");
	else if (c->fingerprint != NULL && ctl_trust_parse(c->fingerprint, key) < 0)
		fprintf(stderr, "fogctl: %s\n", CTL_TRUST_FORM);
	else
		return CTL_OK;
	return CTL_USAGE;
}

static int client_target(struct ctl_client *c)
{
	int given = (c->socket_given != NULL) + (c->instance != NULL) + (c->url != NULL) +
	        (c->profile_name != NULL);
	int r = CTL_OK;

	if (given > 1) {
		fprintf(stderr,
		        "fogctl: give only one of --socket, --instance, --url, --profile\n");
		return CTL_USAGE;
	}
	if (c->socket_given != NULL)
		snprintf(c->socket, sizeof(c->socket), "%s", c->socket_given);
	else if (c->instance != NULL)
		snprintf(c->socket, sizeof(c->socket), RUN_DIR "/%s/rest.sock", c->instance);
	else if (c->url == NULL)
		r = client_profile(c);
	if (r == CTL_OK && c->url == NULL && c->socket[0] == '\0')
		r = client_find_socket(c);
	return r == CTL_OK ? client_trust(c) : r;
}

// A token that was named, else that of a session, else that of the profile.
static int client_identity(struct ctl_client *c)
{
	if (c->anonymous)
		return CTL_OK;
	if (c->token_file != NULL)
		return client_read_token(c, c->token_file);
	if (ctl_session_exists(c))
		return ctl_session_use(c);
	return c->profile.token_file[0] != '\0' ? client_read_token(c, c->profile.token_file)
	                                        : CTL_OK;
}

// Returns how many arguments the option took, 0 when it is none of 'options'.
static int client_option(int left, char **argv, const struct ctl_option *options)
{
	for (const struct ctl_option *o = options; o->name != NULL; o++) {
		size_t len = strlen(o->name);
		if (o->flag != NULL && strcmp(argv[0], o->name) == 0) {
			*o->flag = true;
			return 1;
		}
		if (o->value == NULL || strncmp(argv[0], o->name, len) != 0)
			continue;
		if (argv[0][len] == '=') {
			*o->value = argv[0] + len + 1;
			return 1;
		}
		if (argv[0][len] == '\0' && left > 1) {
			*o->value = argv[1];
			return 2;
		}
	}
	return 0;
}

int ctl_client_options(
        struct ctl_client *c, int *argc, char **argv, const struct ctl_option *own,
        const char *usage
)
{
	static const struct ctl_option none = {0};
	bool help = false, bad = false, bare = false;
	int kept = 1, taken;

	memset(c, 0, sizeof(*c));
	const struct ctl_option common[] = {
	        {"--socket", &c->socket_given, NULL},
	        {"--instance", &c->instance, NULL},
	        {"--url", &c->url, NULL},
	        {"--profile", &c->profile_name, NULL},
	        {"--token-file", &c->token_file, NULL},
	        {"--ca", &c->ca, NULL},
	        {"--fingerprint", &c->fingerprint, NULL},
	        {"-j", NULL, &c->json},
	        {"--json", NULL, &c->json},
	        {"--help", NULL, &help},
	        {NULL, NULL, NULL},
	};
	for (int i = 1; i < *argc; i += taken) {
		taken = bare ? 0 : client_option(*argc - i, argv + i, own != NULL ? own : &none);
		if (taken == 0 && !bare)
			taken = client_option(*argc - i, argv + i, common);
		if (taken > 0)
			continue;
		taken = 1;
		if (!bare && strcmp(argv[i], "--") == 0) {
			bare = true;
		} else if (!bare && argv[i][0] == '-' && argv[i][1] != '\0') {
			fprintf(stderr, "fogctl: unknown option or missing value: %s\n", argv[i]);
			bad = true;
			break;
		} else {
			argv[kept++] = argv[i];
			continue;
		}
	}
	if (help || bad) {
		fprintf(bad ? stderr : stdout, "%s%s", usage, client_common);
		return bad ? CTL_USAGE : -1;
	}
	*argc = kept;
	return CTL_OK;
}

int ctl_client_connect(struct ctl_client *c)
{
	int r = client_target(c);

	if (r != CTL_OK)
		return r;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	c->curl = curl_easy_init();
	r = c->curl != NULL ? client_identity(c) : CTL_UNREACHABLE;
	if (r != CTL_OK)
		ctl_client_close(c);
	return r;
}

int ctl_client_open(
        struct ctl_client *c, int *argc, char **argv, const struct ctl_option *own,
        const char *usage
)
{
	int r = ctl_client_options(c, argc, argv, own, usage);

	return r == CTL_OK ? ctl_client_connect(c) : r;
}

void ctl_client_close(struct ctl_client *c)
{
	if (c->curl != NULL)
		curl_easy_cleanup(c->curl);
	c->curl = NULL;
	explicit_bzero(c->token, sizeof(c->token));
}

static size_t client_body(char *data, size_t size, size_t n, void *ctx)
{
	struct ctl_answer *a = ctx;
	size_t more = size * n;

	if (a->len + more >= a->room) {
		size_t room = 2 * (a->len + more) + 1;
		char *grown = malloc(room);
		if (grown == NULL)
			return 0;
		if (a->body != NULL)
			memcpy(grown, a->body, a->len);
		fog_wiped_free(a->body); // a token may be in it
		a->body = grown;
		a->room = room;
	}
	memcpy(a->body + a->len, data, more);
	a->len += more;
	a->body[a->len] = '\0';
	return more;
}

static size_t client_header(char *data, size_t size, size_t n, void *ctx)
{
	struct ctl_answer *a = ctx;
	static const char name[] = "ETag: ";
	size_t len = size * n, skip = sizeof(name) - 1;

	if (len > skip && strncasecmp(data, name, skip) == 0)
		snprintf(
		        a->etag, sizeof(a->etag), "%.*s", (int)strcspn(data + skip, "\r\n"),
		        data + skip
		);
	return len;
}

static struct curl_slist *client_headers(struct ctl_client *c, const struct ctl_request *r)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	list = curl_slist_append(list, "Content-Type: application/json");
	if (c->token[0] != '\0')
		list = curl_slist_append(list, c->token);
	if (r->header != NULL)
		list = curl_slist_append(list, r->header);
	return list;
}

static void client_options(
        const struct ctl_client *c, const struct ctl_request *r, struct ctl_answer *a
)
{
	char url[2048];

	curl_easy_reset(c->curl);
	snprintf(url, sizeof(url), "%s%s", c->url != NULL ? c->url : "http://localhost", r->path);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	if (c->url == NULL)
		curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	ctl_trust_options(c, c->curl);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, r->method);
	if (r->body != NULL) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)r->body_len);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, r->body);
	}
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, client_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, client_header);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, 5L);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, r->timeout_s > 0 ? r->timeout_s : 10L);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
}

static void client_unreachable(
        const struct ctl_client *c, CURLcode code, char error[CURL_ERROR_SIZE]
)
{
	const char *mend = ctl_trust_mend((int)code);
	long os = 0;

	// Of a UNIX socket libcurl tells a host and a port that nobody has asked for.
	if (code == CURLE_COULDNT_CONNECT && c->url == NULL &&
	    curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &os) == CURLE_OK && os != 0)
		snprintf(error, CURL_ERROR_SIZE, "%s", strerror((int)os));
	fprintf(stderr, "fogctl: %s: %s: %s\n", c->url != NULL ? c->url : c->socket,
	        error[0] != '\0' ? error : curl_easy_strerror(code),
	        mend != NULL ? mend : "is fog-controlplane running?");
}

int ctl_client_send(struct ctl_client *c, const struct ctl_request *r, struct ctl_answer *a)
{
	char error[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = client_headers(c, r);
	CURLcode code;

	memset(a, 0, sizeof(*a));
	client_options(c, r, a);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, error);
	code = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	if (code == CURLE_OK && a->body == NULL)
		a->body = strdup("");
	if (code != CURLE_OK || a->body == NULL) {
		client_unreachable(c, code, error);
		ctl_answer_free(a);
		return CTL_UNREACHABLE;
	}
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &a->status);
	a->json = json_loadb(a->body, a->len, 0, NULL);
	return CTL_OK;
}

int ctl_client_request(struct ctl_client *c, const struct ctl_request *r, struct ctl_answer *a)
{
	int e = ctl_client_send(c, r, a);

	if (e != CTL_OK || a->status != 401 || !c->session || !ctl_session_renew(c))
		return e;
	ctl_answer_free(a);
	return ctl_client_send(c, r, a);
}

static void client_print_problem(const struct ctl_client *c, const struct ctl_answer *a)
{
	const char *detail = json_string_value(json_object_get(a->json, "detail"));
	const char *hint = a->status == 401 && c->token[0] == '\0' && !c->anonymous
	        ? "log in with 'fogctl login', or name a file with a token: --token-file"
	        : json_string_value(json_object_get(a->json, "hint"));

	const char *text = detail != NULL ? detail : "the request failed";

	fputs("fogctl: ", stderr);
	ctl_print_safe(stderr, text, strlen(text));
	fputc('\n', stderr);
	if (hint != NULL) {
		fputs("  ", stderr);
		ctl_print_safe(stderr, hint, strlen(hint));
		fputc('\n', stderr);
	}
	if (detail == NULL)
		fprintf(stderr, "  HTTP status %ld\n", a->status);
}

int ctl_client_refused(struct ctl_client *c, struct ctl_answer *a)
{
	if (c->json)
		puts(a->body);
	client_print_problem(c, a);
	ctl_answer_free(a);
	return CTL_REFUSED;
}

int ctl_client_call(struct ctl_client *c, const struct ctl_request *r, struct ctl_answer *a)
{
	int e = ctl_client_request(c, r, a);

	return e == CTL_OK && a->status >= 400 ? ctl_client_refused(c, a) : e;
}

int ctl_client_show(
        struct ctl_client *c, const struct ctl_request *request, void (*print)(const json_t *answer)
)
{
	struct ctl_answer answer;
	int r = ctl_client_call(c, request, &answer);

	if (r != CTL_OK)
		return r;
	if (c->json)
		puts(answer.body);
	else
		print(answer.json);
	ctl_answer_free(&answer);
	return CTL_OK;
}

int ctl_client_command(
        int argc, char **argv, const char *usage, const char *path,
        void (*print)(const json_t *answer)
)
{
	struct ctl_request request = {.method = "GET", .path = path};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, NULL, usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc > 1) {
		fputs(usage, stderr);
		r = CTL_USAGE;
	} else {
		r = ctl_client_show(&client, &request, print);
	}
	ctl_client_close(&client);
	return r;
}

int64_t ctl_time_ns(const json_t *text)
{
	const char *from = json_string_value(text);
	struct tm tm = {0};
	const char *rest = from != NULL ? strptime(from, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (rest == NULL)
		return -1;
	return (int64_t)timegm(&tm) * 1000000000 +
	        (int64_t)(strtod(rest, NULL) * 1e6) * 1000; // .123456Z
}

void ctl_answer_free(struct ctl_answer *a)
{
	json_decref(a->json);
	fog_wiped_free(a->body);
	memset(a, 0, sizeof(*a));
}
