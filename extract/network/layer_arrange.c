/*
 * Layers that move numbers without computing: concatenation, slices, padding, reshapes,
 * transpositions, channel shuffles. All are one gather: the result's element (i, j, k, ...) is
 * the input's element at from[0][i] + from[1][j] + from[2][k] + ..., or a constant.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "extract/network/layers.h"

/* An offset that means: not from the input, the constant. */
#define OUTSIDE PTRDIFF_MIN

struct gather {
    size_t rank, dims[SHAPE_MAX_RANK];       /* of the result, the innermost in memory last */
    ptrdiff_t to[SHAPE_MAX_RANK];            /* strides of the result */
    ptrdiff_t *from[SHAPE_MAX_RANK];         /* [dims] offsets into the input */
    size_t to_offset;
    float value;
};

struct prepared {
    struct gather *gathers;  /* one an input; for a reshape in two steps, one a step */
    size_t count;
    bool in_two_steps;       /* through the scratch, in the order that counts */
};

/* The strides of a view's dimensions in the order of its shape. */
static void view_strides(const struct view *view, ptrdiff_t *strides)
{
    ptrdiff_t stride = 1;

    if (shape_is_map(&view->shape)) {
        strides[SHAPE_CHANNELS] = 1;
        strides[SHAPE_WIDTH] = (ptrdiff_t)view->pixel_stride;
        strides[SHAPE_HEIGHT] = (ptrdiff_t)(view->pixel_stride * view->shape.dims[SHAPE_WIDTH]);
        return;
    }
    for (size_t axis = view->shape.rank; axis-- > 0;) {
        strides[axis] = stride;
        stride *= (ptrdiff_t)view->shape.dims[axis];
    }
}

/* The strides of the same dimensions in the order in which `reshape` counts numbers. */
static void counting_strides(const struct layer *reshape, const struct shape *shape,
                             ptrdiff_t *strides)
{
    struct view flat = {.shape = *shape, .pixel_stride = shape_channels(shape)};

    if (shape_is_map(shape) && !reshape->reshape_channels_last) {
        strides[2] = 1;
        strides[1] = (ptrdiff_t)shape->dims[2];
        strides[0] = (ptrdiff_t)(shape->dims[1] * shape->dims[2]);
        return;
    }
    view_strides(&flat, strides);
}

/* Starts a gather of `dims` into places `to` strides apart. A map is walked in memory order. */
static int gather_begin(struct gather *gather, const struct shape *dims, const ptrdiff_t *to,
                        struct error *error)
{
    gather->rank = dims->rank;
    for (size_t axis = 0; axis < dims->rank; axis++) {
        gather->dims[axis] = dims->dims[axis];
        gather->to[axis] = to[axis];
        gather->from[axis] = memory_allocate(dims->dims[axis], sizeof *gather->from[axis], error);
        if (gather->from[axis] == NULL)
            return FAILED;
    }
    return 0;
}

/* Sets from[axis][i] = (begin + i * step) * stride. */
static void gather_axis(struct gather *gather, size_t axis, size_t begin, int64_t step,
                        ptrdiff_t stride)
{
    for (size_t i = 0; i < gather->dims[axis]; i++)
        gather->from[axis][i] = ((ptrdiff_t)begin + (ptrdiff_t)i * (ptrdiff_t)step) * stride;
}

/* The innermost loop runs over the channels of a map: they lie side by side. */
static void gather_order(struct gather *gather, bool map)
{
    struct gather given = *gather;
    static const size_t memory_order[SHAPE_MAP_RANK] = {SHAPE_HEIGHT, SHAPE_WIDTH, SHAPE_CHANNELS};

    for (size_t i = 0; map && i < SHAPE_MAP_RANK; i++) {
        gather->dims[i] = given.dims[memory_order[i]];
        gather->to[i] = given.to[memory_order[i]];
        gather->from[i] = given.from[memory_order[i]];
    }
}

static void gather_innermost(const struct gather *gather, const float *in, float *out)
{
    size_t axis = gather->rank - 1;

    for (size_t i = 0; i < gather->dims[axis]; i++) {
        ptrdiff_t from = gather->from[axis][i];

        out[(ptrdiff_t)i * gather->to[axis]] =
            in == NULL || from == OUTSIDE ? gather->value : in[from];
    }
}

/* in: NULL where an outer dimension lies outside of the input. */
static void gather_run(const struct gather *gather, size_t axis, const float *in, float *out)
{
    if (axis + 1 == gather->rank) {
        gather_innermost(gather, in, out);
        return;
    }
    for (size_t i = 0; i < gather->dims[axis]; i++) {
        ptrdiff_t from = gather->from[axis][i];

        gather_run(gather, axis + 1, in == NULL || from == OUTSIDE ? NULL : in + from,
                   out + (ptrdiff_t)i * gather->to[axis]);
    }
}

static struct prepared *allocate(struct step *step, size_t count, struct error *error)
{
    struct prepared *prepared = memory_allocate(1, sizeof *prepared, error);

    step->prepared = prepared;
    if (prepared == NULL)
        return NULL;
    prepared->gathers = memory_allocate(count, sizeof *prepared->gathers, error);
    if (prepared->gathers == NULL)
        return NULL;
    prepared->count = count;
    step->kernel = "copy";
    return prepared;
}

static void release(struct step *step)
{
    struct prepared *prepared = step->prepared;

    if (prepared == NULL)
        return;
    for (size_t i = 0; i < prepared->count; i++)
        for (size_t axis = 0; axis < SHAPE_MAX_RANK; axis++)
            free(prepared->gathers[i].from[axis]);
    free(prepared->gathers);
    free(prepared);
}

struct job {
    const struct step *step;
    const struct run *run;
};

static bool joins_channels(const struct layer *layer)
{
    return layer->kind == LAYER_CONCAT && layer->concat_axis == SHAPE_CHANNELS &&
           shape_is_map(&layer->shape);
}

static size_t concat_grain(const struct layer *layer)
{
    return joins_channels(layer) ? 1 : 0;
}

/* Of one input of a concatenation, the rows of the run. */
static void join_rows(const struct gather *gather, const struct step *step, const struct run *run,
                      const float *in, float *out)
{
    size_t first, count = run_rows(run, &step->out->shape, &first);

    for (size_t row = first; row < first + count; row++)
        gather_run(gather, 1, in + gather->from[0][row], out + (ptrdiff_t)row * gather->to[0]);
}

/* Task: one image. */
static void arrange_image(void *context, size_t task, size_t worker)
{
    const struct job *job = context;
    size_t image = job->run->first_image + task;
    const struct step *step = job->step;
    const struct prepared *prepared = step->prepared;
    float *out = step->out->data + image * step->out->image_stride;
    float *scratch = job->run->image_scratch + image * step->image_scratch;

    (void)worker;
    if (prepared->in_two_steps) {
        gather_run(&prepared->gathers[0], 0, step->in[0]->data + image * step->in[0]->image_stride,
                   scratch);
        gather_run(&prepared->gathers[1], 0, scratch, out);
        return;
    }
    for (size_t i = 0; i < prepared->count; i++) {
        const struct gather *gather = &prepared->gathers[i];
        const float *in = step->in[i]->data + image * step->in[i]->image_stride;

        /* An input of a concatenation that was written in its place needs no copy. */
        if (gather->rank == 0)
            continue;
        if (joins_channels(step->layer))
            join_rows(gather, step, job->run, in, out + gather->to_offset);
        else
            gather_run(gather, 0, in, out + gather->to_offset);
    }
}

static void run(const struct step *step, const struct run *run)
{
    struct job job = {step, run};

    if (step->prepared != NULL)
        run_tasks(run, run->images, arrange_image, &job);
}

/* ---- the layers ------------------------------------------------------------------------- */

/* True when the plan made the result a part of the input, or the input a part of the result. The
 * caller's images have no place yet. */
static bool is_in_place(const struct view *part, const struct view *whole, size_t offset)
{
    return whole->data != NULL && part->data == whole->data + offset &&
           part->pixel_stride == whole->pixel_stride &&
           part->image_stride == whole->image_stride;
}

static int prepare_concat(struct step *step, const struct kernels *kernels, struct error *error)
{
    size_t axis = step->layer->concat_axis, begin = 0;
    struct prepared *prepared = allocate(step, step->layer->input_count, error);
    ptrdiff_t to[SHAPE_MAX_RANK], from[SHAPE_MAX_RANK];
    bool copies = false;

    (void)kernels;
    if (prepared == NULL)
        return FAILED;
    view_strides(step->out, to);
    for (size_t i = 0; i < step->layer->input_count; i++) {
        struct gather *gather = &prepared->gathers[i];
        const struct view *in = step->in[i];

        gather->to_offset = begin * (size_t)to[axis];
        begin += in->shape.dims[axis];
        if (is_in_place(in, step->out, gather->to_offset))
            continue;
        copies = true;
        if (gather_begin(gather, &in->shape, to, error) < 0)
            return FAILED;
        view_strides(in, from);
        for (size_t j = 0; j < in->shape.rank; j++)
            gather_axis(gather, j, 0, 1, from[j]);
        gather_order(gather, shape_is_map(&in->shape));
    }
    if (!copies) {
        release(step);
        step->prepared = NULL;
        step->kernel = "in place";
    }
    return 0;
}

static int prepare_slice(struct step *step, const struct kernels *kernels, struct error *error)
{
    const struct slice *slice = &step->layer->slice;
    struct prepared *prepared;
    ptrdiff_t to[SHAPE_MAX_RANK], from[SHAPE_MAX_RANK];

    (void)kernels;
    step->kernel = "in place";
    if (is_in_place(step->out, step->in[0], slice->begin[SHAPE_CHANNELS]))
        return 0;
    prepared = allocate(step, 1, error);
    view_strides(step->out, to);
    view_strides(step->in[0], from);
    if (prepared == NULL ||
        gather_begin(&prepared->gathers[0], &step->out->shape, to, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < step->out->shape.rank; axis++)
        gather_axis(&prepared->gathers[0], axis, slice->begin[axis], slice->step[axis],
                    from[axis]);
    gather_order(&prepared->gathers[0], shape_is_map(&step->out->shape));
    return 0;
}

/* Which place of the input a place of the padded result shows; OUTSIDE: the constant. */
static ptrdiff_t padded_source(const struct pad *pad, size_t axis, size_t place, size_t length)
{
    ptrdiff_t at = (ptrdiff_t)place - (ptrdiff_t)pad->before[axis];
    ptrdiff_t last = (ptrdiff_t)length - 1;

    if (at >= 0 && at <= last)
        return at;
    if (pad->mode == PAD_EDGE)
        return at < 0 ? 0 : last;
    if (pad->mode == PAD_REFLECT)
        return at < 0 ? -at : 2 * last - at;
    return OUTSIDE;
}

static int prepare_pad(struct step *step, const struct kernels *kernels, struct error *error)
{
    const struct pad *pad = &step->layer->pad;
    struct prepared *prepared = allocate(step, 1, error);
    ptrdiff_t to[SHAPE_MAX_RANK], from[SHAPE_MAX_RANK];
    struct gather *gather;

    (void)kernels;
    if (prepared == NULL)
        return FAILED;
    gather = &prepared->gathers[0];
    gather->value = pad->value;
    view_strides(step->out, to);
    view_strides(step->in[0], from);
    if (gather_begin(gather, &step->out->shape, to, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < step->out->shape.rank; axis++) {
        for (size_t i = 0; i < gather->dims[axis]; i++) {
            ptrdiff_t source = padded_source(pad, axis, i, step->in[0]->shape.dims[axis]);

            gather->from[axis][i] = source == OUTSIDE ? OUTSIDE : source * from[axis];
        }
    }
    gather_order(gather, shape_is_map(&step->out->shape));
    return 0;
}

static int prepare_transpose(struct step *step, const struct kernels *kernels,
                             struct error *error)
{
    struct prepared *prepared = allocate(step, 1, error);
    ptrdiff_t to[SHAPE_MAX_RANK], from[SHAPE_MAX_RANK];

    (void)kernels;
    view_strides(step->out, to);
    view_strides(step->in[0], from);
    if (prepared == NULL ||
        gather_begin(&prepared->gathers[0], &step->out->shape, to, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < step->out->shape.rank; axis++)
        gather_axis(&prepared->gathers[0], axis, 0, 1, from[step->layer->permutation[axis]]);
    gather_order(&prepared->gathers[0], shape_is_map(&step->out->shape));
    return 0;
}

static int prepare_shuffle(struct step *step, const struct kernels *kernels, struct error *error)
{
    struct prepared *prepared = allocate(step, 1, error);
    size_t groups = step->layer->shuffle_groups;
    size_t rest = step->out->shape.dims[SHAPE_CHANNELS] / groups;
    ptrdiff_t to[SHAPE_MAX_RANK], from[SHAPE_MAX_RANK];
    struct gather *gather;

    (void)kernels;
    view_strides(step->out, to);
    view_strides(step->in[0], from);
    if (prepared == NULL ||
        gather_begin(&prepared->gathers[0], &step->out->shape, to, error) < 0)
        return FAILED;
    gather = &prepared->gathers[0];
    for (size_t axis = 0; axis < SHAPE_MAP_RANK; axis++)
        gather_axis(gather, axis, 0, 1, from[axis]);
    for (size_t c = 0; c < gather->dims[SHAPE_CHANNELS]; c++)
        gather->from[SHAPE_CHANNELS][c] = (ptrdiff_t)(c % groups * rest + c / groups);
    gather_order(gather, true);
    return 0;
}

/* One step of a reshape: `shape` from the strides `from` to the strides `to`. */
static int prepare_copy(struct gather *gather, const struct shape *shape, const ptrdiff_t *from,
                        const ptrdiff_t *to, struct error *error)
{
    if (gather_begin(gather, shape, to, error) < 0)
        return FAILED;
    for (size_t axis = 0; axis < shape->rank; axis++)
        gather_axis(gather, axis, 0, 1, from[axis]);
    return 0;
}

static int prepare_reshape(struct step *step, const struct kernels *kernels, struct error *error)
{
    const struct shape *input = &step->in[0]->shape, *output = &step->out->shape;
    ptrdiff_t from[SHAPE_MAX_RANK], to[SHAPE_MAX_RANK], flat[SHAPE_MAX_RANK];
    struct prepared *prepared;

    (void)kernels;
    step->kernel = "in place";
    if (step->in[0]->data == step->out->data)
        return 0;
    prepared = allocate(step, 2, error);
    if (prepared == NULL)
        return FAILED;
    prepared->in_two_steps = true;
    step->image_scratch = shape_count(input);
    view_strides(step->in[0], from);
    counting_strides(step->layer, input, flat);
    if (prepare_copy(&prepared->gathers[0], input, from, flat, error) < 0)
        return FAILED;
    view_strides(step->out, to);
    counting_strides(step->layer, output, flat);
    return prepare_copy(&prepared->gathers[1], output, flat, to, error);
}

const struct layer_operations concat_operations = {
    .name = "concat", .prepare = prepare_concat, .run = run, .release = release,
    .row_grain = concat_grain};
const struct layer_operations slice_operations = {
    .name = "slice", .prepare = prepare_slice, .run = run, .release = release};
const struct layer_operations pad_operations = {
    .name = "pad", .prepare = prepare_pad, .run = run, .release = release};
const struct layer_operations transpose_operations = {
    .name = "transpose", .prepare = prepare_transpose, .run = run, .release = release};
const struct layer_operations shuffle_operations = {
    .name = "channel shuffle", .prepare = prepare_shuffle, .run = run, .release = release};
const struct layer_operations reshape_operations = {
    .name = "reshape", .prepare = prepare_reshape, .run = run, .release = release};
