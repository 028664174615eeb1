#!/usr/bin/env bats
# The main job on real networks and photos, against what scikit-learn's SVC reaches on vectors that
# ONNX Runtime computed (TESTDATA/reference/accuracy.tsv).

bats_require_minimum_version 1.5.0

setup() {
    [ -n "${TESTDATA:-}" ] || skip "no TESTDATA"
    reference=$TESTDATA/reference/accuracy.tsv
    [ -r "$reference" ] || skip "no $reference"
    cd "$BATS_TEST_TMPDIR" || exit
}

# extract NETWORK FOLDER [OPTION...]: the rules that the reference was made with
extract() {
    local rule=torchvision-tf

    [[ $1 != squeezenet* ]] || rule=torchvision
    "$BUILD/bottleneck-extract" -q -m "$TESTDATA/models/$1" --preprocess $rule "${@:3}" \
        "$TESTDATA/images/$2"
}

# evaluate KEY [OPTION...]: a number out of the JSON
evaluate() {
    "$BUILD/bottleneck-classify" evaluate --no-record --json "${@:2}" > result.json
    sqlite3 :memory: "SELECT json_extract(readfile('result.json'), '\$.$1')"
}

# expected IMAGES NETWORK PROTOCOL: the columns count and accuracy
expected() {
    awk -F '\t' -v OFS=' ' -v images="$1" -v network="$2" -v protocol="$3" \
        '$1 == images && $2 == network && index($3, protocol) { print $4, $5; found = 1 }
         END { exit !found }' "$reference"
}

# The share of right answers in ten repeats lies within 0.01 of the reference.
check_folds() {
    local accuracy expected

    accuracy=$(evaluate accuracy)
    expected=$(expected "$1" "$2" "stratified 5-fold")
    echo "$1, $2: $accuracy; reference $expected"
    awk -v ours="$accuracy" -v line="$expected" \
        'BEGIN { split(line, words, " "); difference = ours - words[2]
                 exit !(difference <= 0.01 && difference >= -0.01) }'
}

check_ants_and_bees() {
    local correct expected

    extract "$1" ants-bees/train --split train
    extract "$1" ants-bees/val --split val
    correct=$(evaluate correct --train-split train --test-split val)
    expected=$(expected ants-bees "$1" "train -> val")
    echo "$1: $correct; reference $expected"
    expected=${expected%%/*}
    [ "$correct" -ge $((expected - 1)) ]
    [ "$correct" -le $((expected + 1)) ]
    check_folds ants-bees "$1"
}

@test "ants and bees: squeezenet1.1" {
    check_ants_and_bees squeezenet1.1.onnx
}

@test "ants and bees: mobilenet_v2_1.0_224" {
    check_ants_and_bees mobilenet_v2_1.0_224.onnx
}

@test "ants and bees: mobilenet_v1_0.25_224" {
    check_ants_and_bees mobilenet_v1_0.25_224.onnx
}

@test "five flowers: mobilenet_v1_0.25_224" {
    extract mobilenet_v1_0.25_224.onnx flowers5
    check_folds flowers5 mobilenet_v1_0.25_224.onnx
}

@test "four objects: mobilenet_v1_0.25_224" {
    extract mobilenet_v1_0.25_224.onnx caltech4
    check_folds caltech4 mobilenet_v1_0.25_224.onnx
}

# What these views bring, 68 to 73 of 80, is more than what rounding on another processor changes.
@test "ants and bees: views of photos, computed once, are worth having" {
    local network=mobilenet_v1_0.25_224.onnx plain

    for split in train val; do extract $network ants-bees/$split --split $split --views flip; done
    [ "$(sqlite3 features.db "SELECT count(*), count(DISTINCT data) FROM vector")" = "400|400" ]
    sqlite3 features.db "SELECT hex(data) FROM vector ORDER BY id" > first
    for split in train val; do
        extract $network ants-bees/$split --split $split --views razavian
    done
    [ "$(sqlite3 features.db "SELECT count(*) FROM vector")" = 3200 ]
    sqlite3 features.db "SELECT hex(data) FROM vector WHERE id <= 400 ORDER BY id" | cmp first
    plain=$(evaluate correct --train-split train --test-split val --views none)
    [ "$(evaluate correct --train-split train --test-split val)" -ge $((plain + 3)) ]
    [ "$(evaluate images)" = 200 ]
}
