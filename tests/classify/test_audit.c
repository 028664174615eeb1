#include "classify/audit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/classify/clouds.h"

static char train[] = "train", val[] = "val";

static void copy_vector(struct clouds *clouds, size_t from, size_t to, float factor)
{
    for (size_t k = 0; k < CLOUDS_DIMENSION; k++)
        clouds->vectors[to * CLOUDS_DIMENSION + k] =
            clouds->vectors[from * CLOUDS_DIMENSION + k] *
            (k == 0 ? factor : 1);
}

/* A file twice in one split, a leak, and a photograph under two labels. */
static void test_groups(void **state)
{
    struct clouds *clouds = clouds_make(60, 2, 0.5, 3);
    struct parallel *parallel = clouds_threads(1);
    struct audit audit;
    struct error error;

    (void)state;
    for (size_t i = 0; i < 60; i++)
        clouds->samples[i].split = i < 40 ? train : val;
    clouds->samples[6].image = clouds->samples[4].image;
    copy_vector(clouds, 4, 6, 1);
    copy_vector(clouds, 10, 50, 1.01f);
    copy_vector(clouds, 12, 13, 1.01f);
    assert_int_equal(audit_photographs(&clouds->dataset, parallel, &audit, &error), 0);
    assert_int_equal(audit.group_count, 3);
    assert_true(audit.groups[0].identical && !audit.groups[0].splits && !audit.groups[0].labels);
    assert_int_equal(audit.members[audit.groups[0].start], 4);
    assert_int_equal(audit.members[audit.groups[0].start + 1], 6);
    assert_true(!audit.groups[1].identical && audit.groups[1].splits && !audit.groups[1].labels);
    assert_int_equal(audit.members[audit.groups[1].start + 1], 50);
    assert_true(!audit.groups[2].identical && !audit.groups[2].splits && audit.groups[2].labels);
    assert_true(audit.groups[2].distance > 0 && audit.groups[2].distance < 0.01);
    for (size_t g = 0; g < 3; g++)
        assert_int_equal(audit.groups[g].size, 2);
    audit_release(&audit);
    free(clouds->dataset.gram);
    parallel_free(parallel);
    free(clouds);
}

static void test_outlier(void **state)
{
    struct clouds *clouds = clouds_make(60, 2, 3, 3);
    struct parallel *parallel = clouds_threads(1);
    struct audit audit;
    struct error error;

    (void)state;
    for (size_t k = 0; k < CLOUDS_DIMENSION; k++)
        clouds->vectors[17 * CLOUDS_DIMENSION + k] = k == 9 ? 1 : k % 2 > 0 ? -0.3f : 0;
    assert_int_equal(audit_photographs(&clouds->dataset, parallel, &audit, &error), 0);
    assert_int_equal(audit.group_count, 0);
    assert_int_equal(audit.outlier_count, 1);
    assert_int_equal(audit.outliers[0].sample, 17);
    assert_true(audit.outliers[0].distance > audit.fence);
    audit_release(&audit);
    free(clouds->dataset.gram);
    parallel_free(parallel);
    free(clouds);
}

/* Five labels swapped by hand are the five most suspicious. */
static void test_swapped_labels(void **state)
{
    static const size_t swapped[] = {5, 22, 48, 77, 91};
    const struct evaluation_settings settings = {
        .folds = 5, .repeats = 3, .training.solver.c = 1,
    };
    struct clouds *clouds = clouds_make(120, 2, 1.5, 3);
    struct parallel *parallel = clouds_threads(1);
    struct evaluation evaluation;
    struct audit audit;
    struct error error;
    size_t found = 0;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        clouds->samples[swapped[i]].class = 1 - clouds->samples[swapped[i]].class;
    assert_int_equal(audit_photographs(&clouds->dataset, parallel, &audit, &error), 0);
    assert_int_equal(evaluation_cross_validate(&clouds->dataset, &settings, parallel, &evaluation,
                                               &error), 0);
    assert_int_equal(audit_labels(&clouds->dataset, &evaluation, &audit, &error), 0);
    assert_true(audit.suspect_count >= 5);
    for (size_t i = 0; i < 5; i++)
        for (size_t s = 0; s < 5; s++)
            found += audit.suspects[s].sample == swapped[i];
    assert_int_equal(found, 5);
    evaluation_release(&evaluation);
    audit_release(&audit);
    free(clouds->dataset.gram);
    parallel_free(parallel);
    free(clouds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_outlier),
        cmocka_unit_test(test_swapped_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
