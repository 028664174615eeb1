#include "extract/architectures/weights.h"

#include <stdlib.h>

#include "common/memory.h"

/* Far above any network's number; it bounds the time that a hostile file can cost. */
enum { MAX_WEIGHTS = 1 << 16 };

int weights_add(struct weights *weights, const char *layer, const char *name,
                const struct weight *weight, struct error *error)
{
    void *items = weights->items;
    struct weight *copy;

    if (weights_find(weights, layer, weight->role) != NULL)
        return error_set(error, "'%s' is there twice", name);
    if (weights->count == MAX_WEIGHTS)
        return error_set(error, "it has more than %d tensors", MAX_WEIGHTS);
    if (memory_grow(&items, weights->count, &weights->capacity, sizeof *copy, error) < 0)
        return FAILED;
    weights->items = items;
    copy = &weights->items[weights->count];
    *copy = *weight;
    copy->layer = memory_copy_text(layer, error);
    copy->name = memory_copy_text(name, error);
    weights->count++;
    if (copy->layer == NULL || copy->name == NULL)
        return FAILED;
    return names_put(&weights->layers[weight->role], copy->layer, weights->count - 1, error);
}

void weights_release(struct weights *weights)
{
    for (size_t i = 0; i < weights->count; i++) {
        free(weights->items[i].layer);
        free(weights->items[i].name);
    }
    free(weights->items);
    for (size_t role = 0; role < WEIGHT_ROLES; role++)
        names_release(&weights->layers[role]);
    *weights = (struct weights){0};
}

const struct weight *weights_find(const struct weights *weights, const char *layer,
                                  enum weight_role role)
{
    size_t index;

    return names_find(&weights->layers[role], layer, &index) == 0 ? &weights->items[index] : NULL;
}
