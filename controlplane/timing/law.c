// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "law.h"

#include <math.h>

static const double EULER_GAMMA = 0.57721566490153286061;

// Share of the exponential that lies before the truncation point.
static double law_kept(double cut)
{
	return -expm1(-cut);
}

double timing_law_mean(const struct timing_law *l)
{
	double cut = l->max_s / l->mean_s;

	return l->mean_s * (1 - cut * exp(-cut) / law_kept(cut));
}

// -E[ln f] with the mean as the unit of time: f(x) = exp(-x) / kept on [0, cut], so it is
// E[x] + ln kept.
static double law_nats(double cut)
{
	return 1 - cut * exp(-cut) / law_kept(cut) + log(law_kept(cut));
}

double timing_law_entropy(const struct timing_law *l, double tick_s)
{
	return (law_nats(l->max_s / l->mean_s) + log(l->mean_s / tick_s)) / M_LN2;
}

// Ein(x) = integral of (1 - exp(-t)) / t from 0 to x. By its series for small x; else by Ein(x) =
// E1(x) + ln x + gamma with E1's continued fraction (Abramowitz and Stegun 5.1.11, 5.1.22).
static double law_ein(double x)
{
	if (x < 2) {
		double sum = 0, term = 1;
		for (int k = 1; k < 40; k++) {
			term *= -x / k;
			sum -= term / k;
		}
		return sum;
	}
	double fraction = 0;
	for (int k = 60; k > 0; k--)
		fraction = k / (1 + k / (x + fraction));
	return exp(-x) / (x + fraction) + log(x) + EULER_GAMMA;
}

// The entropy, averaged over departures, is E[S ln S] / rate - E[ln f] with S the sum of f over the ages of all
// arrivals. By Mecke's formula the first term is E[ln(S + f(X))], X a delay of the law, and
//
//   E[ln Y] = integral over t > 0 of (exp(-t) - E[exp(-t Y)]) / t
//
// has E[exp(-t S)] by Campbell's theorem, E[exp(-t f(X))] by substitution. With t = exp(s) the
// integrand is smooth and dies away on both sides, so the trapezoidal rule converges fast.
double timing_law_anonymity(const struct timing_law *l, double rate)
{
	const double step = 1.0 / 8, from = -40, to = 40;
	double cut = l->max_s / l->mean_s, kept = law_kept(cut), load = rate * l->mean_s;
	double top = 1 / kept, bottom = exp(-cut) / kept, sum = 0; // greatest and least density

	if (!(rate > 0))
		return 0;
	for (double s = from; s <= to; s += step) {
		double t = exp(s);
		double others = exp(-load * (law_ein(t * top) - law_ein(t * bottom)));
		// exp(-t bottom) - exp(-t top), without cancellation for small t
		double self = exp(-t * bottom) * -expm1(-t * (top - bottom)) / t;
		sum += exp(-t) - others * self;
	}
	double bits = (law_nats(cut) + sum * step) / M_LN2;
	return bits > 0 ? bits : 0;
}

double timing_law_rate(const struct timing_law *l, double bits)
{
	double low = 0, high = 1 / l->mean_s;

	while (timing_law_anonymity(l, high) < bits && high < 1e12)
		high *= 2;
	for (int i = 0; i < 20; i++) {
		double middle = (low + high) / 2;
		if (timing_law_anonymity(l, middle) < bits)
			low = middle;
		else
			high = middle;
	}
	return high;
}

// Integral of the law's distribution function from 0 to x.
static double law_area(const struct timing_law *l, double x)
{
	double end = fmin(x, l->max_s), kept = law_kept(l->max_s / l->mean_s);

	if (x <= 0)
		return 0;
	return (end + l->mean_s * expm1(-end / l->mean_s)) / kept + (x - end);
}

// With the arrival spread evenly over its bin, the chance is a second difference of that area.
double timing_law_correlation(const struct timing_law *l, double bin_s, unsigned lag)
{
	double at = lag * bin_s;

	return (law_area(l, at + bin_s) - 2 * law_area(l, at) + law_area(l, at - bin_s)) / bin_s;
}
