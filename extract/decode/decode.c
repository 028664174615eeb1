#include "extract/decode/decode.h"

#include "extract/decode/decode_jpeg.h"
#include "extract/decode/decode_png.h"

int decode_image(const char *name, const unsigned char *bytes, size_t size,
                 const struct decode_limits *limits, struct image *image,
                 struct decode_info *info, struct error *error)
{
    struct decode_limits known = *limits;
    enum content_kind kind;
    const char *content;
    int outcome;

    if (known.pixels == 0)
        known.pixels = DECODE_DEFAULT_PIXELS;
    *info = (struct decode_info){0};
    kind = content_recognise(bytes, size, &content);
    if (kind == CONTENT_JPEG) {
        info->format = "jpeg";
        outcome = decode_jpeg(name, bytes, size, &known, image, error);
    } else if (kind == CONTENT_PNG) {
        info->format = "png";
        outcome = decode_png(name, bytes, size, &known, image, error);
    } else if (kind == CONTENT_DAMAGED) {
        return error_set(error, "'%s' is %s", name, content);
    } else {
        return error_set(error, "'%s' is %s: only JPEG and PNG are read", name, content);
    }
    if (outcome < 0)
        return FAILED;
    info->width = image->width;
    info->height = image->height;
    return 0;
}
