// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The few statistics that the judge needs. Probabilities of tails are natural logarithms: evidence is
// often stronger than a double is small. Any thread.
#pragma once

#include <stddef.h>

// Upper tail of the standard normal law at z.
double stat_log_normal(double z);
// P(X >= k) for X binomial of n trials with probability p.
double stat_log_binomial(size_t n, size_t k, double p);
// P(X >= k) for the marked ones among 'drawn' out of 'all', of which 'marked' are marked.
double stat_log_hypergeometric(size_t all, size_t marked, size_t drawn, size_t k);
// Median of n > 0 values, which are put in order.
double stat_median(double *value, size_t n);
// Distance between the quartiles of n > 0 values, which are put in order.
double stat_spread(double *value, size_t n);
// rank[i] = the share of the n values that are less than value[i], equal ones counting half.
// 'order' is scratch space for n indices.
void stat_ranks(const double *value, size_t n, double *rank, size_t *order);
// How unlikely the product sum of a and b is when b is shuffled, in standard deviations
// (exact mean and variance of the permutation distribution; 0 when a or b is constant).
double stat_permutation_z(const double *a, const double *b, size_t n);

// Slope of y over x: the median of the slopes of n / 2 disjoint pairs of points far apart in x (Theil's
// incomplete method). The pairs are independent, so the borders, order statistics of the slopes, hold
// at 99 % each whatever the law of y. 'order' and 'scratch' have n elements.
struct stat_slope {
	size_t pairs;
	double low, middle, high;
};
struct stat_slope stat_slope(
        const double *x, const double *y, size_t n, size_t *order, double *scratch
);
