// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is said to the watchdog.
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../dataplane/notify.h"
#include "../run.h"

static int listener;

// The next datagram, "" when there is none.
static const char *heard(void)
{
	static char text[256];
	ssize_t n = recv(listener, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_watchdog(void)
{
	struct notify n;

	notify_open(&n);
	CU_ASSERT_EQUAL(n.watchdog_us, 10000000);
	notify_alive(&n);
	CU_ASSERT_STRING_EQUAL(heard(), "WATCHDOG=1");
	unsetenv("WATCHDOG_USEC");
	notify_open(&n);
	CU_ASSERT_EQUAL(n.watchdog_us, 0);
	notify_alive(&n); // nobody waits
	CU_ASSERT_STRING_EQUAL(heard(), "");
}

int main(void)
{
	static const CU_TestInfo tests[] = {{"watchdog", test_watchdog}, CU_TEST_INFO_NULL};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const void *generic = &addr;
	char folder[] = "/tmp/fogline-notify-XXXXXX";

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", folder);
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, generic, sizeof(addr)) < 0)
		return 1;
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	setenv("WATCHDOG_USEC", "10000000", 1);
	int ret = check_run("notify", tests);
	unlink(addr.sun_path);
	rmdir(folder);
	return ret;
}
