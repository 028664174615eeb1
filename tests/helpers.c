#include "tests/helpers.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read by the address sanitizer: memory that cannot be had is NULL there too, as everywhere. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

enum { PATHS = 8, PATH_LENGTH = 4096 };

char *scratch_create(void)
{
    const char *parent = getenv("TMPDIR");
    char *folder = malloc(PATH_LENGTH);

    assert_non_null(folder);
    snprintf(folder, PATH_LENGTH, "%s/bottleneck-test.XXXXXX", parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

void scratch_remove(char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

static char *next_path(void)
{
    static char paths[PATHS][PATH_LENGTH];
    static size_t next;

    return paths[next++ % PATHS];
}

const char *scratch_path(const char *folder, const char *name)
{
    char *path = next_path();

    snprintf(path, PATH_LENGTH, "%s/%s", folder, name);
    return path;
}

void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The finaliser of a hash function (Wellons 2018, "lowbias32"). */
static uint32_t scatter(uint32_t index)
{
    index ^= index >> 16;
    index *= 0x7feb352d;
    index ^= index >> 15;
    index *= 0x846ca68b;
    return index ^ index >> 16;
}

static float seeded_number(uint32_t index)
{
    return (float)(scatter(index) >> 8) / (1 << 22) - 2;
}

float *seeded_numbers(size_t count, uint32_t first)
{
    float *numbers = calloc(count + 1, sizeof *numbers);

    assert_non_null(numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = seeded_number(first + (uint32_t)i);
    return numbers;
}

float *seeded_images(size_t count, size_t channels, size_t height, size_t width)
{
    size_t pixels = height * width;
    float *images = calloc(count * channels * pixels, sizeof *images);
    uint32_t index = 0;

    assert_non_null(images);
    /* The index counts in the order [count][channels][height][width]. */
    for (size_t image = 0; image < count; image++)
        for (size_t channel = 0; channel < channels; channel++)
            for (size_t pixel = 0; pixel < pixels; pixel++)
                images[(image * pixels + pixel) * channels + channel] =
                    seeded_number(index++);
    return images;
}

double relative_error(const float *got, const float *expected, size_t count)
{
    double difference = 0, norm = 0;

    for (size_t i = 0; i < count; i++) {
        difference += pow((double)got[i] - (double)expected[i], 2);
        norm += pow((double)expected[i], 2);
    }
    return sqrt(difference / norm);
}

const char *test_data(const char *name)
{
    const char *folder = getenv("TESTDATA");
    const char *path;

    if (folder == NULL)
        return NULL;
    path = scratch_path(folder, name);
    return access(path, R_OK) == 0 ? path : NULL;
}
