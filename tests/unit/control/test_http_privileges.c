// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is left of root's rights once they are dropped.
#include <cap-ng.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../controlplane/auth/privileges.h"
#include "../run.h"
#include "http_rig.h"

void test_http_privileges(void)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		capng_get_caps_process();
		int bad = fog_privileges_drop(0, 0, 0) != 0;
		bad |= prctl(PR_GET_DUMPABLE) != 0 ? 2 : 0;
		bad |= prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ? 4 : 0;
		capng_get_caps_process();
		bad |= capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE ? 8 : 0;
		_exit(bad);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}
