// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "secret_memory.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

int fog_memory_lock(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 ? -errno : 0;
}

// The first thread's stack isn't mapped down to where it may grow, hence ENOMEM; what is mapped has
// the mark then, and grows with it.
int fog_stack_hide(void)
{
	pthread_attr_t attr;
	size_t len;
	void *stack;

	int ret = -pthread_getattr_np(pthread_self(), &attr);
	if (ret < 0)
		return ret;
	pthread_attr_getstack(&attr, &stack, &len);
	pthread_attr_destroy(&attr);
	if (madvise(stack, len, MADV_DONTDUMP) == 0 || (errno == ENOMEM && getpid() == gettid()))
		return 0;
	return -errno;
}
