#!/usr/bin/env bats
# tests/demo.sh, as `make demo` calls it: every step, and what it says when something is missing.

load extract_helpers

# demo [VARIABLE=VALUE]...: with a build folder of its own, since it writes there.
demo() {
    mkdir -p build
    ln -sf "$BUILD/bottleneck-extract" "$BUILD/bottleneck-classify" "$BUILD/tests" build
    run --separate-stderr env -u PREPROCESS -u PICTURES BUILD=build NETWORK=network.onnx IMAGES=photos "$@" \
        "$BATS_TEST_DIRNAME/../demo.sh"
    check_instruments
}

# photos FOLDER [SEED]: six of two classes that are easy to tell apart
photos() {
    mkdir -p "$1"
    image "$1/ants" --count 6 --pattern stripes --seed "${2:-0}"
    image "$1/bees" --count 6 --pattern rings --seed "${2:-0}"
}

# The commands that it shows, with the changing parts of their paths left out.
commands() { sed -n "s|$PWD/||g; s/^\\$ //p" <<< "$output"; }

@test "with nothing given: pictures that are drawn, and the built-in network" {
    demo NETWORK= IMAGES= PICTURES=12
    [ "$status" -eq 0 ]
    diff - <(commands) <<'EXPECTED'
bottleneck-extract pictures
bottleneck-extract pictures
bottleneck-classify evaluate
bottleneck-classify train --output demo.model
bottleneck-extract --split new new
bottleneck-classify predict demo.model --split new
sqlite3 -header -column features.db 'SELECT split, label, count(*) AS pictures FROM sample GROUP BY split, label'
EXPECTED
    [[ $output == *"extracted  72"*"cached     72  (the network was not run)"* ]]
    [[ $output == *"72 images, 6 classes"*"new/bricks-0000.jpg"$'\t'*"new/stripes-0001.jpg"* ]]
    [[ $output == *"--network vgg16-7.onnx photos/"*"--network resnet50-v1-7.onnx photos/"* ]]
    [ "$(query "SELECT count(*) FROM image GROUP BY format ORDER BY format" build/demo/features.db |
         paste -sd' ')" = "60 24" ]
    # By chance it would be one in six.
    awk '$1 == "accuracy" { found = 1; exit $2 < 40 } END { exit !found }' <<< "$output"
    grep -q "^misclassified" build/demo/evaluation.txt
}

@test "what is drawn is the same every time" {
    image one --count 2 --varied --pattern blotches --seed 7
    image two --count 2 --varied --pattern blotches --seed 7
    diff -r one two
    differ one/0000.jpg one/0001.jpg
}

@test "the whole job on one folder of photos" {
    photos photos
    demo PREPROCESS=torchvision
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    diff - <(commands) <<'EXPECTED'
bottleneck-extract --network network.onnx --preprocess torchvision photos
bottleneck-extract --network network.onnx --preprocess torchvision photos
bottleneck-classify evaluate
bottleneck-classify train --output demo.model
bottleneck-extract --network network.onnx --preprocess torchvision --split new new
bottleneck-classify predict demo.model --split new
sqlite3 -header -column features.db 'SELECT split, label, count(*) AS photos FROM sample GROUP BY split, label'
EXPECTED
    [[ $output == *"extracted  12"*"cached     12  (the network was not run)"* ]]
    [[ $output == *"new/ants-0000.jpg"$'\t'*"new/ants-0001.jpg"$'\t'*"new/bees-0001.jpg"$'\t'* ]]
    [[ $output == *"The database is $PWD/build/demo/features.db"* ]]
    [ -s build/demo/demo.model ]
    [ "$(query "SELECT count(*) FROM sample" build/demo/features.db)" -eq 16 ]
}

@test "with train and val, and again over what the last time left" {
    photos "it's mine/train"
    photos "it's mine/val" 100
    demo IMAGES="it's mine"
    demo IMAGES="it's mine"
    [ "$status" -eq 0 ]
    # Assumed: the rule of a network that is not known.
    [[ $stderr == *"assuming --preprocess torchvision"* ]]
    diff - <(commands) <<'EXPECTED'
bottleneck-extract --network network.onnx --split train 'it'\''s mine/train'
bottleneck-extract --network network.onnx --split val 'it'\''s mine/val'
bottleneck-extract --network network.onnx --split train 'it'\''s mine/train'
bottleneck-classify evaluate
bottleneck-classify evaluate --train-split train --test-split val
bottleneck-classify train --output demo.model --train-split train
bottleneck-extract --network network.onnx --split new new
bottleneck-classify predict demo.model --split new
sqlite3 -header -column features.db 'SELECT split, label, count(*) AS photos FROM sample GROUP BY split, label'
EXPECTED
    [ "$(query "SELECT group_concat(split || count) FROM (SELECT split, count(*) AS count
                FROM sample GROUP BY split)" build/demo/features.db)" = new4,train12,val12 ]
}

@test "a refused photo does not stop it, a step that fails does" {
    photos photos
    head -c 300 photos/ants/0000.jpg > photos/ants/cut.jpg
    demo PREPROCESS=torchvision
    [ "$status" -eq 0 ]
    [[ $stderr == *"/cut.jpg' is a truncated JPEG"* ]]
    [[ $output == *"refused    1"* ]]
    rm -r photos/bees
    demo PREPROCESS=torchvision
    [ "$status" -eq 1 ]
    [[ $stderr == *"make demo: the command above failed" ]]
}

@test "what is missing is named" {
    photos photos
    demo NETWORK=none.onnx
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = "make demo: there is no file 'none.onnx'" ]
    demo IMAGES=network.onnx
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = "make demo: there is no folder 'network.onnx'" ]
}

@test "a real network on real photos" {
    [ -d "${TESTDATA:-}/models" ] || skip "no TESTDATA"
    ! is_instrumented || skip "takes minutes with instrumented kernels"
    demo NETWORK="$TESTDATA/models/squeezenet1.1.onnx" IMAGES="$TESTDATA/images/ants-bees"
    [ "$status" -eq 0 ]
    [[ $output == *"accuracy            93.8 %  (75/80)"* ]]
}
