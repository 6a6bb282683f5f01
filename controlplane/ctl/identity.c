// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl identity show, backup, restore, rotate. Every one of them takes the lock of the state folder,
// so it refuses while a control plane runs on it.
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../mixnet/identity.h"
#include "client.h"
#include "prompt.h"

enum { PASSPHRASE_MIN = 8, PASSPHRASE_MAX = 1024, TEXT_LEN = 512 };

static const char identity_usage_text[] =
        "usage: fogctl identity show DIR\n"
        "       fogctl identity backup DIR FILE [--passphrase-file FILE]\n"
        "       fogctl identity restore DIR FILE [--passphrase-file FILE]\n"
        "       fogctl identity rotate DIR\n"
        "\n"
        "  DIR   state folder of the node, such as /var/lib/fogline/INSTANCE; its control plane\n"
        "        must not run. Run it as the folder's owner.\n"
        "  FILE  the backup, encrypted with a passphrase: the first line of the standard input,\n"
        "        or of the file given with --passphrase-file\n"
        "\n"
        "show prints this node's entry for the topology file. rotate keeps the old key beside the\n"
        "new one.\n";

static int identity_usage(void)
{
	fputs(identity_usage_text, stderr);
	return CTL_USAGE;
}

static int identity_refuse(const char *text)
{
	fprintf(stderr, "fogctl: %s\n", text);
	return CTL_REFUSED;
}

// Opening makes an identity where there is none, which no command here may do.
static int identity_open(const char *dir, struct fog_identity **id)
{
	uint8_t public_key[32], node_id[FOG_ID_LEN];
	char text[TEXT_LEN];

	if (fog_identity_public(dir, public_key, node_id) < 0) {
		snprintf(
		        text, sizeof(text),
		        "%s: there is no identity here that I can read: name the state folder of a "
		        "node, and run this as its owner",
		        dir
		);
		return identity_refuse(text);
	}
	return fog_identity_open(dir, id, text, sizeof(text)) < 0 ? identity_refuse(text) : CTL_OK;
}

static void identity_print(const char *dir, const struct fog_identity *id)
{
	const char *name = strrchr(dir, '/');
	char hex[65];

	name = name != NULL && name[1] != '\0' ? name + 1 : dir;
	printf("  - name: %s\n", name);
	printf("    id: %s\n", sodium_bin2hex(hex, sizeof(hex), id->node_id, FOG_ID_LEN));
	printf("    identity: %s\n", sodium_bin2hex(hex, sizeof(hex), id->public_key, 32));
	printf("    link_key: %s\n", sodium_bin2hex(hex, sizeof(hex), id->link_public, 32));
	printf("    vrf_key: %s\n", sodium_bin2hex(hex, sizeof(hex), id->vrf_public, 32));
	puts("    address: # IP address of its mix port\n"
	     "    role: # gateway, mix (with its layer: N) or service");
}

static int identity_show(const char *dir)
{
	struct fog_identity *id = NULL;
	int r = identity_open(dir, &id);

	if (r == CTL_OK)
		identity_print(dir, id);
	fog_identity_close(id);
	return r;
}

// Typed blindly, a mistake would make a backup that nobody can open.
static bool identity_same_again(FILE *f, const char *line)
{
	char *again = sodium_malloc(PASSPHRASE_MAX);
	bool same = again != NULL &&
	        ctl_prompt_secret(f, "the same again", again, PASSPHRASE_MAX) &&
	        strcmp(line, again) == 0;

	sodium_free(again);
	if (!same)
		fputs("fogctl: these are two passphrases: begin again\n", stderr);
	return same;
}

// In locked memory that the caller frees; NULL after having said why. 'fresh': it is a new one.
static char *identity_passphrase(const char *file, bool fresh, size_t *len)
{
	FILE *f = file != NULL ? fopen(file, "re") : stdin;
	char *line = sodium_malloc(PASSPHRASE_MAX);
	bool ask = file == NULL && isatty(STDIN_FILENO), got;

	if (file != NULL && f == NULL)
		fprintf(stderr, "fogctl: %s: %s: name a file that can be read\n", file,
		        strerror(errno));
	if (f == NULL || line == NULL)
		goto err;
	got = ctl_prompt_secret(f, ask ? "passphrase" : NULL, line, PASSPHRASE_MAX);
	*len = got ? strcspn(line, "\n") : 0;
	if (*len < PASSPHRASE_MIN || *len >= PASSPHRASE_MAX - 1)
		fprintf(stderr, "fogctl: a passphrase has %d to %d bytes in one line: give one\n",
		        PASSPHRASE_MIN, PASSPHRASE_MAX - 2);
	else if (!ask || !fresh || identity_same_again(f, line))
		goto out;
err:
	sodium_free(line);
	line = NULL;
out:
	if (f != NULL && f != stdin)
		fclose(f);
	return line;
}

static int backup_read(const char *file, uint8_t box[IDENTITY_BACKUP_LEN])
{
	uint8_t more;
	int fd = open(file, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (read(fd, box, IDENTITY_BACKUP_LEN) != IDENTITY_BACKUP_LEN || read(fd, &more, 1) != 0)
		r = -EINVAL;
	close(fd);
	return r;
}

static int backup_write(const char *file, const uint8_t box[IDENTITY_BACKUP_LEN])
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r = 0;

	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, box, IDENTITY_BACKUP_LEN);
	if (n != IDENTITY_BACKUP_LEN)
		r = n < 0 ? -errno : -ENOSPC;
	else if (fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlink(file);
	return r;
}

static int identity_say(const char *file, int r)
{
	const char *known = r == -EBADMSG ? "another passphrase, or the file is damaged: try again"
	        : r == -EINVAL            ? "this is no backup of an identity: name another file"
	        : r == -ENOMEM            ? "not enough memory for the passphrase: free 256 MiB"
	        : r == -EEXIST            ? "there is such a file, which stays: name another one"
	                                  : NULL;

	if (known != NULL)
		fprintf(stderr, "fogctl: %s: %s\n", file, known);
	else
		fprintf(stderr, "fogctl: %s: %s: name a file in a place that you may use\n", file,
		        strerror(-r));
	return CTL_REFUSED;
}

// What was written is read again and opened: a backup that doesn't open is none.
static int backup_verify(
        const char *file, const struct fog_identity *id, const char *passphrase, size_t len
)
{
	uint8_t box[IDENTITY_BACKUP_LEN], *key = sodium_malloc(IDENTITY_KEY_LEN);
	int r = key == NULL ? -ENOMEM : backup_read(file, box);

	if (r == 0)
		r = identity_unseal(box, passphrase, len, key);
	if (r == 0 && sodium_memcmp(key, id->secret_key, IDENTITY_KEY_LEN) != 0)
		r = -EBADMSG;
	sodium_free(key);
	return r;
}

static int identity_backup(const char *dir, const char *file, const char *passphrase_file)
{
	uint8_t box[IDENTITY_BACKUP_LEN];
	struct fog_identity *id = NULL;
	size_t len = 0;
	int r = identity_open(dir, &id);

	if (r != CTL_OK)
		return r;
	char *passphrase = identity_passphrase(passphrase_file, true, &len);
	r = CTL_REFUSED;
	if (passphrase != NULL) {
		int e = identity_seal(id->secret_key, passphrase, len, box);
		if (e == 0)
			e = backup_write(file, box);
		if (e == 0)
			e = backup_verify(file, id, passphrase, len);
		r = e < 0 ? identity_say(file, e) : CTL_OK;
		if (e == 0)
			printf("%s: written, read again and opened; keep it and the passphrase "
			       "apart\n",
			       file);
	}
	sodium_free(passphrase);
	fog_identity_close(id);
	return r;
}

static int identity_restore(const char *dir, const char *file, const char *passphrase_file)
{
	uint8_t box[IDENTITY_BACKUP_LEN], *key = sodium_malloc(IDENTITY_KEY_LEN);
	char text[TEXT_LEN];
	size_t len = 0;
	int r = CTL_REFUSED, e = key == NULL ? -ENOMEM : backup_read(file, box);
	char *passphrase = e == 0 ? identity_passphrase(passphrase_file, false, &len) : NULL;

	if (passphrase != NULL)
		e = identity_unseal(box, passphrase, len, key);
	if (e < 0)
		identity_say(file, e);
	else if (passphrase != NULL && fog_identity_restore(dir, key, text, sizeof(text)) < 0)
		identity_refuse(text);
	else if (passphrase != NULL)
		r = CTL_OK;
	sodium_free(passphrase);
	sodium_free(key);
	return r == CTL_OK ? identity_show(dir) : r;
}

static int identity_rotate(const char *dir)
{
	char kept[FOG_IDENTITY_KEPT_LEN], text[TEXT_LEN];

	if (fog_identity_rotate(dir, kept, text, sizeof(text)) < 0)
		return identity_refuse(text);
	printf("The old key is kept as %s/%s; destroy it when nobody needs it any more.\n"
	       "This is another node for the others now. In the topology file of ALL nodes, put in the\n"
	       "place of its entry's id, identity, link_key and vrf_key (name and address may stay):\n\n",
	       dir, kept);
	return identity_show(dir);
}

int ctl_identity(int argc, char **argv)
{
	const char *passphrase = NULL, *word[3] = {NULL};
	int words = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(identity_usage_text, stdout);
			return CTL_OK;
		}
		if (strcmp(argv[i], "--passphrase-file") == 0 && i + 1 < argc)
			passphrase = argv[++i];
		else if (argv[i][0] == '-' || words == 3)
			return identity_usage();
		else
			word[words++] = argv[i];
	}
	if (sodium_init() < 0)
		return identity_refuse("libsodium does not work on this CPU: take another host");
	if (words == 2 && strcmp(word[0], "show") == 0 && passphrase == NULL)
		return identity_show(word[1]);
	if (words == 2 && strcmp(word[0], "rotate") == 0 && passphrase == NULL)
		return identity_rotate(word[1]);
	if (words == 3 && strcmp(word[0], "backup") == 0)
		return identity_backup(word[1], word[2], passphrase);
	if (words == 3 && strcmp(word[0], "restore") == 0)
		return identity_restore(word[1], word[2], passphrase);
	return identity_usage();
}
