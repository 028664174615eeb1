# bench_network: what it prints, never how long anything takes.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    program=${BUILD:-build}/tests/bench_network
    network=tests/extract/golden-operators/net_residual.onnx
}

# The value of a key of the JSON in $output.
value_of() {
    printf '%s\n' "$output" | sed -n "s/^  \"$1\": \(.*[^,]\),*$/\1/p"
}

@test "bench_network --json has every key" {
    run "$program" --batch 2 --threads 1 --runs 3 --json "$network"
    [ "$status" -eq 0 ]
    [ "$(value_of network)" = '"net_residual.onnx"' ]
    [ "$(value_of batch)" = 2 ]
    [ "$(value_of threads)" = 1 ]
    for key in load_ms min_ms median_ms images_per_s gflops peak_gflops peak_rss_mb; do
        [[ "$(value_of $key)" =~ ^[0-9.e+-]+$ ]]
    done
}

@test "bench_network prints a row, and with --layers one for every layer up to the cut" {
    run "$program" --runs 1 "$network"
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    [[ "${lines[0]}" == network*batch*threads*median*"GFLOP/s"*peak*MB ]]
    [[ "${lines[1]}" == net_residual.onnx* ]]
    run "$program" --runs 1 --layers --layer t2 "$network"
    [ "$status" -eq 0 ]
    [[ "${lines[3]}" == *input* ]]
    [[ "${lines[-1]}" == *convolution*"%"*t2 ]]
}

@test "bench_network refuses a wrong command line with status 2, a missing file with 1" {
    run "$program"
    [ "$status" -eq 2 ]
    run "$program" --runs 0 "$network"
    [ "$status" -eq 2 ]
    run "$program" missing.onnx
    [ "$status" -eq 1 ]
    [[ "$output" == "bench_network: cannot open 'missing.onnx'"* ]]
}
