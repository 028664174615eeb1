/*
 * Cross-validation inside a training part: what is chosen or fitted with the help of images that a
 * classifier has not seen must never see the test part.
 *
 *     inner_choose(&part, &settings, grid, INNER_GRID, parallel, &c, &error);
 *     inner_calibrate(&part, &settings, &solution, parallel, sigmoids, &error);
 */
#ifndef CLASSIFY_INNER_H
#define CLASSIFY_INNER_H

#include <stdint.h>

#include "classify/calibration.h"
#include "classify/dataset.h"
#include "classify/solver.h"
#include "common/error.h"
#include "common/parallel.h"

/* A training part: samples of the dataset, and the kernel of dataset_rows(). */
struct inner_part {
    const struct dataset *dataset;
    const struct svm_kernel *kernel;
    const size_t *samples;  /* [count] */
    size_t count;
    uint64_t seed;          /* decides the folds */
};

enum {
    INNER_FOLDS = 5,  /* at most */
    INNER_GRID = 9    /* 0.01 to 100, two a decade */
};

/* What --cost auto tries, ascending. */
extern const double inner_grid[INNER_GRID];

/* The price out of the grid with which most images are classified rightly (each image counts as
 * 1 / images of its class where the settings are balanced); among equals the lowest. settings->c is
 * not looked at. `parallel` may be NULL: the folds then run one after the other. */
int inner_choose(const struct inner_part *part, const struct solver_settings *settings,
                 struct parallel *parallel, double *c, struct error *error);

/* sigmoids: [solution->decisions], fitted to the decisions that classifiers trained with the same
 * settings make about images that they have not seen. `solution` was trained on the whole part.
 * FAILED when groups keep a class out of a fold's training part, or as solver_solve. */
int inner_calibrate(const struct inner_part *part, const struct solver_settings *settings,
                    const struct solution *solution, struct parallel *parallel,
                    struct sigmoid *sigmoids, struct error *error);

#endif
