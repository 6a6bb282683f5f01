// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What REST and /metrics say of cover: of a node without a data plane, in a network that has none and in one that
// has; and how they say it when much has happened, which a data plane would have to do (smoke tests let it).
#include <string.h>

#include "../../../controlplane/node_cover.h"
#include "../run.h"
#include "http_rig.h"

static bool happened;
static uint8_t gone[FOG_ID_LEN] = {0xde, 0xad, 0xbe, 0xef, 1};

void __real_node_cover_status(struct fog_node *, struct fog_cover_status *);
void __wrap_node_cover_status(struct fog_node *, struct fog_cover_status *);
unsigned __real_node_cover_alerts(struct fog_node *, struct fog_losses_alert *, unsigned max);
unsigned __wrap_node_cover_alerts(struct fog_node *, struct fog_losses_alert *, unsigned max);
unsigned __real_node_cover_links(struct fog_node *, struct fog_losses_link *, unsigned max);
unsigned __wrap_node_cover_links(struct fog_node *, struct fog_losses_link *, unsigned max);

// The linker's --wrap puts these in front of the node's own.
void __wrap_node_cover_status(struct fog_node *n, struct fog_cover_status *s)
{
	__real_node_cover_status(n, s);
	if (!happened)
		return;
	*s = (struct fog_cover_status){
	        .workers = 2,
	        .stock = 31,
	        .low = 8,
	        .high = 64,
	        .loops_made = 1001,
	        .drops_made = 1002,
	        .sent = 1003,
	        .returned = 1004,
	        .lost = 1005,
	        .unknown = 1006,
	        .flying = 1007,
	        .foreign = 1008,
	        .epoch_count = 2,
	        .epoch =
	                {{.epoch = 70, .sent = 71, .returned = 72, .lost = 73, .unknown = 74},
	                 {.epoch = 75, .sent = 76}},
	};
	strcpy(s->no_loops, "no \"way\"");
}

unsigned __wrap_node_cover_alerts(struct fog_node *n, struct fog_losses_alert *out, unsigned max)
{
	if (!happened)
		return __real_node_cover_alerts(n, out, max);
	out[0] = (struct fog_losses_alert
	){.epoch = 80, .sent = 81, .lost = 82, .loss = 0.5, .p = 0.25};
	memcpy(out[0].node, gone, sizeof(gone));
	return 1;
}

unsigned __wrap_node_cover_links(struct fog_node *n, struct fog_losses_link *out, unsigned max)
{
	if (!happened)
		return __real_node_cover_links(n, out, max);
	out[0] = (struct fog_losses_link){.sent = 90, .lost = 91, .loss = 0.125}; // from us
	memcpy(out[0].to, gone, sizeof(gone));
	return 1;
}

static void look(bool much)
{
	happened = much;
	CU_ASSERT_EQUAL(ask("GET", "/v1/cover", ""), 200);
	happened = false;
}

// In a network without cover. Before any other topology than the first.
void test_http_cover(void)
{
	look(false);
	CU_ASSERT_TRUE(says("\"rates\":{\"loops_us\":null,\"drops_us\":null,\"dummies_us\":null}"));
	CU_ASSERT_TRUE(says("\"stock\":{\"packets\":null,\"workers\":0,"));
	CU_ASSERT_TRUE(says("\"made\":{\"loops\":0,\"drops\":0}"));
	CU_ASSERT_TRUE(says("\"epochs\":[]") && says("\"links\":[]") && says("\"alerts\":[]"));
	CU_ASSERT_EQUAL(ask("POST", "/v1/cover", ""), 405);
	CU_ASSERT_EQUAL(ask("GET", "/v1/cover/1", ""), 404);
}

// In the encrypted network of test_http_epochs, whose node 'me' we are.
void test_http_cover_noise(void)
{
	look(false);
	CU_ASSERT_TRUE(says("\"loops_us\":1000000,\"drops_us\":1000000,\"dummies_us\":500000"));
	look(true);
	CU_ASSERT_TRUE(says("\"stock\":{\"packets\":31,\"workers\":2,\"low\":8,\"high\":64}"));
	CU_ASSERT_TRUE(says("\"made\":{\"loops\":1001,\"drops\":1002}"));
	CU_ASSERT_TRUE(
	        says("\"loops\":{\"sent\":1003,\"returned\":1004,\"lost\":1005,\"unknown\":1006,"
	             "\"flying\":1007,\"foreign\":1008}")
	);
	CU_ASSERT_TRUE(
	        says("[{\"epoch\":70,\"sent\":71,\"returned\":72,\"lost\":73,\"unknown\":74},"
	             "{\"epoch\":75,")
	);
	CU_ASSERT_TRUE(
	        says("\"links\":[{\"from\":\"me\",\"to\":\"deadbeef\",\"sent\":90,\"lost\":91,"
	             "\"loss\":0.125}]")
	);
	CU_ASSERT_TRUE(
	        says("\"code\":\"n1_attack\",\"node\":\"deadbeef\",\"node_id\":\"deadbeef0100")
	);
	CU_ASSERT_TRUE(says("\"since_epoch\":80,\"sent\":81,\"lost\":82,\"loss\":0.5,\"p\":0.25}]")
	);
	CU_ASSERT_TRUE(says("\"no_loops\":\"no \\\"way\\\"\"") && says("\"paused\":null"));
	happened = true;
	CU_ASSERT_EQUAL(ask("GET", "/metrics", ""), 200);
	happened = false;
	CU_ASSERT_TRUE(says("\nfog_cover_made_packets_total{kind=\"loop\"} 1001\n"));
	CU_ASSERT_TRUE(says("\nfog_cover_made_packets_total{kind=\"drop\"} 1002\n"));
	CU_ASSERT_TRUE(says("\nfog_cover_loops_total{fate=\"returned\"} 1004\n"));
	CU_ASSERT_TRUE(says("\nfog_cover_loops_total{fate=\"lost\"} 1005\n"));
	CU_ASSERT_TRUE(says("\nfog_cover_loops_total{fate=\"unknown\"} 1006\n"));
	CU_ASSERT_TRUE(says("\nfog_cover_loops_flying 1007\n"));
	CU_ASSERT_TRUE(says("\nfog_cover_alerts 1\n"));
	CU_ASSERT_TRUE(says("\nfog_cover_alert_loss_ratio{node=\"deadbeef\"} 0.5\n"));
	CU_ASSERT_TRUE(says("\nfog_link_loss_ratio{from=\"me\",to=\"deadbeef\"} 0.125\n"));
}
