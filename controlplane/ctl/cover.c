// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl cover: how much cover traffic there is, what became of loops, and where packets get lost.
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "rest.h"
#include "table.h"

static long long cover_number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void cover_rate(const json_t *rates, const char *key, const char *what)
{
	const json_t *us = json_object_get(rates, key);

	if (json_is_integer(us))
		printf("%-9s one in %.6g ms on average\n", what,
		       (double)json_integer_value(us) / 1e3);
	else
		printf("%-9s none\n", what);
}

static void cover_stock(const json_t *stock)
{
	if (json_is_integer(json_object_get(stock, "packets")))
		printf("stock     %lld packets, %lld workers of %lld to %lld each\n",
		       cover_number(stock, "packets"), cover_number(stock, "workers"),
		       cover_number(stock, "low"), cover_number(stock, "high"));
	else
		puts("stock     no data");
}

static void cover_say(const json_t *a, const char *key, const char *what)
{
	const char *text = json_string_value(json_object_get(a, key));

	if (text != NULL)
		printf("%-9s %s\n", what, text);
}

static void cover_alerts(const json_t *alerts)
{
	for (size_t i = 0; i < json_array_size(alerts); i++) {
		const json_t *a = json_array_get(alerts, i);
		printf("ALERT     n-1 attack? %.0f %% of packets get lost at %s since epoch %lld (%lld of "
		       "%lld loops; see 'fogctl status')\n",
		       100 * json_real_value(json_object_get(a, "loss")),
		       json_string_value(json_object_get(a, "node")),
		       cover_number(a, "since_epoch"), cover_number(a, "lost"),
		       cover_number(a, "sent"));
	}
}

static void cover_show(const json_t *a)
{
	static const char *const epochs[] = {"epoch", "sent", "returned", "lost", "unknown", NULL};
	static const char *const links[] = {"from", "to", "sent", "lost", "loss", NULL};
	const json_t *loops = json_object_get(a, "loops"), *rates = json_object_get(a, "rates");

	cover_rate(rates, "loops_us", "loops");
	cover_rate(rates, "drops_us", "drops");
	cover_rate(rates, "dummies_us", "dummies");
	cover_stock(json_object_get(a, "stock"));
	printf("loops     %lld sent, %lld returned, %lld lost, %lld unknown, %lld on their way\n",
	       cover_number(loops, "sent"), cover_number(loops, "returned"),
	       cover_number(loops, "lost"), cover_number(loops, "unknown"),
	       cover_number(loops, "flying"));
	cover_say(a, "no_loops", "no loops");
	cover_say(a, "paused", "paused");
	cover_alerts(json_object_get(a, "alerts"));
	puts("");
	ctl_table_print(
	        ctl_table_list(
	                "epoch|sent|returned|lost|unknown", json_object_get(a, "epochs"), epochs
	        ),
	        stdout
	);
	puts("");
	ctl_table_print(
	        ctl_table_list(
	                "from|to|loops over it|lost|loss of it", json_object_get(a, "links"), links
	        ),
	        stdout
	);
}

int ctl_cover(int argc, char **argv)
{
	return ctl_client_command(
	        argc, argv, "usage: fogctl cover [-j]\n", "/v1/cover", cover_show
	);
}
