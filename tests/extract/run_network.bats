# run_network, by which networks are checked and debugged.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    program=${BUILD:-build}/tests/run_network
    network=tests/extract/golden-operators/net_residual.onnx
    folder=$(mktemp -d)
}

teardown() {
    rm -rf "$folder"
}

# An array of float32 zeros: write_zeros FILE SHAPE COUNT.
write_zeros() {
    {
        printf '\223NUMPY\001\000\166\000'
        printf '%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': ($2), }"
        head -c $(($3 * 4)) /dev/zero
    } > "$1"
}

@test "run_network says where it cut and writes one vector for each image" {
    write_zeros "$folder/in.npy" "3, 3, 18, 18" $((3 * 3 * 18 * 18))
    run "$program" --batch 2 --threads 2 "$network" "$folder/in.npy" "$folder/out.npy"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "$(printf 'features\tnone\t7')" ]
    [ "${#lines[@]}" -eq 1 ]
    head -c 128 "$folder/out.npy" | grep -q "'shape': (3, 7)"
    [ "$(stat -c %s "$folder/out.npy")" -eq $((128 + 3 * 7 * 4)) ]
}

@test "run_network cuts and pools as it is told, on any instruction set" {
    write_zeros "$folder/in.npy" "1, 3, 18, 18" $((3 * 18 * 18))
    run "$program" --layer t2 --pool max --instruction-set baseline "$network" \
        "$folder/in.npy" "$folder/out.npy"
    [ "$status" -eq 0 ]
    [ "$output" = "$(printf 't2\tmax\t6')" ]
}

@test "run_network refuses a wrong command line with status 2" {
    run "$program" "$network"
    [ "$status" -eq 2 ]
    [[ "${lines[0]}" == *"a network, an input and an output are needed"* ]]
    run "$program" --pool sum a b c
    [ "$status" -eq 2 ]
    run "$program" --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"--instruction-set"* ]]
}

@test "run_network refuses images of another size, and leaves no output" {
    write_zeros "$folder/in.npy" "1, 3, 18, 17" $((3 * 18 * 17))
    run "$program" "$network" "$folder/in.npy" "$folder/out.npy"
    [ "$status" -eq 1 ]
    [[ "$output" == *"in.npy' are 3x18x17, the network takes 3x18x18"* ]]
    [ ! -e "$folder/out.npy" ]
}

@test "run_network refuses what is no image, no network and no layer with status 1" {
    write_zeros "$folder/in.npy" "3, 18, 18" $((3 * 18 * 18))
    run "$program" "$network" "$folder/in.npy" "$folder/out.npy"
    [ "$status" -eq 1 ]
    write_zeros "$folder/in.npy" "0, 3, 18, 18" 0
    run "$program" "$network" "$folder/in.npy" "$folder/out.npy"
    [ "$status" -eq 1 ]
    write_zeros "$folder/in.npy" "1, 3, 18, 18" $((3 * 18 * 18))
    run "$program" "$folder/in.npy" "$folder/in.npy" "$folder/out.npy"
    [ "$status" -eq 1 ]
    run "$program" --layer nowhere "$network" "$folder/in.npy" "$folder/out.npy"
    [ "$status" -eq 1 ]
    [[ "$output" == *"'nowhere'"* ]]
}
