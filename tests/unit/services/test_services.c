// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Supervision by an injected clock: order, health, restarts, what hangs.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "../../../controlplane/services/private.h"
#include "../run.h"

enum { A, B, C, D, PARTS, FIRST_MS = 5000000, PATIENCE = 3000 };

struct part {
	int start_error, health_error;
	bool hang_health, hang_stop, hang_start; // until it is false again
	unsigned starts, stops, checks;
	bool inside; // of a function
};

static struct world {
	pthread_mutex_t lock; // everything
	pthread_cond_t news;
	struct part part[PARTS];
	char diary[1024]; // "+a -b"
	uint64_t now_ms;
	uint32_t dice;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static struct fog_services *s;

static void part_hang(struct part *p, const bool *hang)
{
	p->inside = true;
	pthread_cond_broadcast(&world.news);
	while (*hang)
		pthread_cond_wait(&world.news, &world.lock);
	p->inside = false;
}

static void part_note(char sign, unsigned i)
{
	size_t len = strlen(world.diary);

	snprintf(
	        world.diary + len, sizeof(world.diary) - len, "%s%c%c", len > 0 ? " " : "", sign,
	        (char)('a' + i)
	);
}

static int part_start(unsigned i)
{
	struct part *p = &world.part[i];

	pthread_mutex_lock(&world.lock);
	p->starts++;
	part_hang(p, &p->hang_start);
	int r = p->start_error;
	part_note(r == 0 ? '+' : '!', i);
	pthread_mutex_unlock(&world.lock);
	return r;
}

static void part_stop(unsigned i)
{
	struct part *p = &world.part[i];

	pthread_mutex_lock(&world.lock);
	p->stops++;
	part_hang(p, &p->hang_stop);
	part_note('-', i);
	pthread_mutex_unlock(&world.lock);
}

static int part_health(unsigned i, char *text)
{
	struct part *p = &world.part[i];

	pthread_mutex_lock(&world.lock);
	p->checks++;
	part_hang(p, &p->hang_health);
	int r = p->health_error;
	if (r < 0)
		snprintf(text, FOG_SERVICE_TEXT_LEN, "part %u is broken", i);
	pthread_mutex_unlock(&world.lock);
	return r;
}

#define PART(letter, i) \
	static int letter##_start(void *ctx) \
	{ \
		return part_start(i); \
	} \
	static void letter##_stop(void *ctx) \
	{ \
		part_stop(i); \
	} \
	PART_CHECKED(letter, i)
#define PART_CHECKED(letter, i) \
	static int letter##_health(void *ctx, char *text) \
	{ \
		return part_health(i, text); \
	}
PART(a, A)
PART(b, B)
PART(c, C)
PART_CHECKED(d, D)

// c needs a, b needs c, d uses b; a alone is critical, d lives as long as the process.
static const char *const c_needs[] = {"a", NULL}, *const b_needs[] = {"c", NULL},
                         *const d_uses[] = {"b", NULL};
static const struct fog_service table[] = {
        {.name = "d", .text = "the last", .uses = d_uses, .health = d_health},
        {.name = "b",
         .text = "the third",
         .needs = b_needs,
         .start = b_start,
         .stop = b_stop,
         .health = b_health},
        {.name = "a",
         .text = "the first",
         .critical = true,
         .start = a_start,
         .stop = a_stop,
         .health = a_health},
        {.name = "c",
         .text = "the second",
         .needs = c_needs,
         .start = c_start,
         .stop = c_stop,
         .health = c_health},
};

static uint64_t world_now(void *ctx)
{
	pthread_mutex_lock(&world.lock);
	uint64_t now_ms = world.now_ms;
	pthread_mutex_unlock(&world.lock);
	return now_ms;
}

static uint32_t world_dice(void *ctx)
{
	return world.dice;
}

static const struct fog_services_clock world_clock = {.now_ms = world_now, .dice = world_dice};

// What the supervisor tells of itself.
static char noted[400];

static void note(void *ctx, const char *name, const char *what, int result, const char *text)
{
	size_t len = strlen(noted);

	snprintf(
	        noted + len, sizeof(noted) - len, "%s %s %d%s\n", name, what, result,
	        text[0] != '\0' ? "!" : ""
	);
}

static void begin(void)
{
	char error[200];

	memset(world.part, 0, sizeof(world.part));
	world.diary[0] = '\0';
	world.now_ms = FIRST_MS;
	world.dice = 0;
	CU_ASSERT_EQUAL_FATAL(
	        fog_services_create(table, 4, NULL, &world_clock, &s, error, sizeof(error)), 0
	);
	noted[0] = '\0';
	fog_services_watch(s, note);
}

static struct fog_service_view view(const char *name)
{
	struct fog_service_view v = {0};

	CU_ASSERT_TRUE(fog_services_get(s, name, &v, NULL, 0) >= 0);
	return v;
}

// Rounds until it is so, with the clock at rest.
#define UNTIL(condition) \
	do { \
		unsigned left = PATIENCE; \
		while (!(condition) && left-- > 0) { \
			unsigned wait_ms = fog_services_step(s); \
			fog_services_wait(s, wait_ms < 10 ? wait_ms : 10); \
		} \
		CU_ASSERT_TRUE_FATAL(condition); \
	} while (0)

static bool diary_is(const char *text)
{
	pthread_mutex_lock(&world.lock);
	bool is = strcmp(world.diary, text) == 0;
	pthread_mutex_unlock(&world.lock);
	return is;
}

static unsigned checks(unsigned i)
{
	pthread_mutex_lock(&world.lock);
	unsigned count = world.part[i].checks;
	pthread_mutex_unlock(&world.lock);
	return count;
}

// Whether a check is under way that nobody holds up.
static bool checking(void)
{
	bool busy = false;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < PARTS; i++) {
		const struct service_job *j = &s->service[i].check;
		const struct part *p = &world.part[table[i].name[0] - 'a'];
		pthread_mutex_lock(&world.lock);
		busy |= j->busy && !p->hang_health;
		pthread_mutex_unlock(&world.lock);
	}
	pthread_mutex_unlock(&s->lock);
	return busy;
}

// The clock must not overtake a check only because its thread had no turn yet.
static void pass(uint64_t ms)
{
	UNTIL(!checking());
	pthread_mutex_lock(&world.lock);
	world.now_ms += ms;
	pthread_mutex_unlock(&world.lock);
}

#define SET(i, member, value) \
	do { \
		pthread_mutex_lock(&world.lock); \
		world.part[i].member = (value); \
		pthread_cond_broadcast(&world.news); \
		pthread_mutex_unlock(&world.lock); \
	} while (0)

static unsigned history(const char *name)
{
	struct fog_service_check list[FOG_SERVICE_HISTORY + 1];
	struct fog_service_view v;
	int n = fog_services_get(s, name, &v, list, FOG_SERVICE_HISTORY + 1);

	for (int i = 1; i < n; i++)
		CU_ASSERT_TRUE(list[i - 1].time_us >= list[i].time_us);
	return n < 0 ? 0 : (unsigned)n;
}

// Until the checks of the first 'parts' are in.
static void check_some(unsigned parts)
{
	const char *const names[] = {"a", "b", "c", "d"};
	unsigned had[PARTS];

	for (unsigned i = 0; i < parts; i++)
		had[i] = view(names[i]).checks;
	pass(FOG_SERVICE_CHECK_MS);
	for (unsigned i = 0; i < parts; i++)
		UNTIL(view(names[i]).state != FOG_SERVICE_RUNNING || view(names[i]).checks > had[i]
		);
}

static void check_all(void)
{
	check_some(PARTS);
}

static void up(void)
{
	begin();
	UNTIL(diary_is("+a +c +b") && view("d").state == FOG_SERVICE_RUNNING);
	UNTIL(fog_services_health(s) == FOG_HEALTH_HEALTHY);
}

static void end(void)
{
	CU_ASSERT_EQUAL(fog_services_stop(s), 0);
	fog_services_destroy(s);
	s = NULL;
}

static void test_order(void)
{
	struct fog_service_view v[8];
	const char *name[8];

	up();
	CU_ASSERT_EQUAL_FATAL(fog_services_list(s, v, 8), 4);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(v[i].place, i);
		CU_ASSERT_EQUAL(v[i].layer, i);
		CU_ASSERT_EQUAL(v[i].service->name[0], "acbd"[i]);
	}
	CU_ASSERT_EQUAL(fog_services_dependents(s, "a", false, name, 8), 1);
	CU_ASSERT_STRING_EQUAL(name[0], "c");
	CU_ASSERT_EQUAL(fog_services_dependents(s, "b", true, name, 8), 1);
	CU_ASSERT_STRING_EQUAL(name[0], "d");
	CU_ASSERT_EQUAL(fog_services_dependents(s, "x", true, name, 8), -ENOENT);
	world.diary[0] = '\0';
	CU_ASSERT_EQUAL(fog_services_stop(s), 0);
	CU_ASSERT_TRUE(diary_is("-b -c -a"));
	fog_services_destroy(s);
}

static void test_tables(void)
{
	static const char *const to_b[] = {"b", NULL}, *const to_a[] = {"a", NULL},
	                         *const to_x[] = {"x", NULL};
	const struct fog_service cycle[] = {
	        {.name = "a", .needs = to_b, .start = a_start},
	        {.name = "b", .uses = to_a, .start = b_start}};
	const struct fog_service unknown[] = {{.name = "a", .needs = to_x}};
	const struct fog_service twice[] = {{.name = "a"}, {.name = "a"}};
	const struct fog_service bad[] = {{.name = "A b"}};
	const struct fog_service left[] = {
	        {.name = "a", .needs = to_b}, {.name = "b", .start = b_start}};
	struct fog_services *none;
	char e[200];

	CU_ASSERT_EQUAL(fog_services_create(cycle, 2, NULL, NULL, &none, e, sizeof(e)), -ELOOP);
	CU_ASSERT_PTR_NOT_NULL(strstr(e, "a -> b -> a"));
	CU_ASSERT_EQUAL(fog_services_create(unknown, 1, NULL, NULL, &none, e, sizeof(e)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e, "'x'"));
	CU_ASSERT_EQUAL(fog_services_create(twice, 2, NULL, NULL, &none, e, sizeof(e)), -EINVAL);
	CU_ASSERT_EQUAL(fog_services_create(bad, 1, NULL, NULL, &none, e, sizeof(e)), -EINVAL);
	CU_ASSERT_EQUAL(fog_services_create(left, 2, NULL, NULL, &none, e, sizeof(e)), -EINVAL);
}

static void test_thresholds(void)
{
	up();
	SET(D, health_error, -EIO);
	check_all();
	check_all();
	CU_ASSERT_EQUAL(view("d").health, FOG_HEALTH_HEALTHY);
	CU_ASSERT_EQUAL(view("d").failures, 2);
	CU_ASSERT_STRING_EQUAL(view("d").text, "part 3 is broken");
	check_all();
	UNTIL(view("d").health == FOG_HEALTH_UNHEALTHY);
	CU_ASSERT_EQUAL(view("d").state, FOG_SERVICE_RUNNING); // nobody can restart it
	CU_ASSERT_EQUAL(fog_services_health(s), FOG_HEALTH_DEGRADED);
	SET(D, health_error, 0);
	check_all();
	UNTIL(view("d").recoveries == 1);
	CU_ASSERT_EQUAL(view("d").health, FOG_HEALTH_UNHEALTHY);
	check_all();
	UNTIL(view("d").health == FOG_HEALTH_HEALTHY);
	CU_ASSERT_STRING_EQUAL(view("d").text, "");
	end();
}

// Three failures in a row of 'name', then its restart comes as long after it as 'ms' says.
static void ill(unsigned i, const char *name, uint64_t ms)
{
	unsigned starts = world.part[i].starts;

	SET(i, health_error, -EIO);
	for (unsigned n = 0; n < FOG_SERVICE_FAILURES; n++)
		check_all();
	UNTIL(view(name).state == FOG_SERVICE_WAITING);
	SET(i, health_error, 0);
	CU_ASSERT_EQUAL(view(name).retry_ms, ms);
	pass(ms - 1);
	(void)fog_services_step(s);
	CU_ASSERT_EQUAL(view(name).state, FOG_SERVICE_WAITING);
	pass(1);
	UNTIL(view(name).state == FOG_SERVICE_RUNNING);
	CU_ASSERT_EQUAL(world.part[i].starts, starts + 1);
	UNTIL(view("b").state == FOG_SERVICE_RUNNING && fog_services_health(s) == FOG_HEALTH_HEALTHY
	);
}

static void test_backoff(void)
{
	static const uint64_t want[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};

	up();
	world.dice = UINT32_MAX / 2 + 1; // neither more nor less
	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		ill(B, "b", want[i]);
	CU_ASSERT_EQUAL(view("b").restarts, sizeof(want) / sizeof(want[0]));
	for (unsigned ms = 0; ms < FOG_SERVICE_STEADY_MS; ms += FOG_SERVICE_CHECK_MS)
		check_all();
	check_all();
	UNTIL(history("b") > 20);
	world.dice = 0;
	ill(B, "b", 750);
	world.dice = UINT32_MAX;
	ill(B, "b", 2499);
	end();
}

static void test_notes(void)
{
	up();
	CU_ASSERT_STRING_EQUAL(noted, ""); // a first start is nothing to tell
	ill(B, "b", 750);
	CU_ASSERT_STRING_EQUAL(noted, "b unhealthy 0!\nb restart 0!\nb start 0\n");
	noted[0] = '\0';
	SET(D, health_error, -EIO); // one that is only checked
	for (unsigned n = 0; n < FOG_SERVICE_FAILURES; n++)
		check_all();
	SET(D, health_error, 0);
	for (unsigned n = 0; n < FOG_SERVICE_RECOVERIES; n++)
		check_all();
	UNTIL(fog_services_health(s) == FOG_HEALTH_HEALTHY);
	CU_ASSERT_STRING_EQUAL(noted, "d unhealthy 0!\nd healthy 0\n");
	end();
}

static void test_dependents(void)
{
	up();
	world.diary[0] = '\0';
	world.dice = 0;
	ill(C, "c", 750);
	CU_ASSERT_TRUE(diary_is("-b -c +c +b"));
	world.diary[0] = '\0';
	CU_ASSERT_EQUAL(fog_services_restart(s, "a", false), -EBUSY);
	CU_ASSERT_EQUAL(fog_services_restart(s, "d", true), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(fog_services_restart(s, "x", true), -ENOENT);
	CU_ASSERT_EQUAL(fog_services_restart(s, "a", true), 0);
	CU_ASSERT_EQUAL(fog_services_restart(s, "a", true), -EALREADY);
	UNTIL(diary_is("-b -c -a +a +c +b"));
	UNTIL(fog_services_health(s) == FOG_HEALTH_HEALTHY);
	world.diary[0] = '\0';
	CU_ASSERT_EQUAL(fog_services_restart(s, "b", false), 0);
	UNTIL(diary_is("-b +b"));
	UNTIL(fog_services_health(s) == FOG_HEALTH_HEALTHY);
	end();
}

static void test_degraded(void)
{
	up();
	SET(A, health_error, -EIO);
	SET(C, hang_stop, true);
	for (unsigned n = 0; n < FOG_SERVICE_FAILURES; n++)
		check_all();
	UNTIL(view("c").state == FOG_SERVICE_STOPPING);
	CU_ASSERT_EQUAL(view("a").health, FOG_HEALTH_UNHEALTHY);
	CU_ASSERT_EQUAL(view("d").health, FOG_HEALTH_DEGRADED); // b, which it uses, does not run
	CU_ASSERT_EQUAL(fog_services_health(s), FOG_HEALTH_UNHEALTHY);
	SET(C, hang_stop, false);
	SET(A, health_error, 0);
	UNTIL(view("a").state == FOG_SERVICE_WAITING);
	pass(FOG_SERVICE_BACKOFF_MAX_MS);
	UNTIL(fog_services_health(s) == FOG_HEALTH_HEALTHY);
	end();
}

struct said {
	unsigned count;
	char code[64], text[400];
};

static void say(void *ctx, const char *code, const char *text)
{
	struct said *said = ctx;

	said->count++;
	snprintf(said->code, sizeof(said->code), "%s", code);
	snprintf(said->text, sizeof(said->text), "%s", text);
}

static void test_reasons(void)
{
	struct said critical = {0}, other = {0};

	up();
	CU_ASSERT_EQUAL(fog_services_reasons(s, true, say, &critical), 0);
	CU_ASSERT_EQUAL(fog_services_reasons(s, false, say, &other), 0);
	SET(D, health_error, -EIO);
	SET(A, hang_stop, true);
	SET(A, health_error, -EIO);
	for (unsigned n = 0; n < FOG_SERVICE_FAILURES; n++)
		check_all();
	UNTIL(view("a").state == FOG_SERVICE_STOPPING && view("d").health == FOG_HEALTH_UNHEALTHY);
	CU_ASSERT_EQUAL(fog_services_reasons(s, true, say, &critical), 1);
	CU_ASSERT_STRING_EQUAL(critical.code, "service_unhealthy");
	CU_ASSERT_PTR_NOT_NULL(strstr(critical.text, "service a (the first): "));
	CU_ASSERT_EQUAL(fog_services_reasons(s, false, say, &other), 3); // b and c wait for a
	CU_ASSERT_STRING_EQUAL(other.code, "service_degraded");
	CU_ASSERT_PTR_NOT_NULL(strstr(other.text, "part 3 is broken"));
	SET(A, hang_stop, false);
	end();
}

static void test_hanging_check(void)
{
	up();
	SET(D, hang_health, true);
	unsigned had = checks(D), failed = history("d");
	check_some(D);
	UNTIL(checks(D) == had + 1);
	pass(FOG_SERVICE_CHECK_MAX_MS - 1);
	(void)fog_services_step(s);
	CU_ASSERT_EQUAL(view("d").failures, 0);
	pass(1);
	UNTIL(view("d").failures == 1 && view("d").hangs);
	CU_ASSERT_EQUAL(history("d"), failed + 1);
	SET(D, hang_health, false);
	UNTIL(!view("d").hangs);
	CU_ASSERT_EQUAL(view("d").failures, 1); // what comes too late doesn't count
	SET(D, hang_health, true);
	check_some(D);
	pass(FOG_SERVICE_CHECK_MAX_MS);
	UNTIL(checks(D) == had + 2);
	pass(FOG_SERVICE_CHECK_MAX_MS);
	UNTIL(view("d").failures == 2 && view("d").hangs);
	check_some(D); // nobody waits for it
	UNTIL(view("d").health == FOG_HEALTH_UNHEALTHY);
	CU_ASSERT_EQUAL(checks(D), had + 2); // it is alone
	SET(D, hang_health, false);
	UNTIL(!view("d").hangs);
	CU_ASSERT_EQUAL(view("d").health, FOG_HEALTH_UNHEALTHY);
	check_all();
	check_all();
	UNTIL(view("d").health == FOG_HEALTH_HEALTHY);
	end();
}

static void test_hanging_stop(void)
{
	up();
	SET(B, hang_stop, true);
	CU_ASSERT_EQUAL(fog_services_restart(s, "b", false), 0);
	UNTIL(view("b").state == FOG_SERVICE_STOPPING);
	CU_ASSERT_EQUAL(fog_services_restart(s, "c", true), 0);
	(void)fog_services_step(s);
	CU_ASSERT_EQUAL(view("c").state, FOG_SERVICE_RUNNING); // one after the other
	pass(FOG_SERVICE_STOP_MAX_MS);
	UNTIL(view("b").hangs);
	CU_ASSERT_EQUAL(view("b").state, FOG_SERVICE_STOPPING);
	CU_ASSERT_EQUAL(view("c").state, FOG_SERVICE_RUNNING); // b still stands on it
	world.diary[0] = '\0';
	SET(B, hang_stop, false);
	UNTIL(diary_is("-b -c +c +b"));
	end();
}

static void *release_run(void *arg)
{
	struct part *p = arg;

	pthread_mutex_lock(&world.lock);
	while (!p->inside)
		pthread_cond_wait(&world.news, &world.lock);
	world.now_ms += FOG_SERVICE_STOP_MAX_MS;
	pthread_mutex_unlock(&world.lock);
	return NULL;
}

// At the end one that hangs holds up the others for so long only, and its objects stay.
static void test_hanging_end(void)
{
	pthread_t thread;

	up();
	SET(B, hang_stop, true);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, release_run, &world.part[B]), 0);
	world.diary[0] = '\0';
	CU_ASSERT_EQUAL(fog_services_stop(s), -ETIMEDOUT);
	CU_ASSERT_TRUE(diary_is("-c -a"));
	pthread_join(thread, NULL);
	SET(B, hang_stop, false);
	UNTIL(view("b").state == FOG_SERVICE_STOPPED);
	fog_services_destroy(s);
}

static void test_start(void)
{
	begin();
	world.part[B].start_error = -EIO;
	CU_ASSERT_EQUAL(fog_services_start(s), 0); // it isn't critical
	CU_ASSERT_TRUE(diary_is("+a +c !b"));
	CU_ASSERT_EQUAL(view("d").state, FOG_SERVICE_RUNNING);
	CU_ASSERT_EQUAL(view("b").health, FOG_HEALTH_UNHEALTHY);
	SET(B, start_error, 0);
	pass(FOG_SERVICE_BACKOFF_MS);
	for (unsigned i = 0; i < PATIENCE && view("b").state != FOG_SERVICE_RUNNING; i++)
		usleep(10000);
	CU_ASSERT_TRUE(diary_is("+a +c !b +b"));
	end();

	begin();
	world.part[A].start_error = -ENODEV;
	CU_ASSERT_EQUAL(fog_services_start(s), -ENODEV);
	end();
	CU_ASSERT_TRUE(diary_is("!a"));
}

static void test_history(void)
{
	up();
	for (unsigned i = 0; i < FOG_SERVICE_HISTORY + 10; i++)
		check_all();
	UNTIL(history("a") == FOG_SERVICE_HISTORY);
	unsigned had = checks(A);
	CU_ASSERT_EQUAL(fog_services_check(s, "a"), 0); // now, not when it is due
	UNTIL(checks(A) == had + 1 && view("a").checks == had + 1);
	CU_ASSERT_EQUAL(fog_services_check(s, "x"), -ENOENT);
	end();
}

static CU_TestInfo tests[] = {
        {"order of starts and stops", test_order},
        {"tables that are refused", test_tables},
        {"three failures, two recoveries", test_thresholds},
        {"back-off and steadiness", test_backoff},
        {"dependents before and after", test_dependents},
        {"what it does by itself is told", test_notes},
        {"what a broken one means to others", test_degraded},
        {"reasons for readiness", test_reasons},
        {"a check that hangs", test_hanging_check},
        {"a stop that hangs", test_hanging_stop},
        {"a stop that hangs at the end", test_hanging_end},
        {"starts that fail", test_start},
        {"checks that are remembered", test_history},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("services", tests);
}
