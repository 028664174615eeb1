/*
 * Modules that hold other modules, and those that make one result of a table of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extract/formats/torch7_reader_private.h"

/* A function for one module within a container. */
typedef int each_function(struct torch7_reader *reader, const struct torch7_object *object,
                          const char *place, size_t index, void *state, struct error *error);

static int for_each(struct torch7_reader *reader, const struct torch7_module *container,
                    each_function *each, void *state, struct error *error)
{
    const struct torch7_value **items;
    size_t count;
    int outcome = torch7_list(torch7_child(container->object, "modules"), &items, &count, error);

    for (size_t i = 0; outcome == 0 && i < count; i++) {
        char place[TORCH7_NAME + 32];

        snprintf(place, sizeof place, "%s%s%zu", container->place,
                 *container->place != '\0' ? "." : "", i + 1);
        if (items[i]->kind < TORCH7_TABLE)
            outcome = error_set(error, "its module %zu is no object", i + 1);
        else
            outcome = each(reader, items[i]->object, place, i, state, error);
    }
    free(items);
    return outcome;
}

/* ---- one after the other ---------------------------------------------------------------- */

static int pass_on(struct torch7_reader *reader, const struct torch7_object *object,
                   const char *place, size_t index, void *state, struct error *error)
{
    (void)index;
    return torch7_translate(reader, object, place, state, error);
}

static int read_sequential(struct torch7_reader *reader, const struct torch7_module *module,
                           struct torch7_flow *flow, struct error *error)
{
    return for_each(reader, module, pass_on, flow, error);
}

static int only_first(struct torch7_reader *reader, const struct torch7_object *object,
                      const char *place, size_t index, void *state, struct error *error)
{
    return index > 0 ? 0 : torch7_translate(reader, object, place, state, error);
}

/* Holds the same network once for each GPU. */
static int read_data_parallel(struct torch7_reader *reader, const struct torch7_module *module,
                              struct torch7_flow *flow, struct error *error)
{
    return for_each(reader, module, only_first, flow, error);
}

static int read_identity(struct torch7_reader *reader, const struct torch7_module *module,
                         struct torch7_flow *flow, struct error *error)
{
    (void)reader;
    (void)module;
    (void)flow;
    (void)error;
    return 0;
}

/* ---- branches --------------------------------------------------------------------------- */

struct branches {
    const struct torch7_flow *input;
    bool parallel;  /* each branch takes its own result of the input's table */
    struct torch7_flow results;
};

static int add_branch(struct torch7_reader *reader, const struct torch7_object *object,
                      const char *place, size_t index, void *state, struct error *error)
{
    struct branches *branches = state;
    struct torch7_flow flow = *branches->input;

    if (index == TORCH7_BRANCHES)
        return error_set(error, "it has more than %d branches", TORCH7_BRANCHES);
    if (branches->parallel) {
        if (index >= flow.count)
            return error_set(error, "it has more branches than its input has results");
        flow = (struct torch7_flow){.count = 1, .layers = {flow.layers[index]}};
    }
    if (torch7_translate(reader, object, place, &flow, error) < 0)
        return FAILED;
    if (flow.is_table)
        return error_set(error, "its branch %zu gives a table, which is not supported", index + 1);
    branches->results.layers[branches->results.count++] = flow.layers[0];
    return 0;
}

static int read_branches(struct torch7_reader *reader, const struct torch7_module *module,
                         bool parallel, struct torch7_flow *flow, struct error *error)
{
    struct torch7_flow input = *flow;
    struct branches branches = {.input = &input, .parallel = parallel};

    if (for_each(reader, module, add_branch, &branches, error) < 0)
        return FAILED;
    if (branches.results.count == 0)
        return error_set(error, "it has no branches");
    *flow = branches.results;
    flow->is_table = true;
    return 0;
}

static int read_concat_table(struct torch7_reader *reader, const struct torch7_module *module,
                             struct torch7_flow *flow, struct error *error)
{
    return read_branches(reader, module, false, flow, error);
}

static int read_parallel_table(struct torch7_reader *reader, const struct torch7_module *module,
                               struct torch7_flow *flow, struct error *error)
{
    if (!flow->is_table)
        return error_set(error, "its input is no table");
    return read_branches(reader, module, true, flow, error);
}

/* ---- joining ---------------------------------------------------------------------------- */

/* Dimension 1 is the batch. Networks that were trained on one image at a time say 1 for the
 * channels; `without_batch`: the module says so itself. */
static int read_dimension(const struct torch7_module *module, bool without_batch, size_t rank,
                          size_t *axis, struct error *error)
{
    size_t dimension;

    if (torch7_extent(module, "dimension", 1, 1, &dimension, error) < 0)
        return FAILED;
    *axis = dimension - (without_batch || dimension == 1 ? 1 : 2);
    if (*axis >= rank)
        return error_set(error, "its dimension %zu is outside of its input", dimension);
    return 0;
}

static bool any_unsupported(const struct torch7_reader *reader, const struct torch7_flow *flow)
{
    for (size_t i = 0; i < flow->count; i++)
        if (reader->graph->layers[flow->layers[i]].kind == LAYER_UNSUPPORTED)
            return true;
    return false;
}

static int join(struct torch7_reader *reader, const struct torch7_module *module,
                bool without_batch, struct torch7_flow *flow, struct error *error)
{
    struct layer layer = {.kind = LAYER_CONCAT, .input_count = flow->count};
    size_t index;

    if (!any_unsupported(reader, flow) &&
        read_dimension(module, without_batch, torch7_shape(reader, flow->layers[0])->rank,
                       &layer.concat_axis, error) < 0)
        return FAILED;
    if (torch7_add(reader, module, &layer, flow->layers, &index, error) < 0)
        return FAILED;
    *flow = (struct torch7_flow){.count = 1, .layers = {index}};
    return 0;
}

static int join_or_refuse(struct torch7_reader *reader, const struct torch7_module *module,
                          bool without_batch, struct torch7_flow *flow, struct error *error)
{
    struct error reason;

    if (join(reader, module, without_batch, flow, &reason) == 0)
        return 0;
    return torch7_add_unsupported(reader, module, flow, reason.text, error);
}

static int read_join_table(struct torch7_reader *reader, const struct torch7_module *module,
                           struct torch7_flow *flow, struct error *error)
{
    return join_or_refuse(reader, module, torch7_number(module->object, "nInputDims", 0) > 0, flow,
                          error);
}

static int read_concat(struct torch7_reader *reader, const struct torch7_module *module,
                       struct torch7_flow *flow, struct error *error)
{
    if (read_branches(reader, module, false, flow, error) < 0)
        return FAILED;
    return join_or_refuse(reader, module, false, flow, error);
}

/* A map with zeros around it, in the middle of height x width; the odd one behind. */
static int pad_to(struct torch7_reader *reader, const struct torch7_module *module,
                  size_t height, size_t width, size_t *layer, struct error *error)
{
    struct layer pad = {.kind = LAYER_PAD, .input_count = 1};
    const struct shape *shape = torch7_shape(reader, *layer);
    const size_t sides[] = {height, width};
    bool needed = false;

    for (size_t axis = 0; axis < 2; axis++) {
        size_t missing = sides[axis] - shape->dims[SHAPE_HEIGHT + axis];

        pad.pad.before[SHAPE_HEIGHT + axis] = missing / 2;
        pad.pad.after[SHAPE_HEIGHT + axis] = missing - missing / 2;
        needed = needed || missing > 0;
    }
    return needed ? torch7_add(reader, module, &pad, layer, layer, error) : 0;
}

/* Concat of maps of different sizes: the smaller are padded. */
static int read_depth_concat(struct torch7_reader *reader, const struct torch7_module *module,
                             struct torch7_flow *flow, struct error *error)
{
    size_t height = 0, width = 0;

    if (read_branches(reader, module, false, flow, error) < 0)
        return FAILED;
    for (size_t i = 0; i < flow->count; i++) {
        const struct shape *shape = torch7_shape(reader, flow->layers[i]);

        if (!shape_is_map(shape))
            return torch7_add_unsupported(reader, module, flow, "its branches give no maps", error);
        height = shape->dims[SHAPE_HEIGHT] > height ? shape->dims[SHAPE_HEIGHT] : height;
        width = shape->dims[SHAPE_WIDTH] > width ? shape->dims[SHAPE_WIDTH] : width;
    }
    for (size_t i = 0; i < flow->count; i++)
        if (pad_to(reader, module, height, width, &flow->layers[i], error) < 0)
            return FAILED;
    return join_or_refuse(reader, module, false, flow, error);
}

/* ---- arithmetic between results --------------------------------------------------------- */

static int combine(struct torch7_reader *reader, const struct torch7_module *module,
                   enum binary_kind kind, struct torch7_flow *flow, struct error *error)
{
    size_t inputs[2] = {flow->layers[0]};
    struct error reason;

    for (size_t i = 1; i < flow->count; i++) {
        struct layer layer = {.kind = LAYER_BINARY, .binary = kind, .input_count = 2};

        inputs[1] = flow->layers[i];
        if (torch7_add(reader, module, &layer, inputs, &inputs[0], &reason) < 0)
            return torch7_add_unsupported(reader, module, flow, reason.text, error);
    }
    *flow = (struct torch7_flow){.count = 1, .layers = {inputs[0]}};
    return 0;
}

static int read_add_table(struct torch7_reader *reader, const struct torch7_module *module,
                          struct torch7_flow *flow, struct error *error)
{
    return combine(reader, module, BINARY_ADD, flow, error);
}

static int read_multiply_table(struct torch7_reader *reader, const struct torch7_module *module,
                               struct torch7_flow *flow, struct error *error)
{
    return combine(reader, module, BINARY_MULTIPLY, flow, error);
}

static int read_subtract_table(struct torch7_reader *reader, const struct torch7_module *module,
                               struct torch7_flow *flow, struct error *error)
{
    return combine(reader, module, BINARY_SUBTRACT, flow, error);
}

static int read_divide_table(struct torch7_reader *reader, const struct torch7_module *module,
                             struct torch7_flow *flow, struct error *error)
{
    return combine(reader, module, BINARY_DIVIDE, flow, error);
}

static int read_select_table(struct torch7_reader *reader, const struct torch7_module *module,
                             struct torch7_flow *flow, struct error *error)
{
    double index = torch7_number(module->object, "index", 0);

    if (index < 0)
        index += (double)flow->count + 1;
    if (!flow->is_table || !(index >= 1 && index <= (double)flow->count))
        return torch7_add_unsupported(reader, module, flow, "its input has no such result", error);
    *flow = (struct torch7_flow){.count = 1, .layers = {flow->layers[(size_t)index - 1]}};
    return 0;
}

torch7_flow_function *torch7_find_container(const char *kind)
{
    static const struct {
        const char *kind;
        torch7_flow_function *read;
    } containers[] = {
        {"Sequential", read_sequential},
        {"Concat", read_concat},
        {"DepthConcat", read_depth_concat},
        {"ConcatTable", read_concat_table},
        {"ParallelTable", read_parallel_table},
        {"JoinTable", read_join_table},
        {"CAddTable", read_add_table},
        {"CMulTable", read_multiply_table},
        {"CSubTable", read_subtract_table},
        {"CDivTable", read_divide_table},
        {"SelectTable", read_select_table},
        {"FlattenTable", read_identity},
        {"Identity", read_identity},
        {"DataParallelTable", read_data_parallel},
    };

    for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++)
        if (strcmp(containers[i].kind, kind) == 0)
            return containers[i].read;
    return NULL;
}
