// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "diff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONTEXT = 3,
	EFFORT = 20 * 1000 * 1000, // steps, about a tenth of a second
};

struct diff_line {
	const char *text; // with its line end, but for a last line without one
	uint32_t len;
	uint32_t class; // equal lines have the same
};

struct diff_side {
	const char *name;
	struct diff_line *line;
	int count;
	bool *changed; // deleted here, or inserted
};

struct diff {
	struct diff_side a, b;
	int *forward, *backward; // furthest points by diagonal, both from -size on
	long effort; // that is left
};

static int diff_split(struct diff_side *s, const char *text, size_t len)
{
	size_t count = 0;

	for (const char *p = text; p < text + len; count++) {
		const char *end = memchr(p, '\n', (size_t)(text + len - p));
		p = end != NULL ? end + 1 : text + len;
	}
	s->line = calloc(count + 1, sizeof(*s->line));
	s->changed = calloc(count + 1, sizeof(*s->changed));
	if (s->line == NULL || s->changed == NULL)
		return -ENOMEM;
	for (const char *p = text; p < text + len; s->count++) {
		const char *end = memchr(p, '\n', (size_t)(text + len - p));
		s->line[s->count].text = p;
		s->line[s->count].len = (uint32_t)((end != NULL ? end + 1 : text + len) - p);
		p += s->line[s->count].len;
	}
	return 0;
}

static uint32_t line_hash(const struct diff_line *l)
{
	uint32_t h = 2166136261; // FNV-1a

	for (uint32_t i = 0; i < l->len; i++)
		h = (h ^ (uint8_t)l->text[i]) * 16777619;
	return h ^ h >> 15;
}

// Numbers for lines, so that comparing two of them costs nothing. A table of those seen first.
static int diff_classify(struct diff *d)
{
	size_t size = 64;
	uint32_t classes = 0;

	while (size < 2 * ((size_t)d->a.count + (size_t)d->b.count))
		size *= 2;
	struct diff_line **table = calloc(size, sizeof(struct diff_line *));
	if (table == NULL)
		return -ENOMEM;
	for (int i = 0; i < d->a.count + d->b.count; i++) {
		struct diff_line *l = i < d->a.count ? &d->a.line[i] : &d->b.line[i - d->a.count];
		size_t at = line_hash(l) & (size - 1);
		while (table[at] != NULL &&
		       (table[at]->len != l->len || memcmp(table[at]->text, l->text, l->len) != 0))
			at = (at + 1) & (size - 1);
		if (table[at] == NULL) {
			table[at] = l;
			l->class = classes++;
		} else {
			l->class = table[at]->class;
		}
	}
	free(table);
	return 0;
}

// A part of both texts: lines from a0 to before a1, and so on.
struct diff_box {
	int a0, a1, b0, b1;
};

static bool box_equal(const struct diff *d, int a, int b)
{
	return d->a.line[a].class == d->b.line[b].class;
}

// One more edit from one end, on all diagonals, towards the other end. 'sign' 1: forward from (a0, b0); -1: backward from
// (a1, b1). Returns whether it has met what came from the other end ('other', 'reach' edits far); the point is in *x, *y,
// counted from where it began.
static bool box_advance(
        struct diff *d, const struct diff_box *box, int *v, const int *other, int edits, int reach,
        int sign, int *x, int *y
)
{
	int n = box->a1 - box->a0, m = box->b1 - box->b0, delta = n - m;
	// Diagonals that lie in the box: those beyond have not been reached.
	int low = edits > m ? edits - 2 * m : -edits, high = edits > n ? 2 * n - edits : edits;

	for (int k = low; k <= high; k += 2) {
		*x = k == -edits || (k != edits && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1;
		*y = *x - k;
		while (*x < n && *y < m &&
		       (sign > 0 ? box_equal(d, box->a0 + *x, box->b0 + *y)
		                 : box_equal(d, box->a1 - 1 - *x, box->b1 - 1 - *y))) {
			++*x;
			++*y;
			d->effort--;
		}
		d->effort--;
		v[k] = *x;
		int there = delta - k;
		if (there >= -reach && there <= reach && there >= -m && there <= n &&
		    ((there - reach) & 1) == 0 && v[k] + other[there] >= n)
			return true;
	}
	return false;
}

// A point in the middle of a shortest way from one corner to the other. Returns false when that takes too long.
static bool box_middle(struct diff *d, const struct diff_box *box, int *x, int *y)
{
	int n = box->a1 - box->a0, m = box->b1 - box->b0;

	d->forward[1] = d->backward[1] = 0;
	for (int edits = 0; edits <= (n + m + 1) / 2 && d->effort > 0; edits++) {
		if (box_advance(d, box, d->forward, d->backward, edits, edits - 1, 1, x, y)) {
			*x += box->a0;
			*y += box->b0;
			return true;
		}
		if (box_advance(d, box, d->backward, d->forward, edits, edits, -1, x, y)) {
			*x = box->a1 - *x;
			*y = box->b1 - *y;
			return true;
		}
	}
	return false;
}

static void diff_compare(struct diff *d, struct diff_box box)
{
	int x, y;

	while (box.a0 < box.a1 && box.b0 < box.b1 && box_equal(d, box.a0, box.b0)) {
		box.a0++;
		box.b0++;
	}
	while (box.a0 < box.a1 && box.b0 < box.b1 && box_equal(d, box.a1 - 1, box.b1 - 1)) {
		box.a1--;
		box.b1--;
	}
	if (box.a0 < box.a1 && box.b0 < box.b1 && box_middle(d, &box, &x, &y)) {
		diff_compare(d, (struct diff_box){box.a0, x, box.b0, y});
		diff_compare(d, (struct diff_box){x, box.a1, y, box.b1});
		return;
	}
	for (; box.a0 < box.a1; box.a0++)
		d->a.changed[box.a0] = true;
	for (; box.b0 < box.b1; box.b0++)
		d->b.changed[box.b0] = true;
}

static int diff_run(struct diff *d)
{
	// Diagonals from -size to size, and one beyond.
	size_t size = (size_t)d->a.count + (size_t)d->b.count + 2;
	int *v = calloc(4 * size + 2, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	d->forward = v + size;
	d->backward = v + 2 * size + 1 + size;
	diff_compare(d, (struct diff_box){0, d->a.count, 0, d->b.count});
	free(v);
	return 0;
}

static void print_line(FILE *f, char sign, const struct diff_line *l)
{
	fputc(sign, f);
	fwrite(l->text, 1, l->len, f);
	if (l->text[l->len - 1] != '\n')
		fputs("\n\\ No newline at end of file\n", f);
}

// "3,4", or "3" for a single line; before an empty part stands the line above it.
static void print_range(FILE *f, char sign, int from, int to)
{
	fprintf(f, " %c%d", sign, to > from ? from + 1 : from);
	if (to - from != 1)
		fprintf(f, ",%d", to - from);
}

// Up to the next change, 'most' lines at the most. Returns how many are equal.
static int diff_equal(const struct diff *d, int a, int b, int most)
{
	int n = 0;

	while (n < most && a + n < d->a.count && b + n < d->b.count && !d->a.changed[a + n] &&
	       !d->b.changed[b + n])
		n++;
	return n;
}

static void diff_change(const struct diff *d, int *a, int *b)
{
	while (*a < d->a.count && d->a.changed[*a])
		++*a;
	while (*b < d->b.count && d->b.changed[*b])
		++*b;
}

// Where the hunk of the change at (*a, *b) ends: changes whose contexts meet are one hunk.
static void hunk_end(const struct diff *d, int *a, int *b)
{
	int more = 0;
	bool last = false;

	while (more <= 2 * CONTEXT && !last) {
		*a += more;
		*b += more;
		diff_change(d, a, b);
		more = diff_equal(d, *a, *b, 2 * CONTEXT + 1);
		last = *a + more == d->a.count && *b + more == d->b.count;
	}
	*a += more < CONTEXT ? more : CONTEXT;
	*b += more < CONTEXT ? more : CONTEXT;
}

// One hunk that begins with the change at (a, b), which becomes where the next one may begin.
static void print_hunk(FILE *f, const struct diff *d, int *a, int *b)
{
	int before = *a < CONTEXT ? *a : CONTEXT, end_a = *a, end_b = *b;

	before = *b < before ? *b : before;
	hunk_end(d, &end_a, &end_b);
	*a -= before;
	*b -= before;
	fputs("@@", f);
	print_range(f, '-', *a, end_a);
	print_range(f, '+', *b, end_b);
	fputs(" @@\n", f);
	while (*a < end_a || *b < end_b) {
		if (*a < end_a && d->a.changed[*a]) {
			print_line(f, '-', &d->a.line[(*a)++]);
		} else if (*b < end_b && d->b.changed[*b]) {
			print_line(f, '+', &d->b.line[(*b)++]);
		} else {
			print_line(f, ' ', &d->a.line[(*a)++]);
			++*b;
		}
	}
}

static int diff_print(const struct diff *d, char **out, size_t *out_len)
{
	FILE *f = open_memstream(out, out_len);
	bool head = false;
	int a = 0, b = 0;

	if (f == NULL)
		return -ENOMEM;
	while (a < d->a.count || b < d->b.count) {
		if (diff_equal(d, a, b, 1) == 1) {
			a++;
			b++;
			continue;
		}
		if (!head)
			fprintf(f, "--- %s\n+++ %s\n", d->a.name, d->b.name);
		head = true;
		print_hunk(f, d, &a, &b);
	}
	bool whole = ferror(f) == 0;
	if (fclose(f) == 0 && whole)
		return 0;
	free(*out);
	*out = NULL;
	return -ENOMEM;
}

int fog_diff_unified(
        const char *a, size_t a_len, const char *name_a, const char *b, size_t b_len,
        const char *name_b, char **out, size_t *out_len
)
{
	struct diff d = {.a.name = name_a, .b.name = name_b, .effort = EFFORT};
	int r = diff_split(&d.a, a, a_len);

	if (r == 0)
		r = diff_split(&d.b, b, b_len);
	if (r == 0)
		r = diff_classify(&d);
	if (r == 0)
		r = diff_run(&d);
	if (r == 0)
		r = diff_print(&d, out, out_len);
	free(d.a.line);
	free(d.a.changed);
	free(d.b.line);
	free(d.b.changed);
	return r;
}
