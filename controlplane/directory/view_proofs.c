// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Files of proofs that authorities signed two different things. They are evidence, so what can't be read or isn't
// understood (a failing disk, another version, another network) is kept under another name, never removed.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../log/log.h"
#include "../big_endian.h"
#include "view_form.h"

enum { ASIDE_MAX = 16 }; // of one epoch

static const char proof_prefix[] = "equivocation-";

static void proof_name(uint64_t epoch, char name[VIEW_NAME_MAX])
{
	snprintf(name, VIEW_NAME_MAX, "%s%" PRIu64, proof_prefix, epoch);
}

bool view_proofs_are(const char *name)
{
	return strncmp(name, proof_prefix, sizeof(proof_prefix) - 1) == 0;
}

static uint64_t proof_epoch(const uint8_t *proof)
{
	return fog_be_get(proof + VIEW_PROOF_EPOCH_AT, 8);
}

static bool proof_known(const struct fog_view *v, const uint8_t *proof)
{
	for (unsigned i = 0; i < v->proof_count; i++)
		if (memcmp(v->proof[i], proof, FOG_EQUIVOCATION_LEN) == 0)
			return true;
	return false;
}

// Returns 0: all that the file has is known; -ENOENT; -EBADMSG: there is more in it, or less than whole proofs of
// 'epoch'; -errno: it can't be read.
static int proofs_compare(const struct fog_view *v, const char *name, uint64_t epoch)
{
	size_t len;
	uint8_t *data = view_file_read(v, name, sizeof(v->proof), &len);
	int ret = data == NULL ? -errno : len % FOG_EQUIVOCATION_LEN != 0 ? -EBADMSG : 0;

	for (size_t at = 0; ret == 0 && at < len; at += FOG_EQUIVOCATION_LEN)
		if (!proof_known(v, data + at) || proof_epoch(data + at) != epoch)
			ret = -EBADMSG;
	free(data);
	return ret;
}

// Returns 0 or -errno, logged.
static int proofs_set_aside(const struct fog_view *v, const char *name, int why)
{
	char aside[VIEW_NAME_MAX + 24];
	struct stat st;
	int ret = -EEXIST;

	for (unsigned i = 0; i < ASIDE_MAX && ret == -EEXIST; i++) {
		snprintf(aside, sizeof(aside), "%s.unreadable-%u", name, i);
		if (fstatat(v->dir, aside, &st, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		ret = errno != ENOENT                               ? -errno
		        : renameat(v->dir, name, v->dir, aside) < 0 ? -errno
		                                                    : 0;
	}
	if (ret == 0)
		LOG_WARN(
		        "%s has what may be evidence against an authority and is no proof that we "
		        "know: %s: it is kept as %s: see whether the disk is sound, then give it "
		        "to fogctl consensus verify of the version that wrote it",
		        name, strerror(-why), aside
		);
	else
		LOG_ERR("%s has what may be evidence against an authority, and can't be set aside: "
		        "%s: move it and the files '%s.unreadable-' out of its folder",
		        name, strerror(-ret), name);
	return ret;
}

static int proofs_replace(const struct fog_view *v, const char *name, uint64_t epoch)
{
	uint8_t *data = malloc(sizeof(v->proof));
	size_t len = 0;
	int ret;

	if (data == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < v->proof_count; i++) {
		if (proof_epoch(v->proof[i]) != epoch)
			continue;
		memcpy(data + len, v->proof[i], FOG_EQUIVOCATION_LEN);
		len += FOG_EQUIVOCATION_LEN;
	}
	ret = len > 0 ? view_file_write(v, name, data, len) : 0;
	free(data);
	return ret;
}

int view_proofs_write(const struct fog_view *v, uint64_t epoch)
{
	char name[VIEW_NAME_MAX];

	proof_name(epoch, name);
	int ret = proofs_compare(v, name, epoch);
	if (ret < 0 && ret != -ENOENT && (ret = proofs_set_aside(v, name, ret)) < 0)
		return ret;
	if ((ret = proofs_replace(v, name, epoch)) < 0)
		LOG_ERR("%s can't be written: %s: free space in the state folder", name,
		        strerror(-ret));
	return ret;
}

void view_proofs_load(struct fog_view *v, const char *name)
{
	uint64_t epoch;
	size_t len;

	if (!view_name_epoch(name, proof_prefix, &epoch))
		return; // set aside, or somebody's copy
	uint8_t *data = view_file_read(v, name, sizeof(v->proof), &len);
	for (size_t at = 0; data != NULL && at + FOG_EQUIVOCATION_LEN <= len;
	     at += FOG_EQUIVOCATION_LEN)
		view_proof_add(v, data + at, FOG_EQUIVOCATION_LEN);
	free(data);
	// What was good in it gets its place again.
	int why = proofs_compare(v, name, epoch);
	if (why < 0)
		view_proofs_write(v, epoch);
}
