// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What reaches stderr: levels, formats, foreign bytes, and the bucket of each place.
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODULE "unit"
#include "../../../log/format.h"
#include "../run.h"

static char said[1 << 16];
static int saved = -1, file = -1;

// What is logged from here to capture_end() stands in said[].
static void capture(void)
{
	char path[] = "/tmp/fog-log-XXXXXX";

	file = mkstemp(path);
	unlink(path);
	saved = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
}

static void capture_end(void)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	ssize_t n = pread(file, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(file);
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *at = said; *at != '\0'; at++)
		n += *at == '\n';
	return n;
}

static void test_levels(void)
{
	for (int level = FOG_LOG_ERROR; level < FOG_LOG_LEVELS; level++) {
		fog_log_level_set((enum fog_log_level)level);
		capture();
		LOG_ERR("e");
		LOG_WARN("w");
		LOG_INFO("i");
		LOG_DEBUG("d");
		capture_end();
		CU_ASSERT_EQUAL(lines(), (unsigned)level + 1);
		CU_ASSERT_EQUAL(
		        fog_log_level_parse(fog_log_level_name((enum fog_log_level)level)), level
		);
	}
	CU_ASSERT_EQUAL(fog_log_level_parse("loud"), -EINVAL);
	CU_ASSERT_EQUAL(fog_log_format_parse("xml"), -EINVAL);
	CU_ASSERT_EQUAL(fog_log_format_parse("json"), FOG_LOG_JSON);
	fog_log_level_set(FOG_LOG_INFO);
}

static void test_text(void)
{
	fog_log_format_set(FOG_LOG_TEXT);
	capture();
	LOG_WITH(
	        FOG_LOG_WARNING,
	        LOG_FIELDS(LOG_TEXT("port", "eth 0"), LOG_NUMBER("up", -1), LOG_TEXT("mode", "a")),
	        "link of %s", "port"
	);
	capture_end();
	CU_ASSERT_STRING_EQUAL(
	        said, "test_log/unit: warning: link of port port=\"eth 0\" up=-1 mode=a\n"
	);
}

static void test_journal(void)
{
	char stream[64];
	struct stat st;

	fog_log_format_set(FOG_LOG_AUTO);
	capture();
	fstat(file, &st);
	snprintf(
	        stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
	        (unsigned long long)st.st_ino
	);
	setenv("JOURNAL_STREAM", stream, 1);
	LOG_ERR("down");
	capture_end();
	CU_ASSERT_STRING_EQUAL(said, "<3>unit: down\n");
	// Stderr went elsewhere since: the variable means somebody else's stream.
	fog_log_format_set(FOG_LOG_AUTO);
	setenv("JOURNAL_STREAM", "1:1", 1);
	capture();
	LOG_ERR("down");
	capture_end();
	CU_ASSERT_STRING_EQUAL(said, "test_log/unit: error: down\n");
	unsetenv("JOURNAL_STREAM");
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

// Whatever is said, it is one line, one object, and no other line's beginning.
static void test_json(void)
{
	static const char *const foreign[] = {
	        "quote \" and \\ and \n<0>new line\x1b[2J",
	        "\xff\xfe no UTF-8 \xc3",
	        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	        "\xc0\xaf overlong \xed\xa0\x80 \xc2\x9b c1",
	};

	fog_log_format_set(FOG_LOG_JSON);
	for (unsigned i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		capture();
		LOG_WITH(
		        FOG_LOG_INFO,
		        LOG_FIELDS(LOG_TEXT("build", foreign[i]), LOG_NUMBER("n", INT64_MIN)), "%s",
		        foreign[i]
		);
		capture_end();
		CU_ASSERT_EQUAL(lines(), 1);
		json_t *o = json_loads(said, 0, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		CU_ASSERT_STRING_EQUAL(text_of(o, "level"), "info");
		CU_ASSERT_STRING_EQUAL(text_of(o, "module"), "unit");
		CU_ASSERT_STRING_EQUAL(text_of(o, "program"), "test_log");
		CU_ASSERT_EQUAL(strlen(text_of(o, "time")), strlen("2026-01-01T00:00:00.000000Z"));
		CU_ASSERT_STRING_EQUAL(text_of(o, "text"), text_of(o, "build"));
		CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "n")), INT64_MIN);
		CU_ASSERT_PTR_NULL(strpbrk(text_of(o, "text"), "\n\x1b"));
		if (i == 2)
			CU_ASSERT_STRING_EQUAL(text_of(o, "text"), foreign[i]);
		json_decref(o);
	}
}

// Longer than a line: cut, and still whole.
static void test_long(void)
{
	static char text[3 * LOG_LINE_MAX];
	const struct fog_log_field fields[] = {
	        LOG_TEXT("a", text), LOG_TEXT("b", text), LOG_NUMBER("c", 1), {0}};
	static const char *const characters[] = {"x", "\"", "\xe2\x82\xac"};
	char line[LOG_LINE_MAX + 1];

	for (unsigned i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		text[0] = '\0';
		for (size_t at = 0; at < sizeof(text) - 4; at += strlen(characters[i]))
			strcpy(text + at, characters[i]);
		for (int format = FOG_LOG_TEXT; format <= FOG_LOG_JSON; format++) {
			struct log_event e = {
			        .program = "p", .module = "m", .sentence = text, .fields = fields};
			memset(line, 0x5a, sizeof(line));
			size_t len = log_format_line(line, (enum fog_log_format)format, &e);
			CU_ASSERT_TRUE(len > LOG_LINE_MAX / 2 && len <= LOG_LINE_MAX);
			CU_ASSERT_EQUAL(line[len - 1], '\n');
			CU_ASSERT_EQUAL(line[LOG_LINE_MAX], 0x5a);
			json_t *o = json_loadb(line, len, 0, NULL);
			CU_ASSERT_EQUAL(o != NULL, format == FOG_LOG_JSON);
			json_decref(o);
		}
	}
}

static void flood(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		LOG_WARN("flood %u", i);
}

static void test_bucket(void)
{
	fog_log_format_set(FOG_LOG_TEXT);
	capture();
	flood(100);
	LOG_WARN("another place");
	capture_end();
	// A second may have passed between two of them.
	CU_ASSERT_TRUE(lines() >= FOG_LOG_BURST + 1 && lines() <= FOG_LOG_BURST + 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "another place"));
	CU_ASSERT_PTR_NULL(strstr(said, "left_out"));
	sleep(2); // its bucket gets a token again
	capture();
	flood(1);
	capture_end();
	const char *at = strstr(said, "flood 0 left_out=");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	CU_ASSERT_TRUE(atoi(at + strlen("flood 0 left_out=")) >= 100 - FOG_LOG_BURST - 2);
}

// A place that never speaks again: the flush says what it left out.
static void test_flush(void)
{
	capture();
	for (unsigned i = 0; i < 50; i++)
		LOG_ERR("once and never again");
	capture_end();
	sleep(2);
	capture();
	fog_log_flush();
	capture_end();
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "lines like the last one were left out"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "error: "));
	capture();
	fog_log_flush();
	capture_end();
	CU_ASSERT_STRING_EQUAL(said, "");
}

static void test_lines(void)
{
	capture();
	for (int i = 0; i < 3; i++)
		LOG_LINES(FOG_LOG_WARNING, "f:1: a\nf:2: b\nf:3: c\nf:4: d\n");
	capture_end();
	CU_ASSERT_EQUAL(lines(), 12);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "test_log/unit: warning: f:4: d\n"));
}

static void *writer(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		LOG_LINES(FOG_LOG_INFO, "abcdefghijklmnopqrstuvwxyz");
		LOG_INFO("other");
	}
	return arg;
}

static void test_threads(void)
{
	static const char line[] = "test_log/unit: info: abcdefghijklmnopqrstuvwxyz\n";
	pthread_t thread[4];
	unsigned whole = 0;

	fog_log_format_set(FOG_LOG_TEXT);
	capture();
	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, writer, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	capture_end();
	for (const char *at = said; (at = strstr(at, line)) != NULL; at += sizeof(line) - 1)
		whole++;
	CU_ASSERT_TRUE(whole > 1000); // as many as said[] holds
	CU_ASSERT_TRUE(strncmp(said, "test_log/unit: info: ", 21) == 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"levels", test_levels},
	        {"text", test_text},
	        {"journal", test_journal},
	        {"JSON, foreign bytes", test_json},
	        {"longer than a line", test_long},
	        {"bucket", test_bucket},
	        {"flush", test_flush},
	        {"findings", test_lines},
	        {"threads", test_threads},
	        CU_TEST_INFO_NULL,
	};

	return check_run("log", tests);
}
