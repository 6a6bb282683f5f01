// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Where `fogctl consensus` has its documents from: files and the node.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../http/routes/consensus_json.h"
#include "consensus.h"

// Reads to the end, at most 'max' bytes. Returns -EFBIG when there is more.
static int file_bytes(int fd, uint8_t *data, size_t max, size_t *len)
{
	for (*len = 0;;) {
		ssize_t n = read(fd, data + *len, max + 1 - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		*len += (size_t)n;
		if (*len > max)
			return -EFBIG;
	}
}

int consensus_read_file(const char *path, uint8_t **data, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = fd < 0 ? -errno : 0;

	*len = 0;
	*data = r == 0 ? malloc(FOG_CONSENSUS_MAX + 1) : NULL;
	if (r == 0)
		r = *data != NULL ? file_bytes(fd, *data, FOG_CONSENSUS_MAX, len) : -ENOMEM;
	if (fd >= 0)
		close(fd);
	if (r == -EFBIG)
		fprintf(stderr, "fogctl: %s has more than %d bytes: no consensus is as large\n",
		        path, FOG_CONSENSUS_MAX);
	else if (r < 0)
		fprintf(stderr, "fogctl: %s: %s: name a file that you may read\n", path,
		        strerror(-r));
	if (r < 0) {
		free(*data);
		*data = NULL;
	}
	return r;
}

int consensus_read_network(const char *path, struct fog_topology **out)
{
	struct fog_report report = {0};
	int r = fog_topology_load(path, out, &report);

	fputs(report.text, stderr);
	if (r < 0) {
		fprintf(stderr, "fogctl: %s is no network file that can be used\n", path);
		*out = NULL;
		return r;
	}
	if ((*out)->authority_count > 0)
		return 0;
	fprintf(stderr,
	        "fogctl: %s has no 'directory': such a network has no consensus, its file lists the "
	        "nodes\n",
	        path);
	fog_topology_free(*out);
	*out = NULL;
	return -EINVAL;
}

int consensus_of_file(const char *path, const struct fog_topology *network, json_t **out)
{
	struct consensus_document d = {.file = path};
	uint8_t *data;
	size_t len;
	int r = consensus_read_file(path, &data, &len);

	*out = NULL;
	if (r < 0)
		return CTL_REFUSED;
	if (network != NULL) {
		r = consensus_check(&d, data, len, network);
	} else {
		d.kind = consensus_kind_of(data, len);
		r = d.kind == CONSENSUS_CONSENSUS ? fog_consensus_parse(data, len, &d.consensus)
		                                  : 0;
	}
	free(data);
	if (d.refusal != NULL)
		fprintf(stderr, "fogctl: %s is refused (%s): %s\n", path, d.refusal, d.text);
	else if (d.kind == CONSENSUS_PROOFS)
		fprintf(stderr,
		        "fogctl: %s is a proof of equivocation: fogctl consensus verify --network "
		        "NETWORK %s\n",
		        path, path);
	else if (d.consensus == NULL && r != -ENOMEM)
		fprintf(stderr, "fogctl: %s is no consensus (malformed)\n", path);
	else if (d.consensus != NULL && (*out = fog_consensus_json(d.consensus, network)) == NULL)
		r = -ENOMEM;
	if (r == -ENOMEM)
		fputs("fogctl: there is no memory for it\n", stderr);
	else if (*out != NULL && network == NULL)
		fprintf(stderr,
		        "fogctl: %s is not verified: --network NETWORK names the network file that does "
		        "it\n",
		        path);
	consensus_document_free(&d);
	return *out != NULL ? CTL_OK : CTL_REFUSED;
}

int consensus_of_node(struct ctl_client *c, const char *epoch, struct ctl_answer *out)
{
	char path[64];
	struct ctl_request request = {.method = "GET", .path = path};
	int r = c->curl == NULL ? ctl_client_connect(c) : CTL_OK;

	snprintf(
	        path, sizeof(path), "/v1/consensus%s%s", epoch != NULL ? "?epoch=" : "",
	        epoch != NULL ? epoch : ""
	);
	return r == CTL_OK ? ctl_client_call(c, &request, out) : r;
}
