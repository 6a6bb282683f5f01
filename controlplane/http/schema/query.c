// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Parameters, parts of paths, and the one form that all errors have.
#include "../../config_history/history.h"
#include "../../mixnet/loops.h"
#include "../../operations/operations.h"
#include "../../store/store.h"
#include "../../tracer.h"
#include "../http.h"
#include "schema.h"

enum { RECORDS_MAX = 1000 };

static const char wait_text[] = "seconds to wait for something new when there is nothing";
static const char limit_text[] = "how many at most";
static const char before_text[] = "begin before this one: 'next' of the page before";
static const char after_text[] = "begin behind this one: 'next' of the page before";

static const struct api_schema wait_value = {.type = API_INTEGER, .max = HTTP_WAIT_MAX_S};
static const struct api_schema number_value = {.type = API_INTEGER, .max = INT64_MAX};
static const struct api_schema records_value = {
        .type = API_INTEGER, .min = 1, .max = RECORDS_MAX, .preset = 100};
static const struct api_schema messages_value = {
        .type = API_INTEGER, .min = 1, .max = FOG_STORE_LIST_MAX, .preset = 100};
static const struct api_schema revisions_value = {
        .type = API_INTEGER, .min = 1, .max = FOG_HISTORY_LIST_MAX, .preset = 50};
static const struct api_schema operations_value = {
        .type = API_INTEGER, .min = 1, .max = FOG_OPERATIONS_LIST_MAX, .preset = 50};
static const struct api_schema record_value = {.type = API_INTEGER, .max = FOG_TRACE_COUNT_MAX};
static const struct api_schema loop_value = {.type = API_INTEGER, .max = FOG_LOOPS_MAX};
static const char *const operation_states[] = {"queued", "running",   "done",
                                               "failed", "cancelled", NULL};
static const struct api_schema operation_state = {.type = API_STRING, .values = operation_states};
static const struct api_schema kind_value = {.type = API_STRING, .pattern = "^[a-z0-9_.]{1,63}$"};
static const struct api_schema confirm_value = {
        .type = API_STRING, .pattern = "^([1-9][0-9]{1,3})?$"};
static const struct api_schema comment_value = {.type = API_STRING, .max = 200};
static const struct api_schema flag_value = {.type = API_BOOLEAN};
static const struct api_schema prefix_value = {.type = API_STRING, .min = 1, .max = 64};

const struct api_parameter api_query_config_diff[] = {
        {"from", &number_value, "number of the older revision", true},
        {"to", &number_value, "number of the newer one", true},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_config_put[] = {
        {"confirm_within", &confirm_value,
         "seconds after which the change is taken back unless it is confirmed; empty: 60", false},
        {"comment", &comment_value, "why, for the history", false},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_history[] = {
        {"before", &number_value, before_text, false},
        {"limit", &revisions_value, limit_text, false},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_operation[] = {
        {"after", &number_value, after_text, false},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_operations[] = {
        {"before", &number_value, before_text, false},
        {"limit", &operations_value, limit_text, false},
        {"state", &operation_state, "only those in this state", false},
        {"kind", &kind_value, "only those of this kind", false},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_consensus[] = {
        {"raw", &flag_value, "the bytes as they were signed, not JSON", false},
        {"epoch", &number_value, "the consensus of this epoch, not the one that counts now", false},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_deny[] = {
        {"prefix", &prefix_value, "IPv4 or IPv6 prefix, such as 192.0.2.0/24", true},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_loops[] = {
        {"after", &loop_value, after_text, false},
        {"limit", &records_value, limit_text, false},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_messages[] = {
        {"after", &number_value, after_text, false},
        {"limit", &messages_value, limit_text, false},
        {"wait", &wait_value, wait_text, false},
        {NULL, NULL, NULL, false},
};

const struct api_parameter api_query_trace[] = {
        {"after", &record_value, after_text, false},
        {"limit", &records_value, limit_text, false},
        {"wait", &wait_value, wait_text, false},
        {NULL, NULL, NULL, false},
};

const struct api_schema api_part_number = {.type = API_INTEGER, .max = INT64_MAX};
const struct api_schema api_part_word = {.type = API_STRING, .min = 1, .max = HTTP_PART_LEN - 1};

const struct api_parameter api_parts[] = {
#define X(name, schema, text) {name, &schema, text, true},
#include "../parts.def"
#undef X
        {NULL, NULL, NULL, false},
};

static const struct api_schema word = {.type = API_STRING, .pattern = "^[a-z0-9_]+$"};
static const struct api_schema sentence = {.type = API_STRING};
static const struct api_schema status = {.type = API_INTEGER, .min = 400, .max = 599};

static const struct api_field error_fields[] = {
        {"pointer", &sentence, true, "JSON pointer (RFC 6901) into the body"},
        {"parameter", &sentence, true, "name of the parameter, or of the part of the path"},
        {"code", &word, false, "for programs"},
        {"text", &sentence, false, NULL},
        {NULL, NULL, false, NULL},
};
static const struct api_schema error_value = {.type = API_OBJECT, .field = error_fields};
static const struct api_schema errors_value = {
        .type = API_ARRAY, .item = &error_value, .min = 1, .max = API_ERRORS_MAX};

static const struct api_field problem_fields[] = {
        {"type", &sentence, false, "a URI that names the kind of problem"},
        {"title", &sentence, false, "the status in words"},
        {"status", &status, false, "the HTTP status"},
        {"detail", &sentence, false, "what is wrong, one sentence"},
        {"instance", &sentence, false, "URN of this error"},
        {"code", &word, false, "for programs; never changes its meaning"},
        {"hint", &sentence, true, "how to mend it"},
        {"error_id", &sentence, false, "as in the log and the audit"},
        {"request_id", &sentence, false, "as in the header X-Request-Id"},
        {"errors", &errors_value, true, "every field and parameter that is wrong"},
        {NULL, NULL, false, NULL},
};

const struct api_schema api_problem = {
        .type = API_OBJECT,
        .name = "Problem",
        .text = "Why a request failed, by RFC 9457",
        .field = problem_fields,
};
