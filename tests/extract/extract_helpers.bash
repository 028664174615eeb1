# What the command-line tests of bottleneck-extract share; `load extract_helpers` in each.

bats_require_minimum_version 1.5.0

: "${BUILD:?names the folder of the programs}"
golden=$BATS_TEST_DIRNAME/golden-operators

# Every test runs in an empty folder of its own, with a network of 17 x 17 pixels and 14 numbers.
# In memory where that can be had: the tests commit thousands of times, and a busy disk makes each
# of them wait.
setup() {
    extract=$BUILD/bottleneck-extract
    scratch=$(mktemp -d -p /dev/shm bottleneck-test.XXXXXX 2> /dev/null) ||
        scratch=$(mktemp -d -p "$BATS_TEST_TMPDIR")
    cd "$scratch" || return
    cp "$golden/net_fire.onnx" network.onnx
}

teardown() {
    cd /
    chmod -R u+rwX "$scratch"
    rm -rf "$scratch"
}

is_instrumented() { [[ $BUILD == *sanitize* ]]; }

# run_extract ARGUMENT...: the program with nothing added.
run_extract() {
    run --separate-stderr "$extract" "$@"
    check_instruments
}

# extract ARGUMENT...: the program on the tests' network, with a rule, so that none is assumed.
extract() { run_extract --network network.onnx --preprocess torchvision "$@"; }

check_instruments() {
    if [[ $stderr == *Sanitizer* || $stderr == *"runtime error"* ]]; then
        echo "$stderr"
        return 1
    fi
}

# expect STATUS [MESSAGE]...: the exit status, and the lines of stderr, all of them. A MESSAGE is
# a pattern.
expect() {
    local wanted=$1 line=0 message
    shift
    local fits=yes
    [ "$status" -eq "$wanted" ] && [ ${#stderr_lines[@]} -eq $# ] || fits=
    for message in "$@"; do
        # shellcheck disable=SC2053
        [[ ${stderr_lines[line++]-} == $message ]] || fits=
    done
    [ -n "$fits" ] && return
    echo "status $status, expected $wanted with $# messages: $*"
    echo "stdout: $output"
    echo "stderr: $stderr"
    return 1
}

# counts IMAGES EXTRACTED CACHED REFUSED [FORGOTTEN]: what the summary says.
counts() {
    local got
    got=$(awk '$1 ~ /^(images|extracted|cached|refused|forgotten)$/ {
                   printf "%s%s", space, $2
                   space = " "
               }' <<< "$output")
    [ "$got" = "$*" ] && return
    echo "summary $got, expected $*"
    echo "$stderr"
    return 1
}

# await COMMAND...: until it succeeds; a minute is too long.
await() {
    for _ in $(seq 6000); do
        if "$@"; then return; fi
        sleep 0.01
    done
    echo "waited in vain for $*"
    return 1
}

# query SQL [DATABASE]
query() { sqlite3 -batch "${2:-features.db}" "$1"; }

# holds SQL: its result is what stands on stdin.
holds() { diff - <(query "$1"); }

# Every value that has a meaning, in an order that does not depend on the ids.
contents() {
    query "
        SELECT 'network', hex(sha256), name, format, bytes FROM network ORDER BY sha256;
        SELECT 'feature set', hex(sha256), layer, pooling, preprocessing, engine, dimension
          FROM feature_set JOIN network ON network.id = network_id ORDER BY 2, 3, 4, 5;
        SELECT 'image', hex(sha256), format, width, height, bytes FROM image ORDER BY sha256;
        SELECT 'sample', path, hex(sha256), label, split, \"group\", modified_ns
          FROM sample JOIN image ON image.id = image_id ORDER BY path;
        SELECT 'vector', hex(network.sha256), layer, pooling, preprocessing, hex(image.sha256),
               view, hex(data)
          FROM vector JOIN feature_set ON feature_set.id = feature_set_id
          JOIN network ON network.id = network_id JOIN image ON image.id = image_id
         ORDER BY 2, 3, 4, 5, 6, 7;
        SELECT 'refusal', path, reason FROM refusal ORDER BY path;" "${1:-features.db}"
}

same_contents() {
    contents "$1" > contents.1 && contents "$2" > contents.2 && [ -s contents.1 ] &&
        diff contents.1 contents.2
}

differ() {
    if cmp -s "$1" "$2"; then
        echo "$1 and $2 are the same"
        return 1
    fi
}

# image PATH [OPTION]...: an image that is computed; its seed decides the content.
image() {
    local path=$1
    shift
    if [[ $path == */* ]]; then mkdir -p -- "${path%/*}"; fi
    "$BUILD/tests/make_images" "$@" -- "$path"
}

# Two of each and one without a label.
make_photos() {
    image photos/ants/1.jpg --seed 1
    image photos/ants/2.png --seed 2 --format png
    image photos/bees/1.jpg --seed 3 --pattern rings
    image photos/bees/2.jpg --seed 4 --pattern rings
    image photos/top.jpg --seed 5
}

# Runs a command as a user who may not do everything; the current folder is made accessible.
without_rights() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else
        "$@"
    fi
}

# Lets that user in, or skips the test where that cannot be.
let_in() {
    chmod a+x "$BATS_RUN_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR"
    chmod -R a+rwX "$scratch"
    without_rights "$extract" --version > version 2>&1 && without_rights test -w . ||
        skip "no user without rights can run the program here"
}

# huge_png, huge_jpeg: headers that claim 60000 x 60000 pixels; the PNG's checksum is right.
huge_png() {
    printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0\x0f\xb0\xe2\x15'
    printf '\0\0\0\x10IDAT0123456789abcdef'
}
huge_jpeg() {
    image small.jpg
    LC_ALL=C sed 's/\(\xff\xc0\x00\x11\x08\)\(..\)\(..\)/\1\xea\x60\xea\x60/' small.jpg
    rm small.jpg
}

# value KEY: from the JSON on stdout; KEY is a path of SQLite's, such as $.images.
value() {
    echo "$output" > output.json
    sqlite3 -batch :memory: "SELECT json_extract(CAST(readfile('output.json') AS TEXT), '$1')"
}
