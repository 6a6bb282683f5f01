// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "statistics.h"

#include <math.h>
#include <stdlib.h>

#define Z_99 2.326 // the standard normal law is above it in 1 % of all cases

double stat_log_normal(double z)
{
	if (z < 30)
		return log(0.5 * erfc(z / M_SQRT2));
	return -0.5 * z * z - log(z * sqrt(2 * M_PI)); // erfc would vanish
}

static double log_choose(double n, double k)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

// ln(exp(a) + exp(b))
static double log_add(double a, double b)
{
	double top = fmax(a, b);

	return isinf(top) ? top : top + log1p(exp(-fabs(a - b)));
}

double stat_log_binomial(size_t n, size_t k, double p)
{
	double total = -INFINITY;

	if (k == 0 || p >= 1)
		return 0;
	if (k > n || p <= 0)
		return -INFINITY;
	for (size_t i = k; i <= n; i++) {
		double term = log_choose((double)n, (double)i) + (double)i * log(p) +
		        (double)(n - i) * log1p(-p);
		total = log_add(total, term);
		if ((double)i > (double)n * p && term < total - 40)
			break;
	}
	return fmin(total, 0);
}

double stat_log_hypergeometric(size_t all, size_t marked, size_t drawn, size_t k)
{
	size_t least = drawn + marked > all ? drawn + marked - all : 0;
	size_t most = drawn < marked ? drawn : marked;
	double total = -INFINITY, ways = log_choose((double)all, (double)drawn);

	if (k <= least)
		return 0;
	for (size_t i = k; i <= most; i++)
		total = log_add(
		        total,
		        log_choose((double)marked, (double)i) +
		                log_choose((double)(all - marked), (double)(drawn - i)) - ways
		);
	return fmin(total, 0);
}

static int compare_values(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double stat_median(double *value, size_t n)
{
	qsort(value, n, sizeof(*value), compare_values);
	return n % 2 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
}

double stat_spread(double *value, size_t n)
{
	qsort(value, n, sizeof(*value), compare_values);
	return value[n * 3 / 4] - value[n / 4];
}

static int compare_indices(const void *a, const void *b, void *value)
{
	const double *v = value;
	const size_t *i = a, *k = b;

	if (v[*i] != v[*k])
		return v[*i] > v[*k] ? 1 : -1;
	return (*i > *k) - (*i < *k);
}

static void order_by(const double *value, size_t n, size_t *order)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare_indices, (void *)value);
}

void stat_ranks(const double *value, size_t n, double *rank, size_t *order)
{
	order_by(value, n, order);
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i; next < n && value[order[next]] == value[order[i]]; next++)
			;
		for (size_t k = i; k < next; k++)
			rank[order[k]] = (double)(i + next) / 2 / (double)n;
	}
}

double stat_permutation_z(const double *a, const double *b, size_t n)
{
	double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;

	for (size_t i = 0; i < n; i++) {
		mean_a += a[i] / (double)n;
		mean_b += b[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		aa += (a[i] - mean_a) * (a[i] - mean_a);
		bb += (b[i] - mean_b) * (b[i] - mean_b);
		ab += (a[i] - mean_a) * (b[i] - mean_b);
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb / (double)(n - 1)) : 0;
}

struct stat_slope stat_slope(
        const double *x, const double *y, size_t n, size_t *order, double *scratch
)
{
	struct stat_slope slope = {.low = -INFINITY, .high = INFINITY};
	size_t half = (n + 1) / 2;

	order_by(x, n, order);
	for (size_t i = 0; i + half < n; i++) {
		double run = x[order[i + half]] - x[order[i]];
		if (run > 0)
			scratch[slope.pairs++] = (y[order[i + half]] - y[order[i]]) / run;
	}
	if (slope.pairs == 0)
		return slope;
	slope.middle = stat_median(scratch, slope.pairs);
	double reach = Z_99 * sqrt((double)slope.pairs) / 2;
	double low = floor((double)slope.pairs / 2 - reach) - 1;
	if (low >= 0) {
		slope.low = scratch[(size_t)low];
		slope.high = scratch[slope.pairs - 1 - (size_t)low];
	}
	return slope;
}
