#include "classify/statistics.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

static const double normal_quantile_975 = 1.959963984540054;

struct interval wilson_interval(size_t correct, size_t total)
{
    const double z = normal_quantile_975;
    double n = (double)total, share = (double)correct / n;
    double centre, half;

    assert(total > 0 && correct <= total);
    centre = (share + z * z / (2 * n)) / (1 + z * z / n);
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    /* At the ends the bound is the end itself, which rounding would miss. */
    return (struct interval){
        .low = correct == 0 ? 0 : centre - half,
        .high = correct == total ? 1 : centre + half,
    };
}

/* Half of the 95 % interval around the mean of correlated numbers, and their mean. */
static double resampled_error(const double *numbers, size_t count, double test_share,
                              double *mean)
{
    double squares = 0;

    assert(count >= 2);
    *mean = 0;
    for (size_t i = 0; i < count; i++)
        *mean += numbers[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (numbers[i] - *mean) * (numbers[i] - *mean);
    return sqrt((1 / (double)count + test_share) * squares / (double)(count - 1));
}

struct interval corrected_resampled_interval(double mean, const double *accuracies, size_t count,
                                             double test_share)
{
    double average, half = resampled_error(accuracies, count, test_share, &average) *
                           student_t_quantile(0.975, (double)count - 1);

    return (struct interval){.low = fmax(0, mean - half), .high = fmin(1, mean + half)};
}

static bool all_equal(const double *numbers, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (numbers[i] < numbers[0] || numbers[i] > numbers[0])
            return false;
    return true;
}

struct paired_test corrected_resampled_test(const double *differences, size_t count,
                                            double test_share)
{
    const double freedom = (double)count - 1;
    struct paired_test test;
    double error = resampled_error(differences, count, test_share, &test.difference), half;

    if (all_equal(differences, count)) {
        test.difference = differences[0];
        test.interval = (struct interval){test.difference, test.difference};
        test.p = fabs(test.difference) > 0 ? 0 : 1;
        return test;
    }
    half = error * student_t_quantile(0.975, freedom);
    test.interval = (struct interval){test.difference - half, test.difference + half};
    test.p = 2 * student_t_cumulative(-fabs(test.difference) / error, freedom);
    return test;
}

static double kept_from_zero(double value)
{
    return fabs(value) < DBL_MIN ? DBL_MIN : value;
}

/* The continued fraction of the incomplete beta function (NIST Digital Library of Mathematical
 * Functions, 8.17.22), by the modified method of Lentz. */
static double beta_fraction(double a, double b, double x)
{
    enum { MOST_TERMS = 10000 };
    double numerator = 1, denominator = 1 / kept_from_zero(1 - (a + b) * x / (a + 1));
    double fraction = denominator;

    for (int m = 1; m < MOST_TERMS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step;

        denominator = 1 / kept_from_zero(1 + even * denominator);
        numerator = kept_from_zero(1 + even / numerator);
        fraction *= denominator * numerator;
        denominator = 1 / kept_from_zero(1 + odd * denominator);
        numerator = kept_from_zero(1 + odd / numerator);
        step = denominator * numerator;
        fraction *= step;
        if (fabs(step - 1) < DBL_EPSILON)
            break;
    }
    return fraction;
}

static double log_gamma(double x)
{
    int sign;

    return lgamma_r(x, &sign);
}

/* The regularised incomplete beta function I_x(a, b). */
static double incomplete_beta(double a, double b, double x)
{
    double front;

    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* Twice the smaller tail of the binomial distribution of `first` out of first + second tosses. */
double mcnemar_exact(size_t first, size_t second)
{
    const double total = (double)(first + second);
    size_t fewer = first < second ? first : second;
    double tail = 0;

    for (size_t k = 0; k <= fewer; k++)
        tail += exp(log_gamma(total + 1) - log_gamma((double)k + 1) -
                    log_gamma(total - (double)k + 1) - total * log(2));
    return fmin(1, 2 * tail);
}

struct interval paired_difference_interval(size_t both, size_t first, size_t second,
                                           size_t total)
{
    size_t neither = total - both - first - second;
    double a = (double)both, b = (double)first, c = (double)second, d = (double)neither;
    double one = (a + b) / (double)total, other = (a + c) / (double)total;
    struct interval wilson_one = wilson_interval(both + first, total);
    struct interval wilson_other = wilson_interval(both + second, total);
    double product = (a + b) * (c + d) * (a + c) * (b + d), agreement = a * d - b * c, phi = 0;
    double down_one = one - wilson_one.low, up_one = wilson_one.high - one;
    double down_other = other - wilson_other.low, up_other = wilson_other.high - other;
    double down, up;

    /* Newcombe's correction for continuity of a positive correlation. */
    if (agreement > 0)
        agreement = fmax(0, agreement - (double)total / 2);
    if (product > 0)
        phi = agreement / sqrt(product);
    down = down_one * down_one - 2 * phi * down_one * up_other + up_other * up_other;
    up = down_other * down_other - 2 * phi * down_other * up_one + up_one * up_one;
    return (struct interval){one - other - sqrt(fmax(0, down)), one - other + sqrt(fmax(0, up))};
}

double student_t_cumulative(double value, double freedom)
{
    double tail;

    assert(freedom > 0);
    tail = 0.5 * incomplete_beta(freedom / 2, 0.5, freedom / (freedom + value * value));
    return value > 0 ? 1 - tail : tail;
}

double student_t_quantile(double probability, double freedom)
{
    double low = -1, high = 1;

    assert(probability > 0 && probability < 1);
    while (student_t_cumulative(low, freedom) > probability)
        low *= 2;
    while (student_t_cumulative(high, freedom) < probability)
        high *= 2;
    /* Bisection until the interval is one rounding wide. */
    for (double middle = (low + high) / 2; middle > low && middle < high;
         middle = (low + high) / 2) {
        if (student_t_cumulative(middle, freedom) < probability)
            low = middle;
        else
            high = middle;
    }
    return high;
}
