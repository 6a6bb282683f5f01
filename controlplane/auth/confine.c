// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "confine.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../log/log.h"

enum { CONFINE_PLATFORM = 4 }; // files that the platform may have, each in a folder of its own

void fog_confine_folder(char folder[FOG_CONFIG_PATH_LEN], const char *path)
{
	snprintf(folder, FOG_CONFIG_PATH_LEN, "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		snprintf(folder, FOG_CONFIG_PATH_LEN, ".");
	else
		slash[slash == folder] = '\0';
}

static int confine_files(const struct fog_landlock_path *path, unsigned count)
{
	int fd, abi = fog_landlock_make(path, count, &fd);

	if (abi <= 0)
		return abi;
	int ret = fog_landlock_enter(fd);
	close(fd);
	return ret < 0 ? ret : abi;
}

static int confine_calls(const struct fog_sandbox_policy *policy)
{
	struct fog_seccomp *filter = NULL;
	int ret = fog_seccomp_make(policy, FOG_FOR_ALL, &filter);

	fog_seccomp_handle(policy->rest);
	if (ret == 0)
		ret = fog_seccomp_enter(filter);
	fog_seccomp_free(filter);
	return ret;
}

static void confine_tell(int abi)
{
	if (abi > 0)
		LOG_INFO("sandbox: seccomp, landlock ABI %d", abi);
	else
		LOG_WARN("sandbox: seccomp; landlock: the kernel has none, run one with "
		         "CONFIG_SECURITY_LANDLOCK and landlock in lsm=");
}

int fog_confine_to(
        const struct fog_landlock_path *path, unsigned count,
        const struct fog_sandbox_policy *policy
)
{
	int abi, ret;

	if (!FOG_SANDBOX_ON) {
		LOG_WARN("no sandbox in a build with sanitizers: not for real traffic");
		return 0;
	}
	// The C library loads the modules of the user database when it looks for somebody whom it doesn't
	// know, and code can't be loaded any more afterwards.
	getpwnam("fogline-nobody-has-this-name");
	abi = confine_files(path, count);
	ret = abi < 0 ? abi : confine_calls(policy);
	if (ret == 0) {
		confine_tell(abi);
		return 0;
	}
	LOG_ERR("cannot enter the sandbox: %s: run a kernel with CONFIG_SECCOMP_FILTER, under no other "
	        "filter that forbids seccomp(2) or landlock(7)",
	        strerror(-ret));
	return ret;
}

// What the platform reads again while it runs: keys that others put there, a new certificate. Names no folder
// for what the configuration doesn't name. Returns how many there are.
static unsigned confine_platform(
        const struct fog_config *c, char folder[CONFINE_PLATFORM][FOG_CONFIG_PATH_LEN],
        struct fog_landlock_path *paths
)
{
	const char *files[CONFINE_PLATFORM] = {
	        c->accounts.key_file, c->store.password_file, c->rest.tls_certificate,
	        c->rest.tls_key};
	unsigned count = 0;

	for (unsigned i = 0; i < CONFINE_PLATFORM; i++) {
		if (files[i][0] == '\0')
			continue;
		fog_confine_folder(folder[i], files[i]);
		paths[count++] = (struct fog_landlock_path){folder[i], FOG_LANDLOCK_READ};
	}
	return count;
}

int fog_confine(const struct fog_config *c, const char *config_path)
{
	char config[FOG_CONFIG_PATH_LEN], topology[FOG_CONFIG_PATH_LEN], rest[FOG_CONFIG_PATH_LEN],
	        state[FOG_CONFIG_PATH_LEN + 16];
	char platform[CONFINE_PLATFORM][FOG_CONFIG_PATH_LEN];
	const struct fog_landlock_path fixed[] = {
	        {state, FOG_LANDLOCK_WRITE}, // both stores
	        {config, FOG_LANDLOCK_WRITE}, // PUT /v1/config; who may is the folder's affair
	        {topology, FOG_LANDLOCK_READ},
	        {rest, FOG_LANDLOCK_REMOVE}, // rest.sock
	        {c->replay.dir, FOG_LANDLOCK_READ}, // how much its tables hold
	        {"/etc", FOG_LANDLOCK_READ}, // user database, time zone
	        {"/usr", FOG_LANDLOCK_READ}, // ... and their modules
	        {"/run/systemd", FOG_LANDLOCK_READ},
	        {"/proc", FOG_LANDLOCK_READ}, // what the host has, when a configuration is checked
	        {"/sys/devices/system", FOG_LANDLOCK_READ},
	        {"/sys/kernel/mm/hugepages", FOG_LANDLOCK_READ},
	        {"/sys/fs/cgroup/cpuset.cpus.isolated", FOG_LANDLOCK_READ}, // for GET /v1/host
	        {"/dev/urandom", FOG_LANDLOCK_READ},
	        {"/dev/null", FOG_LANDLOCK_READ},
	};
	unsigned count = sizeof(fixed) / sizeof(fixed[0]);
	struct fog_landlock_path paths[sizeof(fixed) / sizeof(fixed[0]) + CONFINE_PLATFORM + 1];

	fog_confine_folder(config, config_path);
	fog_confine_folder(topology, c->topology);
	fog_confine_folder(rest, c->rest.unix_path);
	snprintf(state, sizeof(state), "%s/control", c->state_dir);
	memcpy(paths, fixed, sizeof(fixed));
	count += confine_platform(c, platform, paths + count);
	// Only a network with a directory has a node say its address, and somebody to say it to.
	if (c->node.address.family != 0 || c->store.url[0] != '\0')
		paths[count++] = (struct fog_landlock_path){NULL, FOG_LANDLOCK_CONNECT};
	return fog_confine_to(paths, count, &fog_sandbox_control);
}
