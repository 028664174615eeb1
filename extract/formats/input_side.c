#include "extract/formats/input_side.h"

/* Above any network with a fully connected layer. */
enum { LARGEST_SIDE = 1024 };

/* The sides that networks are made for, the most frequent of overlapping ones first. */
static const size_t usual_sides[] = {224, 299, 32, 28, 24, 48, 64, 96, 112, 128, 256, 12};

void input_fit_meet(struct input_fit *fit, size_t wanted, size_t got)
{
    if (!fit->met)
        *fit = (struct input_fit){true, wanted, got};
}

static int try_side(const struct model *model, input_side_try *try, size_t side,
                    struct input_fit *fit, struct error *error)
{
    *fit = (struct input_fit){0};
    return try(model, side, fit, error);
}

/* The smallest side that gives at least `features`: their number grows with the side. */
static int smallest_side(const struct model *model, input_side_try *try, size_t features,
                         size_t *side, struct error *error)
{
    size_t low = 1, high = LARGEST_SIDE;

    while (low < high) {
        size_t middle = (low + high) / 2;
        struct input_fit fit;

        if (try_side(model, try, middle, &fit, error) < 0)
            return FAILED;
        if (fit.got >= features)
            high = middle;
        else
            low = middle + 1;
    }
    *side = low;
    return 0;
}

int input_side_find(const struct model *model, input_side_try *try, size_t *side,
                    struct error *error)
{
    struct input_fit fit;
    size_t first, behind;

    *side = 0;
    if (try_side(model, try, LARGEST_SIDE, &fit, error) < 0)
        return FAILED;
    if (!fit.met || fit.got <= fit.wanted)
        return 0;
    if (smallest_side(model, try, fit.wanted, &first, error) < 0 ||
        smallest_side(model, try, fit.wanted + 1, &behind, error) < 0)
        return FAILED;
    if (first == behind)
        return 0;
    *side = first;
    for (size_t i = 0; i < sizeof usual_sides / sizeof usual_sides[0]; i++)
        if (usual_sides[i] >= first && usual_sides[i] < behind) {
            *side = usual_sides[i];
            break;
        }
    return 0;
}
