# The files in tests/fuzz/cases/READER go through that reader again: a crash, a hang or a finding
# of the sanitizers of an earlier run stays fixed.

@test "every reader survives the cases that fuzzing found" {
    for replay in "$BUILD"/tests/replay_*; do
        case $replay in *.*) continue ;; esac
        reader=${replay##*/replay_}
        folder=tests/fuzz/cases/$reader
        [ -d "$folder" ] || continue
        run "$replay" "$folder"
        echo "$reader: $output"
        [ "$status" -eq 0 ]
        [ "$output" = "$(find "$folder" -type f -not -name '.*' | wc -l) files" ]
    done
}

@test "the golden networks go through the targets of their readers" {
    for pair in onnx:operators tensorflow:tensorflow; do
        run "$BUILD/tests/replay_${pair%:*}" "tests/extract/golden-${pair#*:}"
        echo "$pair: $output"
        [ "$status" -eq 0 ]
        [ "${output%% *}" -gt 100 ]
    done
}
