#include "classify/calibration.h"

#include <math.h>

/* The values of the published algorithms. */
enum { SIGMOID_STEPS = 100, COUPLING_STEPS = 100 };

static const double least_step = 1e-10;      /* of the line search */
static const double ridge = 1e-12;           /* keeps the Hessian positive definite */
static const double gradient_limit = 1e-5;
static const double nearest_to_certain = 1e-7;

/* log(1 + exp(x)) - t * x and its like, without overflow: the loss of target `t` where the
 * exponent is `x` = slope * f + offset. */
static double loss(double exponent, double target)
{
    if (exponent >= 0)
        return target * exponent + log1p(exp(-exponent));
    return (target - 1) * exponent + log1p(exp(exponent));
}

struct sample_set {
    const double *decisions;
    const bool *positive;
    size_t count;
    double high, low;  /* the targets of the two classes */
};

static double target_of(const struct sample_set *set, size_t i)
{
    return set->positive[i] ? set->high : set->low;
}

static double total_loss(const struct sample_set *set, struct sigmoid sigmoid)
{
    double sum = 0;

    for (size_t i = 0; i < set->count; i++)
        sum += loss(sigmoid.slope * set->decisions[i] + sigmoid.offset, target_of(set, i));
    return sum;
}

/* The gradient and the Hessian of the loss. */
struct derivatives {
    double slope, offset;
    double slope_slope, offset_offset, slope_offset;
};

static struct derivatives derive(const struct sample_set *set, const struct sigmoid *sigmoid)
{
    struct derivatives d = {.slope_slope = ridge, .offset_offset = ridge};

    for (size_t i = 0; i < set->count; i++) {
        double f = set->decisions[i], p = sigmoid_apply(sigmoid, f);
        double residual = target_of(set, i) - p, curvature = p * (1 - p);

        d.slope_slope += f * f * curvature;
        d.offset_offset += curvature;
        d.slope_offset += f * curvature;
        d.slope += f * residual;
        d.offset += residual;
    }
    return d;
}

/* Newton's method with backtracking. The targets are those of Platt: a class of n images counts as
 * (n + 1) / (n + 2), which keeps the sigmoid finite where the classes are separated. */
struct sigmoid sigmoid_fit(const double *decisions, const bool *positive, size_t count)
{
    struct sample_set set = {.decisions = decisions, .positive = positive, .count = count};
    struct sigmoid sigmoid;
    size_t positives = 0;
    double value;

    for (size_t i = 0; i < count; i++)
        positives += positive[i];
    set.high = ((double)positives + 1) / ((double)positives + 2);
    set.low = 1 / ((double)(count - positives) + 2);
    sigmoid.slope = 0;
    sigmoid.offset = log(((double)(count - positives) + 1) / ((double)positives + 1));
    value = total_loss(&set, sigmoid);
    for (int step = 0; step < SIGMOID_STEPS; step++) {
        struct derivatives d = derive(&set, &sigmoid);
        double determinant = d.slope_slope * d.offset_offset - d.slope_offset * d.slope_offset;
        double slope = -(d.offset_offset * d.slope - d.slope_offset * d.offset) / determinant;
        double offset = -(d.slope_slope * d.offset - d.slope_offset * d.slope) / determinant;
        double descent = d.slope * slope + d.offset * offset, length = 1;

        if (fabs(d.slope) < gradient_limit && fabs(d.offset) < gradient_limit)
            break;
        for (; length >= least_step; length /= 2) {
            struct sigmoid tried = {sigmoid.slope + length * slope,
                                    sigmoid.offset + length * offset};
            double reached = total_loss(&set, tried);

            if (reached < value + 1e-4 * length * descent) {
                sigmoid = tried;
                value = reached;
                break;
            }
        }
        if (length < least_step)
            break;
    }
    return sigmoid;
}

double sigmoid_apply(const struct sigmoid *sigmoid, double decision)
{
    double exponent = sigmoid->slope * decision + sigmoid->offset;

    if (exponent >= 0)
        return exp(-exponent) / (1 + exp(-exponent));
    return 1 / (1 + exp(exponent));
}

size_t probabilities_scratch(size_t classes)
{
    return classes * classes + classes;
}

static double certain_at_most(double probability)
{
    return fmin(fmax(probability, nearest_to_certain), 1 - nearest_to_certain);
}

/* pairs: [classes][classes], from P(a | a or b) at [a][b] to the matrix Q of the method:
 * Q[a][a] = sum of squares of P(b | a or b) over b, Q[a][b] = -P(b | a or b) P(a | a or b). */
static void build_quadratic(size_t classes, double *pairs)
{
    for (size_t a = 0; a < classes; a++) {
        double squares = 0;

        for (size_t b = 0; b < classes; b++)
            if (b != a)
                squares += pairs[b * classes + a] * pairs[b * classes + a];
        pairs[a * classes + a] = squares;
    }
    for (size_t a = 0; a < classes; a++)
        for (size_t b = a + 1; b < classes; b++)
            pairs[a * classes + b] = pairs[b * classes + a] =
                -pairs[b * classes + a] * pairs[a * classes + b];
}

/* Minimises p' Q p over distributions p. products: [classes], scratch for Q p. */
static void minimise(size_t classes, const double *quadratic, double *products, double *p)
{
    const double tolerance = 0.005 / (double)classes;

    for (size_t a = 0; a < classes; a++)
        p[a] = 1 / (double)classes;
    for (int step = 0; step < COUPLING_STEPS; step++) {
        double value = 0, worst = 0;

        for (size_t a = 0; a < classes; a++) {
            products[a] = 0;
            for (size_t b = 0; b < classes; b++)
                products[a] += quadratic[a * classes + b] * p[b];
            value += p[a] * products[a];
        }
        for (size_t a = 0; a < classes; a++)
            worst = fmax(worst, fabs(products[a] - value));
        if (worst < tolerance)
            break;
        for (size_t a = 0; a < classes; a++) {
            double own = quadratic[a * classes + a];
            double change = (value - products[a]) / own;

            p[a] += change;
            value = (value + change * (change * own + 2 * products[a])) / (1 + change) /
                    (1 + change);
            for (size_t b = 0; b < classes; b++) {
                products[b] = (products[b] + change * quadratic[a * classes + b]) / (1 + change);
                p[b] /= 1 + change;
            }
        }
    }
}

static void couple_pairs(size_t classes, const struct sigmoid *sigmoids, const double *decisions,
                         double *scratch, double *probabilities)
{
    size_t decision = 0;

    for (size_t a = 0; a < classes; a++) {
        for (size_t b = a + 1; b < classes; b++, decision++) {
            double p = certain_at_most(sigmoid_apply(&sigmoids[decision], decisions[decision]));

            scratch[a * classes + b] = p;
            scratch[b * classes + a] = 1 - p;
        }
    }
    build_quadratic(classes, scratch);
    minimise(classes, scratch, scratch + classes * classes, probabilities);
}

void probabilities_couple(enum strategy strategy, size_t classes, const struct sigmoid *sigmoids,
                          const double *decisions, double *scratch, double *probabilities)
{
    double sum = 0;

    if (classes == 2) {
        probabilities[0] = sigmoid_apply(&sigmoids[0], decisions[0]);
        probabilities[1] = 1 - probabilities[0];
        return;
    }
    if (strategy == STRATEGY_OVO) {
        couple_pairs(classes, sigmoids, decisions, scratch, probabilities);
        return;
    }
    for (size_t class = 0; class < classes; class++) {
        probabilities[class] =
            certain_at_most(sigmoid_apply(&sigmoids[class], decisions[class]));
        sum += probabilities[class];
    }
    for (size_t class = 0; class < classes; class++)
        probabilities[class] /= sum;
}
