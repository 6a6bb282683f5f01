// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Loops that were ordered, cover traffic, timing: what a node measures of itself and of the network.
#include "../../mixnet/loops.h"
#include "../../node_cover.h"
#include "../../timing/timing.h"
#include "parts.h"

enum { PAGE_MAX = 1000, LOSSES_MAX = 4096 };

// clang-format off
static const struct api_field post_fields[] = {
	FIELD_OPTIONAL("count", INTEGER(1, FOG_LOOPS_MAX), "packets to send; 1,000 when left out"),
	FIELD_OPTIONAL("rate", INTEGER(1, FOG_LOOPS_RATE_MAX), "packets a second on average; 50 when left out"),
	FIELD_OPTIONAL("seconds", INTEGER(1, FOG_LOOPS_SECONDS_MAX), "end after this time, too; twice what count and rate ask for, and 30, when left out"),
	FIELDS_END,
};
const struct api_schema api_loops_post = {.type = API_OBJECT, .name = "LoopsOrder", .field = post_fields};

#define STATE_FIELDS \
	FIELD("state", ONE_OF("none", "sending", "waiting", "ended"), "waiting: all are sent, some may still come back"), \
	FIELD("began_at", schema_time_or_null, "when they began; null without any"), \
	FIELD("count", schema_count, "packets to send"), \
	FIELD("rate", schema_count, "packets a second on average"), \
	FIELD("seconds", schema_count, "time after which it ends"), \
	FIELD("sent", schema_count, "packets sent"), \
	FIELD("arrived", schema_count, "of these, come back"), \
	FIELD("lost", schema_count, "... not come back in time"), \
	FIELD("unknown", schema_count, "... not told, as our data plane went away meanwhile"), \
	FIELD("flying", schema_count, "... on their way"), \
	FIELD("foreign", schema_count, "packets that came without a record: of an earlier order, late, or twice"), \
	FIELD("why", schema_text_or_null, "why it ended early; null when it did not")

static const struct api_field state_fields[] = {STATE_FIELDS, FIELDS_END};
const struct api_schema api_loops_state = {.type = API_OBJECT, .name = "LoopsState", .field = state_fields};

static const struct api_field hop_fields[] = {
	FIELD("name", schema_name, "name of the node"),
	FIELD("node_id", schema_id, "its ID"),
	FIELD("tag", schema_id, "replay tag of the packet there, from which its delay follows"),
	FIELDS_END,
};
static const struct api_field loop_fields[] = {
	FIELD("number", schema_count, "number in the order, from 0"),
	FIELD("epoch", schema_epoch, "key epoch that it was made for"),
	FIELD("fate", ONE_OF("flying", "arrived", "lost", "unknown"), "what became of it"),
	FIELD("departure_us", schema_count, "since they began, in microseconds"),
	FIELD("travel_us", schema_count_or_null, "how long it was on its way, in microseconds; null unless it has arrived"),
	FIELD("path", ARRAY_OF(OBJECT_OF(hop_fields), FOG_SPHINX_SLOTS_MAX), "mixes on its way"),
	FIELDS_END,
};
static const struct api_schema loop = {.type = API_OBJECT, .name = "Loop", .field = loop_fields, .text = "a packet of this node to itself"};

static const struct api_field loops_fields[] = {
	STATE_FIELDS,
	FIELD("records", ARRAY_OF(loop, PAGE_MAX), "ascending by number"),
	FIELD("next", schema_count, "'after' of the next page"),
	FIELDS_END,
};
const struct api_schema api_loops = {.type = API_OBJECT, .name = "Loops", .field = loops_fields};

static const struct api_field rate_fields[] = {
	FIELD("loops_us", schema_count_or_null, "between two packets to itself, in microseconds; null: none, as below"),
	FIELD("drops_us", schema_count_or_null, "between two packets to somebody who throws them away, in microseconds"),
	FIELD("dummies_us", schema_count_or_null, "between two frames of a link that end at its other end, in microseconds"),
	FIELDS_END,
};
static const struct api_field stock_fields[] = {
	FIELD("packets", schema_count_or_null, "packets that wait for their turn, all workers together; null without a data plane"),
	FIELD("workers", schema_count, "workers that have a stock; 0 without a data plane"),
	FIELD("low", schema_count, "low water mark of one worker, in packets"),
	FIELD("high", schema_count, "high water mark of one worker, in packets"),
	FIELDS_END,
};
static const struct api_field made_fields[] = {
	FIELD("loops", schema_count, "packets to itself"),
	FIELD("drops", schema_count, "packets to somebody who throws them away"),
	FIELDS_END,
};
#define FATE_FIELDS \
	FIELD("sent", schema_count, "loops that left"), \
	FIELD("returned", schema_count, "of these, come back"), \
	FIELD("lost", schema_count, "... not come back in time"), \
	FIELD("unknown", schema_count, "... not told, as a process went away meanwhile")
static const struct api_field fate_fields[] = {
	FATE_FIELDS,
	FIELD("flying", schema_count, "... on their way"),
	FIELD("foreign", schema_count, "loops that came without a record: of a process before, late, or twice"),
	FIELDS_END,
};
static const struct api_field epoch_fields[] = {FIELD("epoch", schema_epoch, "key epoch"), FATE_FIELDS, FIELDS_END};
static const struct api_field loss_fields[] = {
	FIELD("from", schema_name, "name of the node, or the first digits of its ID when it has gone"),
	FIELD("to", schema_name, "likewise"),
	FIELD("sent", schema_count, "loops that passed the link"),
	FIELD("lost", schema_count, "of these, lost somewhere"),
	FIELD("loss", schema_ratio, "estimated loss of the link and the node that it leads to"),
	FIELDS_END,
};
static const struct api_field alert_fields[] = {
	FIELD("code", ONE_OF("n1_attack"), "loops get lost there as in an n-1 attack"),
	FIELD("node", schema_name, "name of the node, or the first digits of its ID when it has gone"),
	FIELD("node_id", schema_id, "its ID"),
	FIELD("since_epoch", schema_epoch, "with which it began"),
	FIELD("sent", schema_count, "loops that passed it"),
	FIELD("lost", schema_count, "of these, lost"),
	FIELD("loss", schema_ratio, "loss there, beyond that of the others"),
	FIELD("p", schema_ratio, "bound of the probability that chance did it"),
	FIELDS_END,
};
static const struct api_field cover_fields[] = {
	FIELD("rates", OBJECT_OF(rate_fields), "mean times as the network wants them"),
	FIELD("stock", OBJECT_OF(stock_fields), "cover packets that wait at the data plane"),
	FIELD("made", OBJECT_OF(made_fields), "packets put into stock since the control plane started"),
	FIELD("loops", OBJECT_OF(fate_fields), "what became of them since the control plane started"),
	FIELD("epochs", ARRAY_OF(OBJECT_OF(epoch_fields), FOG_COVER_EPOCHS), "the same by epoch, newest first"),
	FIELD("links", ARRAY_OF(OBJECT_OF(loss_fields), LOSSES_MAX), "losses by link, as the loops show them"),
	FIELD("alerts", ARRAY_OF(OBJECT_OF(alert_fields), NODE_COVER_ALERTS_MAX), "nodes at which loops get lost as in an n-1 attack"),
	FIELD("no_loops", schema_text_or_null, "why no loops can be sent; null when they can"),
	FIELD("paused", schema_text_or_null, "why no cover is made just now; null when it is"),
	FIELDS_END,
};
const struct api_schema api_cover = {.type = API_OBJECT, .name = "Cover", .field = cover_fields};

static const struct api_field correlation_fields[] = {
	FIELD("value", schema_number_or_null, "Pearson's, from -1 to 1, between frames that come and frames that leave, where it is greatest; null: not measured, as everywhere here"),
	FIELD("lag_s", schema_number_or_null, "lag at which it is greatest, in seconds"),
	FIELD("noise", schema_number_or_null, "unrelated series stay under it 99 times of 100"),
	FIELD("expected", schema_number_or_null, "of Poisson traffic under this law"),
	FIELD("bin_s", schema_number_or_null, "length of a bin, in seconds"),
	FIELD("window_s", schema_count, "time that is looked at, in seconds"),
	FIELDS_END,
};
static const struct api_field delay_fields[] = {
	FIELD("mean_s", schema_number_or_null, "mean of the truncated law, in seconds"),
	FIELD("tick_s", schema_number_or_null, "tick of the calendar, in seconds"),
	FIELD("entropy_bits", schema_number_or_null, "entropy of the law at that tick"),
	FIELDS_END,
};
static const struct api_field pool_fields[] = {
	FIELD("packets", schema_number_or_null, "packets that wait now"),
	FIELD("expected", schema_number_or_null, "at this rate under this law"),
	FIELDS_END,
};
static const struct api_field anonymity_fields[] = {
	FIELD("set", schema_number_or_null, "packets that one which leaves could be, by the entropy"),
	FIELD("bits", schema_number_or_null, "that entropy"),
	FIELD("min_set", schema_count, "below it the node warns of low_traffic; 0 = never"),
	FIELDS_END,
};
static const struct api_field timing_fields[] = {
	FIELD("measured_s", schema_number, "measured part of the window, in seconds"),
	FIELD("correlation", OBJECT_OF(correlation_fields), "what somebody sees who watches every frame"),
	FIELD("delay", OBJECT_OF(delay_fields), "the law that packets are delayed by"),
	FIELD("rate_pps", schema_number_or_null, "packets a second that were given a delay"),
	FIELD("pool", OBJECT_OF(pool_fields), "packets that wait for their delay"),
	FIELD("anonymity", OBJECT_OF(anonymity_fields), "how many packets hide each other"),
	FIELD("low_traffic", schema_flag_or_null, "whether the set is under min_set; null when it is not measured"),
	FIELDS_END,
};
const struct api_schema api_timing = {.type = API_OBJECT, .name = "Timing", .field = timing_fields};
