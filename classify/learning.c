#include "classify/learning.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classify/display.h"
#include "common/memory.h"

static const double lowest_cost = 1e-9, highest_cost = 1e9;

/* A number without anything around it; false where it is none. */
static bool parse_number(const char *text, double *number)
{
    char *end;

    errno = 0;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && errno == 0 && isfinite(*number);
}

int learning_check_cost(const char *cost, struct error *error)
{
    double number;

    if (strcmp(cost, "auto") == 0 ||
        (parse_number(cost, &number) && number >= lowest_cost && number <= highest_cost))
        return 0;
    return error_set(error, "--cost takes a number from %g to %g or auto, not '%s'", lowest_cost,
                     highest_cost, cost);
}

int learning_check(const struct learning *learning, struct error *error)
{
    if (learning_check_cost(learning->cost, error) < 0)
        return FAILED;
    if (learning->view_names.count > 0 && learning->views != NULL &&
        augment_find(learning->views) == AUGMENT_NONE)
        return error_set(error, "--view has no meaning with --views none");
    for (size_t i = 0; i < learning->class_weights.count; i++) {
        const char *text = learning->class_weights.items[i], *equals = strrchr(text, '=');
        double number;

        if (equals == NULL || equals == text || !parse_number(equals + 1, &number) ||
            number < 1e-6 || number > 1e6)
            return error_set(error, "--class-weight takes LABEL=W with a number from 1e-06 to "
                             "1e+06, not '%s'", text);
    }
    return 0;
}

int protocol_check(const struct protocol *protocol, struct error *error)
{
    bool hold_out = protocol->train_split != NULL;
    bool folds = protocol->folds != LEARNING_UNSET || protocol->repeats != LEARNING_UNSET;

    if (hold_out != (protocol->test_split != NULL))
        return error_set(error, "--train-split and --test-split belong together");
    if (hold_out && strcmp(protocol->train_split, protocol->test_split) == 0)
        return error_set(error, "--train-split and --test-split are the same");
    if (hold_out && (folds || protocol->leave_one_out))
        return error_set(error, "--folds, --repeats and --leave-one-out have no meaning with "
                         "--train-split");
    if (protocol->leave_one_out && folds)
        return error_set(error, "--folds and --repeats have no meaning with --leave-one-out");
    return 0;
}

static int resolve_weights(const struct learning *learning, const struct dataset *dataset,
                           struct learning_plan *plan, struct error *error)
{
    plan->weights = memory_allocate(dataset->class_count, sizeof *plan->weights, error);
    if (plan->weights == NULL)
        return FAILED;
    for (size_t class = 0; class < dataset->class_count; class++)
        plan->weights[class] = 1;
    for (size_t i = 0; i < learning->class_weights.count; i++) {
        const char *text = learning->class_weights.items[i], *equals = strrchr(text, '=');
        size_t length = (size_t)(equals - text), class = 0;

        while (class < dataset->class_count &&
               (strlen(dataset->classes[class]) != length ||
                memcmp(dataset->classes[class], text, length) != 0))
            class++;
        if (class == dataset->class_count)
            return error_set(error, "--class-weight: no image has the label '%.*s'", (int)length,
                             text);
        plan->weights[class] = strtod(equals + 1, NULL);
    }
    return 0;
}

int learning_resolve(const struct learning *learning, const struct dataset *dataset,
                     struct learning_plan *plan, struct error *error)
{
    bool search = strcmp(learning->cost, "auto") == 0;

    *plan = (struct learning_plan){
        .training = {
            .solver = {
                .c = search ? 1 : strtod(learning->cost, NULL),
                .strategy = strategy_find(learning->strategy),
                .balanced = learning->balanced,
            },
            .search = search,
            .seed = learning->seed,
        },
    };
    if (learning->class_weights.count == 0)
        return 0;
    if (resolve_weights(learning, dataset, plan, error) < 0) {
        learning_plan_release(plan);
        return FAILED;
    }
    plan->training.solver.weights = plan->weights;
    return 0;
}

void learning_plan_release(struct learning_plan *plan)
{
    free(plan->weights);
    *plan = (struct learning_plan){0};
}

struct evaluation_settings protocol_resolve(const struct protocol *protocol,
                                            const struct learning_plan *plan)
{
    return (struct evaluation_settings){
        .folds = protocol->folds != LEARNING_UNSET ? protocol->folds : PROTOCOL_FOLDS,
        .repeats = protocol->repeats != LEARNING_UNSET ? protocol->repeats : PROTOCOL_REPEATS,
        .leave_one_out = protocol->leave_one_out,
        .seed = plan->training.seed,
        .training = plan->training,
    };
}

/* ---- writing ---------------------------------------------------------------------------- */

void learning_json(const struct learning *learning, struct json *json)
{
    if (strcmp(learning->cost, "auto") == 0)
        json_text(json, "c", "auto");
    else
        json_real(json, "c", strtod(learning->cost, NULL));
    json_text(json, "normalize", learning->normalize);
    json_text(json, "strategy", learning->strategy);
    json_boolean(json, "balanced", learning->balanced);
    json_open(json, "class_weights", '[');
    for (size_t i = 0; i < learning->class_weights.count; i++)
        json_text(json, NULL, learning->class_weights.items[i]);
    json_close(json);
    json_text(json, "group_by", learning->group_by);
    json_boolean(json, "allow_duplicates", learning->allow_duplicates);
}

static size_t given_or(size_t given, size_t otherwise)
{
    return given != LEARNING_UNSET ? given : otherwise;
}

/* null for a protocol that has no such number. */
static void optional_count(struct json *json, const char *key, bool present, size_t given,
                           size_t otherwise)
{
    if (present)
        json_integer(json, key, (int64_t)given_or(given, otherwise));
    else
        json_text(json, key, NULL);
}

void protocol_json(const struct protocol *protocol, const struct learning *learning,
                   struct json *json)
{
    bool hold_out = protocol->train_split != NULL, folds = !hold_out && !protocol->leave_one_out;

    json_text(json, "protocol", hold_out ? "hold-out" :
                                protocol->leave_one_out ? "leave-one-out" : "cross-validation");
    optional_count(json, "folds", folds, protocol->folds, PROTOCOL_FOLDS);
    optional_count(json, "repeats", folds, protocol->repeats, PROTOCOL_REPEATS);
    json_integer(json, "seed", (int64_t)learning->seed);
    json_text(json, "train_split", protocol->train_split);
    json_text(json, "test_split", protocol->test_split);
}

static void argument(struct json *json, const char *name, const char *value)
{
    json_text(json, NULL, name);
    if (value != NULL)
        json_text(json, NULL, value);
}

void learning_count_argument(const char *name, size_t value, struct json *json)
{
    char text[32];

    snprintf(text, sizeof text, "%zu", value);
    argument(json, name, text);
}

void learning_arguments(const struct learning *learning, struct json *json)
{
    argument(json, "--strategy", learning->strategy);
    if (learning->balanced)
        argument(json, "--balanced", NULL);
    for (size_t i = 0; i < learning->class_weights.count; i++)
        argument(json, "--class-weight", learning->class_weights.items[i]);
    if (learning->group_by != NULL)
        argument(json, "--group-by", learning->group_by);
    if (learning->allow_duplicates)
        argument(json, "--allow-duplicates", NULL);
    learning_count_argument("--seed", learning->seed, json);
}

void learning_setting_arguments(const struct learning *learning, struct json *json)
{
    argument(json, "--cost", learning->cost);
    argument(json, "--normalize", learning->normalize);
}

void protocol_arguments(const struct protocol *protocol, struct json *json)
{
    if (protocol->train_split != NULL) {
        argument(json, "--train-split", protocol->train_split);
        argument(json, "--test-split", protocol->test_split);
    } else if (protocol->leave_one_out) {
        argument(json, "--leave-one-out", NULL);
    } else {
        learning_count_argument("--folds", given_or(protocol->folds, PROTOCOL_FOLDS), json);
        learning_count_argument("--repeats", given_or(protocol->repeats, PROTOCOL_REPEATS), json);
    }
}

void learning_describe(const struct learning *learning, bool on_vectors, FILE *out)
{
    fprintf(out, "linear SVM, C = %s, %s", learning->cost, learning->normalize);
    if (strcmp(learning->strategy, "ovo") != 0)
        fprintf(out, ", %s", learning->strategy);
    if (on_vectors)
        fprintf(out, ", by %s", training_solver(on_vectors));
    if (learning->balanced)
        fputs(", balanced", out);
    for (size_t i = 0; i < learning->class_weights.count; i++) {
        fputs(", ", out);
        display_write(out, learning->class_weights.items[i]);
    }
}
