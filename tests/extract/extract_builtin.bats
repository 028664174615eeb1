#!/usr/bin/env bats
# bottleneck-extract without --network: the network that is built in.

load extract_helpers

message="bottleneck-extract: using the built-in network, for a first look;*--network FILE"

setup() {
    extract=$BUILD/bottleneck-extract
    scratch=$(mktemp -d -p "$BATS_TEST_TMPDIR")
    cd "$scratch" || return
    cp "$BATS_TEST_DIRNAME/../../extract/builtin/builtin.onnx" network.onnx
}

@test "extracts, says so, and finds everything in the database the second time" {
    make_photos
    run_extract photos
    expect 0 "$message"
    counts 5 5 0 0
    run_extract photos
    expect 0 "$message"
    counts 5 0 5 0
    run_extract -q photos
    expect 0
    [ -z "$output" ]
    holds "SELECT name, format, bytes FROM network" <<< "built-in|onnx|$(stat -c %s network.onnx)"
}

@test "the same network, vectors and rule as with its file" {
    make_photos
    run_extract --db built-in.db photos
    run_extract --db file.db --network network.onnx photos
    expect 0
    query "UPDATE network SET name = 'built-in'" file.db
    same_contents built-in.db file.db
    run_extract --db built-in.db --network network.onnx photos
    counts 5 0 5 0
}

@test "--describe and --json" {
    run_extract --describe
    expect 0 "$message"
    grep -q "^file  *built-in$" <<< "$output"
    grep -q "^sha256  *$(sha256sum < network.onnx | cut -c1-64)$" <<< "$output"
    grep -q "^known as  *the built-in network, builtin.onnx (bottleneck)$" <<< "$output"
    grep -q "^preprocess  *fit=.*deviation=[0-9.:]*$" <<< "$output"
    image photo.jpg
    run_extract --json photo.jpg
    expect 0 "$message"
    [ "$(value '$.network')" = built-in ]
    [ "$(value '$.feature_sets[0].dimension')" -eq 256 ]
}

@test "layers, pooling, views and rules as with any network" {
    image photo.jpg
    layer=$("$extract" -q --describe | awk '/convolution/ { print $NF; exit }')
    run_extract -q -l "$layer" -p max --views flip --preprocess builtin,crop=96 photo.jpg
    expect 0
    holds "SELECT layer, pooling, count(*) FROM vector
           JOIN feature_set ON feature_set.id = feature_set_id" <<< "$layer|max|2"
    run_extract -q -l none photo.jpg
    expect 1 "bottleneck-extract: 'built-in': *none*"
}
