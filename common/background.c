#include "common/background.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

struct background {
    void (*task)(void *context);
    void *context;
    pthread_t thread;
};

static void *run(void *context)
{
    const struct background *background = context;

    background->task(background->context);
    return NULL;
}

int background_start(void (*task)(void *context), void *context, struct background **background,
                     struct error *error)
{
    struct background *made = memory_allocate(1, sizeof *made, error);
    int failure;

    *background = NULL;
    if (made == NULL)
        return FAILED;
    *made = (struct background){.task = task, .context = context};
    failure = pthread_create(&made->thread, NULL, run, made);
    if (failure != 0) {
        free(made);
        return error_set(error, "cannot start a thread: %s", strerror(failure));
    }
    *background = made;
    return 0;
}

void background_end(struct background **background)
{
    if (*background == NULL)
        return;
    pthread_join((*background)->thread, NULL);
    free(*background);
    *background = NULL;
}
