#include "tests/helpers.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"

/* The examples of FIPS 180-4's validation (NIST, SHA-256, one block, two blocks, a million). */
static void test_known_digests(void **state)
{
    static const struct {
        const char *text, *digest;
        size_t times;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 1},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 1},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", 1},
        {"a", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", 1000000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].text);
        char *message = malloc(length * cases[i].times + 1), text[HASH_TEXT];
        struct hash hash;

        assert_non_null(message);
        for (size_t k = 0; k < cases[i].times; k++)
            memcpy(message + k * length, cases[i].text, length);
        hash = hash_bytes(message, length * cases[i].times);
        hash_to_text(&hash, text);
        assert_string_equal(text, cases[i].digest);
        free(message);
    }
}

/* The examples of RFC 1321, appendix A.5. */
static void test_md5(void **state)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    char text[HASH_MD5_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hash_md5(cases[i].text, strlen(cases[i].text), text);
        assert_string_equal(text, cases[i].digest);
    }
}

static void test_equal(void **state)
{
    struct hash a = hash_bytes("a", 1), b = a;

    (void)state;
    assert_true(hash_equal(&a, &b));
    for (size_t i = 0; i < HASH_BYTES; i++) {
        b = a;
        b.bytes[i] ^= 1;
        assert_false(hash_equal(&a, &b));
    }
}

static void test_from_text(void **state)
{
    static const char digits[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const struct {
        size_t at;
        char replacement;
    } wrong[] = {{0, 'g'}, {63, ' '}, {20, '\n'}, {31, '\0'}, {5, '\xe9'}};
    struct hash abc = hash_bytes("abc", 3), hash;
    char text[HASH_TEXT + 2];

    (void)state;
    assert_true(hash_from_text(digits, &hash));
    assert_true(hash_equal(&abc, &hash));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(text, digits, sizeof digits);
        text[wrong[i].at] = wrong[i].replacement;
        assert_false(hash_from_text(text, &hash));
    }
    memcpy(text, digits, sizeof digits);
    memcpy(text + HASH_TEXT - 1, "00", 3);
    assert_false(hash_from_text(text, &hash));
    assert_false(hash_from_text("", &hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_md5),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_from_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
