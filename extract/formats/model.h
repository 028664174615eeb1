/*
 * A network as its publisher's files hold it, whatever their format: recognised by content, taken
 * apart by the format's reader, translated into a graph.
 *
 *     model_open("resnet50.onnx", NULL, &model, &error);
 *     model_read(&model, 224, 224, &graph, &error);
 *     model_close(&model);                             after the graph: it has views of the files
 *
 * A reader translates and does nothing else: it knows no kernel, no cut, no option. A new format
 * is a module with a `struct format`, and a line in model.c's table.
 */
#ifndef EXTRACT_FORMATS_MODEL_H
#define EXTRACT_FORMATS_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "extract/graph/graph.h"

/* The image that the network takes; 0 where the file leaves a size free. */
struct network_input {
    size_t channels, height, width;
};

enum { MODEL_FILES = 16, MODEL_TEXT = 256 };

struct model_file {
    char *path;
    struct file_map map;
    bool is_ours;  /* the map; false for bytes that the caller keeps */
};

struct model {
    const struct format *format;
    struct model_file files[MODEL_FILES];  /* the one that was asked for, then what belongs to it;
                                              the format may put them in an order of its own */
    size_t file_count;
    struct network_input input;
    size_t usual_side;              /* of the images that it was made for, where `input` leaves
                                       the size free; 0: not known */
    char architecture[MODEL_TEXT];  /* "ResNet-50 (torchvision)", where the file has weights
                                       alone and the program knows what they belong to */
    char preprocess[MODEL_TEXT];    /* the rule (rules.h) that belongs to what the file says of
                                       its origin; "" when it says nothing */
    bool assumes_preprocess;        /* the rule is the format's usual one: it may be another */
    void *contents;                 /* the format's own */
};

struct format {
    const char *name;   /* as the database keeps it: "onnx" */
    const char *title;  /* as a message says it: "ONNX" */

    /* True when the first file, already mapped, can only be of this format; its name says
     * nothing. The formats are asked in the order of model.c's table. */
    bool (*recognise)(const struct model *model);

    /* Takes the files apart and checks their structure; weights for their size only. Fills
     * input, architecture, preprocess and contents. `definition`: a second file that the user
     * names (a prototxt), or NULL. On FAILED, close is called all the same. */
    int (*open)(struct model *model, const char *definition, struct error *error);

    /* Fills an empty graph, with views into the files. height, width: of the images; they agree
     * with `input`, where it does not leave them free. What cannot be translated becomes an
     * unsupported layer with the reason: an error only where the cut needs it. */
    int (*read)(const struct model *model, size_t height, size_t width, struct graph *graph,
                struct error *error);

    void (*close)(struct model *model);
};

/* In every case the caller closes *model. FAILED when a file cannot be read, the format is not
 * known (the message lists those that are), or something is not valid; names the file. */
int model_open(const char *path, const char *definition, struct model *model,
               struct error *error);
/* The same for one file whose bytes are in memory, under a name for messages. They are not copied
 * and must outlive *model. */
int model_open_bytes(const char *name, struct bytes bytes, struct model *model,
                     struct error *error);
void model_close(struct model *model);

int model_read(const struct model *model, size_t height, size_t width, struct graph *graph,
               struct error *error);

/* For formats that have a second file: maps it behind the others, for model_bytes and the
 * digest. */
int model_add_file(struct model *model, const char *path, struct error *error);

/* All bytes of file `index`. */
struct bytes model_bytes(const struct model *model, size_t index);

/* To be called when the weights have been read: gives back the memory that the files take. */
void model_rest(const struct model *model);

/* SHA-256 of the file, or of all files one after the other where there are several, and their
 * size in bytes. */
struct hash model_digest(const struct model *model);
size_t model_size(const struct model *model);

#endif
