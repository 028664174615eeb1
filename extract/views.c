#include "extract/views.h"

#include <assert.h>
#include <string.h>

#include "common/file.h"

enum {
    DECIMALS = 6,
    MILLION = 1000000,            /* the largest denominator, and 10 to the power of DECIMALS */
    MAXIMUM_BYTES = 1 << 20       /* of a file of views */
};

static const char *const place_names[] = {
    [PLACE_CENTRE] = "centre",         [PLACE_TOP_LEFT] = "top-left",
    [PLACE_TOP_RIGHT] = "top-right",   [PLACE_BOTTOM_LEFT] = "bottom-left",
    [PLACE_BOTTOM_RIGHT] = "bottom-right",
};
enum { PLACES = sizeof place_names / sizeof *place_names };

const char *const views_presets[] = {
    [VIEWS_NONE] = "none",         [VIEWS_FLIP] = "flip",
    [VIEWS_FIVE_CROP] = "five-crop", [VIEWS_TEN_CROP] = "ten-crop",
    [VIEWS_RAZAVIAN] = "razavian", NULL,
};

/* The views of the presets, as texts that end with NULL. */
static const struct {
    const char *help;
    const char *texts[8];
    bool mirrored;         /* each has its mirror behind it */
} presets[] = {
    [VIEWS_NONE] = {"the original alone (default)", {"original"}, false},
    [VIEWS_FLIP] = {"and its mirror", {"original"}, true},
    [VIEWS_FIVE_CROP] = {"the centre, which is the original, and the four corners",
                         {"original", "crop=top-left", "crop=top-right", "crop=bottom-left",
                          "crop=bottom-right"}, false},
    [VIEWS_TEN_CROP] = {"five-crop and their mirrors",
                        {"original", "crop=top-left", "crop=top-right", "crop=bottom-left",
                         "crop=bottom-right"}, true},
    /* Razavian, Azizpour, Sullivan and Carlsson, arXiv 1403.6382 */
    [VIEWS_RAZAVIAN] = {"the original, five crops of 4/9 of its area, turned by 30\n"
                        "             degrees either way, and the mirrors of all: 16",
                        {"original", "crop=0:0:2/3:2/3", "crop=1/3:0:1:2/3", "crop=0:1/3:2/3:1",
                         "crop=1/3:1/3:1:1", "crop=1/6:1/6:5/6:5/6", "rotate=30", "rotate=-30"},
                        true},
};
enum { PRESET_TEXTS = sizeof presets[0].texts / sizeof *presets[0].texts };

/* ---- numbers ---------------------------------------------------------------------------- */

static struct share reduce(int64_t numerator, int64_t denominator)
{
    int64_t a = numerator < 0 ? -numerator : numerator, b = denominator;

    while (b != 0) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return (struct share){numerator / a, denominator / a};
}

/* Digits up to a million; false where there are none, or more. */
static bool read_digits(const char **text, int64_t *value)
{
    const char *begin = *text;

    *value = 0;
    for (; **text >= '0' && **text <= '9'; ++*text) {
        *value = 10 * *value + (**text - '0');
        if (*value > MILLION)
            return false;
    }
    return *text > begin;
}

/* "12", "-0.25", "2/3"; *text becomes what follows. */
static bool read_share(const char **text, struct share *share)
{
    bool negative = **text == '-';
    int64_t whole, denominator = 1;

    *text += negative;
    if (!read_digits(text, &whole))
        return false;
    if (**text == '/') {
        ++*text;
        if (!read_digits(text, &denominator) || denominator == 0)
            return false;
    } else if (**text == '.') {
        const char *end = ++*text;

        while (*end >= '0' && *end <= '9')
            end++;
        if (end == *text || end - *text > DECIMALS)
            return false;
        for (; *text < end; ++*text, denominator *= 10)
            whole = 10 * whole + (**text - '0');
    }
    *share = reduce(negative ? -whole : whole, denominator);
    return true;
}

/* `count` shares joined by ':', and nothing behind them. */
static bool read_shares(const char *text, struct share *shares, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && *text++ != ':')
            return false;
        if (!read_share(&text, &shares[i]))
            return false;
    }
    return *text == '\0';
}

/* Below zero, zero or above it, as a is less than b, equal or more. */
static int compare(struct share a, struct share b)
{
    int64_t left = a.numerator * b.denominator, right = b.numerator * a.denominator;

    return (left > right) - (left < right);
}

static bool is_within(struct share share, int64_t low, int64_t high)
{
    return compare(share, (struct share){low, 1}) >= 0 &&
           compare(share, (struct share){high, 1}) <= 0;
}

/* As a decimal number where that is exact, else as a fraction. Returns the length. */
static size_t write_share(struct share share, char *text, size_t size)
{
    int64_t decimals = 0, magnitude = share.numerator < 0 ? -share.numerator : share.numerator;
    int digits = 0, length;

    if (MILLION % share.denominator != 0)
        return (size_t)snprintf(text, size, "%lld/%lld", (long long)share.numerator,
                                (long long)share.denominator);
    decimals = magnitude % share.denominator * (MILLION / share.denominator);
    for (digits = DECIMALS; digits > 0 && decimals % 10 == 0; digits--)
        decimals /= 10;
    length = snprintf(text, size, "%s%lld", share.numerator < 0 ? "-" : "",
                      (long long)(magnitude / share.denominator));
    if (digits > 0)
        length += snprintf(text + length, size - (size_t)length, ".%0*lld", digits,
                           (long long)decimals);
    return (size_t)length;
}

/* ---- one view --------------------------------------------------------------------------- */

static const struct share zero = {0, 1}, one = {1, 1};

static bool is_equal(struct share a, struct share b)
{
    return compare(a, b) == 0;
}

static bool is_whole(const struct view *view)
{
    return is_equal(view->left, zero) && is_equal(view->top, zero) &&
           is_equal(view->right, one) && is_equal(view->bottom, one);
}

/* Appends ",key=" or "key=" and the shares, joined by ':'. Returns the length of the text. */
static size_t append_shares(char *text, size_t used, const char *key, const struct share *shares,
                            size_t count)
{
    used += (size_t)snprintf(text + used, VIEW_NAME - used, "%s%s=", used > 0 ? "," : "", key);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text[used++] = ':';
        used += write_share(shares[i], text + used, VIEW_NAME - used);
    }
    return used;
}

static void set_name(struct view *view)
{
    const struct share edges[] = {view->left, view->top, view->right, view->bottom};
    const struct share shifts[] = {view->right_shift, view->down_shift};
    char *name = view->name;
    size_t used = 0;

    *name = '\0';
    if (!is_whole(view))
        used = append_shares(name, used, "crop", edges, 4);
    else if (view->place != PLACE_CENTRE)
        used = (size_t)snprintf(name, VIEW_NAME, "crop=%s", place_names[view->place]);
    if (view->degrees.numerator != 0)
        used = append_shares(name, used, "rotate", &view->degrees, 1);
    if (view->right_shift.numerator != 0 || view->down_shift.numerator != 0)
        used = append_shares(name, used, "shift", shifts, 2);
    if (view->flip)
        used += (size_t)snprintf(name + used, VIEW_NAME - used, "%sflip", used > 0 ? "," : "");
    if (used == 0)
        snprintf(name, VIEW_NAME, "original");
}

static int parse_crop(const char *value, struct view *view, struct error *error)
{
    struct share edges[4];

    for (size_t place = 0; place < PLACES; place++) {
        if (strcmp(place_names[place], value) == 0) {
            view->place = (enum view_place)place;
            return 0;
        }
    }
    if (!read_shares(value, edges, 4))
        return error_set(error, "'crop=%s': crop takes LEFT:TOP:RIGHT:BOTTOM as shares such as "
                         "1/3 or 0.25, or centre, top-left, top-right, bottom-left, bottom-right",
                         value);
    for (size_t i = 0; i < 4; i++)
        if (!is_within(edges[i], 0, 1))
            return error_set(error, "'crop=%s': edges are shares from 0 to 1", value);
    if (compare(edges[0], edges[2]) >= 0 || compare(edges[1], edges[3]) >= 0)
        return error_set(error, "'crop=%s' is empty: LEFT must be less than RIGHT and TOP less "
                         "than BOTTOM", value);
    view->left = edges[0];
    view->top = edges[1];
    view->right = edges[2];
    view->bottom = edges[3];
    return 0;
}

static int parse_rotate(const char *value, struct view *view, struct error *error)
{
    if (read_shares(value, &view->degrees, 1) && is_within(view->degrees, -180, 180) &&
        !is_equal(view->degrees, (struct share){-180, 1}))
        return 0;
    return error_set(error, "'rotate=%s': rotate takes degrees above -180 and up to 180, such as "
                     "30 or -12.5", value);
}

static int parse_shift(const char *value, struct view *view, struct error *error)
{
    struct share shifts[2];

    if (!read_shares(value, shifts, 2) || !is_within(shifts[0], -1, 1) ||
        !is_within(shifts[1], -1, 1))
        return error_set(error, "'shift=%s': shift takes RIGHT:DOWN, shares of the crop from -1 to "
                         "1, such as 0.1:-0.05", value);
    view->right_shift = shifts[0];
    view->down_shift = shifts[1];
    return 0;
}

static const struct {
    const char *key;
    int (*parse)(const char *value, struct view *view, struct error *error);
} keys[] = {{"crop", parse_crop}, {"rotate", parse_rotate}, {"shift", parse_shift}};
enum { KEYS = sizeof keys / sizeof *keys };

/* A word of a view. given: [KEYS + 1], which have been there, the flip last. */
static int parse_word(const char *word, struct view *view, bool *given, struct error *error)
{
    size_t key = 0, length = strcspn(word, "=");

    while (key < KEYS && (word[length] != '=' || strlen(keys[key].key) != length ||
                          memcmp(keys[key].key, word, length) != 0))
        key++;
    if (key == KEYS && strcmp(word, "flip") != 0)
        return error_set(error, "'%s' is no part of a view; these are crop=..., rotate=..., "
                         "shift=... and flip, or original alone", word);
    if (given[key])
        return error_set(error, "'%.*s' twice in a view", (int)length, word);
    given[key] = true;
    if (key < KEYS)
        return keys[key].parse(word + length + 1, view, error);
    view->flip = true;
    return 0;
}

static bool is_blank(char letter)
{
    return letter == ' ' || letter == '\t';
}

/* Copies what lies between two places without the blanks around it. */
static int copy_word(const char *begin, const char *end, char word[VIEW_NAME], struct error *error)
{
    while (begin < end && is_blank(*begin))
        begin++;
    while (end > begin && is_blank(end[-1]))
        end--;
    if (end - begin >= VIEW_NAME)
        return error_set(error, "'%.40s...' is too long for a view", begin);
    memcpy(word, begin, (size_t)(end - begin));
    word[end - begin] = '\0';
    return 0;
}

static int parse(const char *text, const char *end, struct view *view, struct error *error)
{
    bool given[KEYS + 1] = {false};
    char word[VIEW_NAME];

    *view = (struct view){.right = one, .bottom = one, .left = zero, .top = zero, .degrees = zero,
                          .right_shift = zero, .down_shift = zero};
    if (copy_word(text, end, word, error) < 0)
        return FAILED;
    while (text != NULL && strcmp(word, "original") != 0) {
        const char *comma = memchr(text, ',', (size_t)(end - text));

        if (copy_word(text, comma != NULL ? comma : end, word, error) < 0 ||
            parse_word(word, view, given, error) < 0)
            return FAILED;
        text = comma != NULL ? comma + 1 : NULL;
    }
    set_name(view);
    return 0;
}

int view_parse(const char *text, struct view *view, struct error *error)
{
    return parse(text, text + strlen(text), view, error);
}

double view_degrees(const struct view *view)
{
    return (double)view->degrees.numerator / (double)view->degrees.denominator;
}

bool view_is_twin(const struct view *a, const struct view *b)
{
    return a->place == b->place && is_equal(a->left, b->left) && is_equal(a->top, b->top) &&
           is_equal(a->right, b->right) && is_equal(a->bottom, b->bottom) &&
           is_equal(a->degrees, b->degrees) && is_equal(a->right_shift, b->right_shift) &&
           is_equal(a->down_shift, b->down_shift);
}

/* ---- sets of views ---------------------------------------------------------------------- */

static void append(struct views *views, const char *text)
{
    struct error error;
    int outcome = view_parse(text, &views->items[views->count++], &error);

    (void)outcome;
    assert(outcome == 0);
}

void views_preset(size_t preset, struct views *views)
{
    views->count = 0;
    for (size_t i = 0; i < PRESET_TEXTS && presets[preset].texts[i] != NULL; i++) {
        append(views, presets[preset].texts[i]);
        if (presets[preset].mirrored) {
            struct view *mirror = &views->items[views->count];

            *mirror = views->items[views->count++ - 1];
            mirror->flip = true;
            set_name(mirror);
        }
    }
}

void views_print_presets(FILE *out, const char *indent)
{
    for (size_t i = 0; views_presets[i] != NULL; i++)
        fprintf(out, "%s%-9s  %s\n", indent, views_presets[i], presets[i].help);
}

/* Takes the view of a line in; lines: [VIEWS_MOST], where each was named, 0 for nowhere. A mirror
 * goes behind its twin. */
static int add_line(struct views *views, const struct view *view, size_t line, size_t *lines,
                    struct error *error)
{
    size_t place = views->count;

    for (size_t i = 0; i < views->count; i++) {
        if (strcmp(views->items[i].name, view->name) == 0) {
            if (lines[i] > 0)
                return error_set(error, "the view '%s' is in line %zu already", view->name,
                                 lines[i]);
            lines[i] = line;
            return 0;
        }
        if (view_is_twin(&views->items[i], view))
            place = i + 1;
    }
    if (views->count == VIEWS_MOST)
        return error_set(error, "more than %d views", VIEWS_MOST);
    for (size_t i = views->count++; i > place; i--) {
        views->items[i] = views->items[i - 1];
        lines[i] = lines[i - 1];
    }
    views->items[place] = *view;
    lines[place] = line;
    return 0;
}

/* text: without NUL but for its end. */
static int read_lines(const char *text, struct views *views, size_t *line, struct error *error)
{
    size_t lines[VIEWS_MOST] = {0}, found = 0;

    views_preset(VIEWS_NONE, views);
    for (*line = 1; *text != '\0'; ++*line) {
        size_t length = strcspn(text, "\n"), used = strcspn(text, "#\n");
        struct view view;

        while (used > 0 && (is_blank(text[used - 1]) || text[used - 1] == '\r'))
            used--;
        if (strspn(text, " \t") < used) {
            if (parse(text, text + used, &view, error) < 0 ||
                add_line(views, &view, *line, lines, error) < 0)
                return FAILED;
            found++;
        }
        text += length + (text[length] == '\n');
    }
    *line = 0;
    return found > 0 ? 0 : error_set(error, "no view in it");
}

int views_read(const char *path, struct views *views, struct error *error)
{
    struct buffer bytes = {0};
    const char *text;
    size_t line = 0;
    int outcome = FAILED;

    views->count = 0;
    if (file_read(path, MAXIMUM_BYTES, &bytes, NULL, error) < 0 ||
        buffer_reserve(&bytes, bytes.size + 1, error) < 0)
        goto out;
    bytes.data[bytes.size] = '\0';
    text = (const char *)bytes.data;
    if (strlen(text) != bytes.size) {
        error_set(error, "'%s' is no file of views: it holds a NUL", path);
        goto out;
    }
    outcome = read_lines(strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text, views, &line,
                         error);
    if (outcome < 0 && line > 0)
        error_wrap(error, "'%s' line %zu", path, line);
    else if (outcome < 0)
        error_wrap(error, "'%s'", path);
out:
    buffer_release(&bytes);
    return outcome;
}
