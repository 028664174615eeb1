#include "extract/decode/content.h"

#include <stdbool.h>
#include <string.h>

/* Bytes that a format has at a fixed place. */
struct signature {
    const char *bytes;
    unsigned char length;
    unsigned char at;
    enum content_kind kind;
    const char *name;
};

#define AT(place, text, kind, name) {text, sizeof(text) - 1, place, kind, name}
#define IMAGE(text, name) AT(0, text, CONTENT_OTHER_IMAGE, name)
#define FILE_OF(text, name) AT(0, text, CONTENT_NO_IMAGE, name)

/* The first that fits decides, so what is particular stands before what is general. */
static const struct signature signatures[] = {
    AT(0, "\x89PNG\r\n\x1a\n", CONTENT_PNG, "a PNG"),
    AT(0, "\xff\xd8\xff", CONTENT_JPEG, "a JPEG"),
    IMAGE("GIF87a", "a GIF"),
    IMAGE("GIF89a", "a GIF"),
    AT(8, "WEBP", CONTENT_OTHER_IMAGE, "a WebP"),
    AT(4, "ftypavif", CONTENT_OTHER_IMAGE, "an AVIF"),
    AT(4, "ftypavis", CONTENT_OTHER_IMAGE, "an AVIF"),
    AT(4, "ftyphei", CONTENT_OTHER_IMAGE, "a HEIC"),
    AT(4, "ftyphev", CONTENT_OTHER_IMAGE, "a HEIC"),
    AT(4, "ftypmif1", CONTENT_OTHER_IMAGE, "a HEIF"),
    AT(4, "ftypmsf1", CONTENT_OTHER_IMAGE, "a HEIF"),
    AT(4, "ftypcrx ", CONTENT_OTHER_IMAGE, "a Canon raw photo"),
    IMAGE("\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL"),
    IMAGE("\xff\x0a", "a JPEG XL"),
    IMAGE("\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000"),
    IMAGE("\xff\x4f\xff\x51", "a JPEG 2000"),
    IMAGE("II\xbc\x01", "a JPEG XR"),
    AT(8, "CR\x02", CONTENT_OTHER_IMAGE, "a Canon raw photo"),
    IMAGE("FUJIFILMCCD-RAW", "a Fujifilm raw photo"),
    IMAGE("IIRO", "an Olympus raw photo"),
    IMAGE("IIRS", "an Olympus raw photo"),
    IMAGE("IIU\0", "a Panasonic raw photo"),
    IMAGE("FOVb", "a Sigma raw photo"),
    IMAGE("II*\0", "a TIFF or raw photo"),
    IMAGE("MM\0*", "a TIFF or raw photo"),
    IMAGE("II+\0", "a BigTIFF"),
    IMAGE("MM\0+", "a BigTIFF"),
    IMAGE("8BPS", "a Photoshop file"),
    IMAGE("gimp xcf ", "a GIMP file"),
    IMAGE("\x8aMNG\r\n\x1a\n", "an MNG"),
    IMAGE("\x8bJNG\r\n\x1a\n", "a JNG"),
    IMAGE("\0\0\1\0", "an icon"),
    IMAGE("DDS ", "a DDS"),
    IMAGE("qoif", "a QOI"),
    IMAGE("BPG\xfb", "a BPG"),
    IMAGE("FLIF", "a FLIF"),
    IMAGE("\x76\x2f\x31\x01", "an OpenEXR"),
    IMAGE("#?RADIANCE\n", "a Radiance HDR"),
    IMAGE("#?RGBE\n", "a Radiance HDR"),
    IMAGE("SIMPLE  =", "a FITS"),
    IMAGE("AT&TFORM", "a DjVu"),
    AT(128, "DICM", CONTENT_OTHER_IMAGE, "a DICOM"),
    FILE_OF("%PDF-", "a PDF"),
    FILE_OF("%!PS", "a PostScript"),
    FILE_OF("\xc5\xd0\xd3\xc6", "an EPS"),
    FILE_OF("PK\3\4", "a ZIP archive or office document"),
    FILE_OF("PK\5\6", "a ZIP archive"),
    FILE_OF("\x1f\x8b", "a gzip archive"),
    FILE_OF("BZh", "a bzip2 archive"),
    FILE_OF("\xfd" "7zXZ\0", "an xz archive"),
    FILE_OF("\x28\xb5\x2f\xfd", "a zstd archive"),
    FILE_OF("7z\xbc\xaf\x27\x1c", "a 7z archive"),
    FILE_OF("Rar!\x1a\7", "a RAR archive"),
    FILE_OF("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
    FILE_OF("SQLite format 3\0", "an SQLite database"),
    FILE_OF("\x7f" "ELF", "a program"),
    FILE_OF("\x89HDF\r\n\x1a\n", "an HDF5 file"),
    FILE_OF("\x93NUMPY", "a NumPy array"),
    FILE_OF("RIFF", "a film or sound"),
    FILE_OF("OggS", "a film or sound"),
    FILE_OF("ID3", "a sound"),
    FILE_OF("fLaC", "a sound"),
    FILE_OF("\x1a\x45\xdf\xa3", "a film"),
    FILE_OF("\0\0\1\xba", "a film"),
    AT(4, "ftyp", CONTENT_NO_IMAGE, "a film"),
    AT(4, "moov", CONTENT_NO_IMAGE, "a film"),
};

static const struct signature *find_signature(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const struct signature *signature = &signatures[i];

        if (size >= (size_t)signature->at + signature->length &&
            memcmp(bytes + signature->at, signature->bytes, signature->length) == 0)
            return signature;
    }
    return NULL;
}

/* "BM" alone begins many a text: the size of the header that follows must be one that exists. */
static bool is_bitmap(const unsigned char *bytes, size_t size)
{
    static const unsigned char headers[] = {12, 16, 40, 52, 56, 64, 108, 124};

    return size >= 18 && memcmp(bytes, "BM", 2) == 0 &&
           memchr(headers, bytes[14], sizeof headers) != NULL &&
           memcmp(bytes + 15, "\0\0\0", 3) == 0;
}

/* Netpbm's P1 to P7, with the white space that must follow. */
static bool is_netpbm(const unsigned char *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
           (bytes[2] == '\n' || bytes[2] == ' ' || bytes[2] == '\t' || bytes[2] == '\r');
}

static bool contains(const unsigned char *bytes, size_t size, const char *text)
{
    return memmem(bytes, size, text, strlen(text)) != NULL;
}

static bool is_blank(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Bytes of a text in ASCII, UTF-8 or an 8-bit code; or the mark of UTF-16. */
static bool is_text(const unsigned char *bytes, size_t size)
{
    if (size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return true;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < ' ' && memchr("\t\n\v\f\r\b\x1b", bytes[i], 7) == NULL)
            return false;
    return true;
}

static bool is_svg(const unsigned char *bytes, size_t size)
{
    return is_text(bytes, size) && contains(bytes, size, "<svg");
}

/* What has no signature at a fixed place, or one that is too short to be sure. */
static enum content_kind recognise_shape(const unsigned char *bytes, size_t size,
                                         const char **name)
{
    size_t head = size < 24 ? size : 24;

    if (size == 2 && memcmp(bytes, "\xff\xd8", 2) == 0) {
        *name = "a JPEG";
        return CONTENT_JPEG;
    }
    *name = size == 0                       ? "empty"
            : is_blank(bytes, size)         ? "nothing but zeros"
            : contains(bytes, head, "IHDR") ? "a PNG with a damaged signature"
                                            : NULL;
    if (*name != NULL)
        return CONTENT_DAMAGED;
    *name = is_bitmap(bytes, size)   ? "a BMP"
            : is_netpbm(bytes, size) ? "a Netpbm image"
            : is_svg(bytes, size)    ? "an SVG"
                                     : NULL;
    if (*name != NULL)
        return CONTENT_OTHER_IMAGE;
    *name = is_text(bytes, size) ? "a text" : "no image that is known";
    return CONTENT_NO_IMAGE;
}

enum content_kind content_recognise(const unsigned char *bytes, size_t size, const char **name)
{
    const struct signature *signature = find_signature(bytes, size);
    enum content_kind kind;
    const char *found;

    if (size > CONTENT_HEAD)
        size = CONTENT_HEAD;
    if (signature != NULL) {
        kind = signature->kind;
        found = signature->name;
    } else {
        kind = recognise_shape(bytes, size, &found);
    }
    if (name != NULL)
        *name = found;
    return kind;
}
