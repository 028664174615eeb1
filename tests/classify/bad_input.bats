#!/usr/bin/env bats
# Sets that nothing can be learned from, and texts that break tables: every command either answers
# or says in one line what to do, and leaves nothing half done behind.

bats_require_minimum_version 1.5.0

setup() {
    classify=$BUILD/bottleneck-classify
    cd "$BATS_TEST_TMPDIR" || exit
    mkdir run
    cd run || exit
    sqlite3 features.db ".read '$BATS_TEST_DIRNAME/../../features.db.schema'" "
        INSERT INTO network VALUES (1, zeroblob(32), 'n.onnx', 'onnx', 1);
        INSERT INTO feature_set VALUES (1, 1, 'cut', 'avg', 'rule', 1, 2);"
}

one_zero=0000803F00000000 zero_one=000000000000803F one_one=0000803F0000803F
nothing=0000000000000000

# add COUNT CLASSES VECTOR...: images that take classes and vectors in turn. A class is SQL of the
# number n.
add() {
    local vectors="" number=0

    for vector in "${@:3}"; do
        vectors+=" WHEN $((number++)) THEN x'$vector'"
    done
    sqlite3 features.db "
        CREATE TEMP TABLE new AS WITH RECURSIVE c(n) AS
            (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < $1)
            SELECT n, (SELECT count(*) FROM image) + n + 1 AS id FROM c;
        INSERT INTO image SELECT id, CAST(printf('%032d', id) AS BLOB), 'png', 1, 1, 1 FROM new;
        INSERT INTO sample (path, image_id, label, modified_ns)
            SELECT printf('%06d.jpg', id), id, $2, 0 FROM new;
        INSERT INTO vector (feature_set_id, image_id, view, data)
            SELECT 1, id, 'original', CASE n % $number $vectors END FROM new;"
}

commands() {
    cat <<'COMMANDS'
evaluate
evaluate -C auto
evaluate --leave-one-out
evaluate --folds 2 --repeats 1 --probability
evaluate --normalize standard
evaluate --normalize power
evaluate --normalize none --strategy ovr --balanced
evaluate --json
compare -C 1 -C auto
compare --normalize l2 --normalize standard --json
curve
curve --json
audit
audit --json
audit --allow-duplicates
train -o m.model
train -o m.model -C auto --probability --normalize standard
list
list --json
experiments
experiments --json
export --format npy -o out
COMMANDS
}

# Every command ends as it should: with a result and no numbers that are none, or with one line on
# stderr, nothing on stdout, no file and no experiment.
all_commands_end_well() {
    local line before

    while read -r line; do
        before=$(sqlite3 features.db 'SELECT count(*) FROM experiment')
        # shellcheck disable=SC2086
        run --separate-stderr "$classify" $line
        echo "# $line: $status ${stderr_lines[*]}"
        if [ $status -eq 0 ]; then
            [ -n "$output" ]
            ! grep -q -i -w 'nan\|-nan\|inf' <<< "$output"
            ! grep -q $'[\001-\010\013-\037\177]' <<< "$output"
            [[ $line != *--json* ]] ||
                [ "$(sqlite3 :memory: "SELECT json_valid('${output//\'/\'\'}')")" = 1 ]
        else
            [ $status -eq 1 ]
            [ -z "$output" ]
            [ ${#stderr_lines[@]} -eq 1 ]
            [[ $stderr == "bottleneck-classify: "* ]]
            [ "$(ls)" = features.db ]
            [ "$(sqlite3 features.db 'SELECT count(*) FROM experiment')" = "$before" ]
        fi
        rm -f m.model out*
    done < <(commands)
}

@test "no image, then one" {
    all_commands_end_well
    add 1 "'ants'" $one_one
    all_commands_end_well
    run --separate-stderr "$classify" evaluate
    [ "$stderr" = "bottleneck-classify: nothing to tell apart: every image has the label 'ants'; \
at least two labels are needed" ]
}

@test "one class" {
    add 30 "'ants'" $one_zero $zero_one $one_one
    all_commands_end_well
    run --separate-stderr "$classify" train -o m.model
    [ $status -eq 1 ]
    [ "$stderr" = "bottleneck-classify: nothing to tell apart: every image has the label 'ants'; \
at least two labels are needed" ]
}

@test "no labels" {
    add 30 NULL $one_zero $zero_one $one_one
    all_commands_end_well
    run --separate-stderr "$classify" train -o m.model
    [ $status -eq 1 ]
    [[ $stderr == *"none of the 30 images has a label; extract folders whose sub-folders are the \
labels, or use --labels" ]]
}

@test "classes with one image each" {
    add 2 "char(97 + n)" $one_zero $zero_one
    all_commands_end_well
    run --separate-stderr "$classify" evaluate
    [ $status -eq 1 ]
    add 10 "char(99 + n)" $one_zero $zero_one $one_one
    all_commands_end_well
    # To be trained on, one image is enough.
    "$classify" train -o m.model
    run --separate-stderr "$classify" predict m.model --json
    [ $status -eq 0 ]
    ! grep -q -i nan <<< "$output"
}

@test "a class with one image among others" {
    add 24 "char(97 + n % 2)" $one_zero $zero_one
    add 1 "'lonely'" $one_one
    all_commands_end_well
    run --separate-stderr "$classify" evaluate --allow-duplicates
    [ $status -eq 1 ]
    [ "$stderr" = "bottleneck-classify: too few images for cross-validation: 'lonely' has one \
only, which cannot be trained on and tested; add images of it or leave it out" ]
    run --separate-stderr "$classify" train -o m.model --probability
    [ $status -eq 1 ]
    [[ $stderr == *"no probabilities: 'lonely' has 1 image, and fewer than 10 do not tell how \
often a score is right; do without --probability, or add images" ]]
}

@test "all vectors equal" {
    add 30 "char(97 + n % 3)" $one_one
    all_commands_end_well
    run --separate-stderr "$classify" evaluate --allow-duplicates
    [ $status -eq 0 ]
}

@test "all vectors zero" {
    add 30 "char(97 + n % 3)" $nothing
    all_commands_end_well
    run --separate-stderr "$classify" evaluate --allow-duplicates --normalize standard
    [ $status -eq 0 ]
}

@test "vectors with a number that never changes" {
    add 30 "char(97 + n % 2)" 0000803F00000000 0000803F0000803F 0000803F00000040 0000803F00004040
    all_commands_end_well
    run --separate-stderr "$classify" evaluate --allow-duplicates --normalize standard --json
    [ $status -eq 0 ]
    ! grep -q -i nan <<< "$output"
}

@test "numbers that are none, at any command that reads vectors" {
    add 30 "char(97 + n % 2)" $one_zero $zero_one
    for bad in 0000C07F 0000807F 000080FF; do
        sqlite3 features.db "UPDATE vector SET data = x'${bad}0000803F' WHERE image_id = 17"
        for line in evaluate 'compare -C 1 -C 2' curve audit 'train -o m.model' \
            'evaluate --normalize none' 'evaluate --normalize power'; do
            # shellcheck disable=SC2086
            run --separate-stderr "$classify" $line
            [ $status -eq 1 ]
            [ -z "$output" ]
            [ "$stderr" = "bottleneck-classify: the vector of '000017.jpg' holds numbers that are \
not finite: the network 'n.onnx' is to blame" ]
        done
    done
    [ "$(ls -I 'separate-stderr-*')" = features.db ]
}

@test "labels of any kind, at every command" {
    for label in "a b" "a'||char(9)||'b" 'a"b' "a''b" "a'||char(10)||'b" "a'||char(13)||'b" 🐝 \
        'a\nb' 'a,b' "a'||char(27)||'[31m" '-C' ' ' 'NaN of them'; do
        add 12 "'$label'" $one_zero $one_one
    done
    while read -r line; do
        [[ $line == evaluate* || $line == curve* || $line == audit ]] || continue
        # shellcheck disable=SC2086
        run --separate-stderr "$classify" $line --allow-duplicates --folds 2 --repeats 1
        [ $status -eq 0 ]
        ! grep -q $'[\001-\010\013-\037\177]' <<< "$output"
    done <<'COMMANDS'
evaluate
evaluate --json
evaluate --probability
curve
curve --json
audit
COMMANDS
    "$classify" train -o m.model
    run --separate-stderr "$classify" predict m.model
    [ $status -eq 0 ]
    [ ${#lines[@]} -eq 157 ]
    [ "$(awk -F '\t' '{ print NF }' <<< "$output" | sort -u)" = 15 ]
    ! grep -q $'[\001-\010\013-\037\177]' <<< "$output"
    run --separate-stderr "$classify" list
    ! grep -q $'[\001-\010\013-\037\177]' <<< "$output"
}

@test "ten thousand classes" {
    add 20000 "printf('class %04d', n / 2)" $one_zero $zero_one $one_one
    for line in 'evaluate --folds 2' 'train -o m.model' 'compare -C 1 -C 2 --folds 2'; do
        # shellcheck disable=SC2086
        run --separate-stderr "$classify" $line --allow-duplicates
        [ $status -eq 1 ]
        [ -z "$output" ]
        [ "$stderr" = "bottleneck-classify: 10000 classes make 49995000 pairs, at most 1000000 \
can be trained: say --strategy ovr, or use fewer classes" ]
    done
    [ "$(ls -I 'separate-stderr-*')" = features.db ]
    run --separate-stderr "$classify" list
    [ $status -eq 0 ]
}

@test "a feature set that was deleted" {
    add 24 "char(97 + n % 2)" $one_zero $zero_one
    "$classify" evaluate --allow-duplicates > /dev/null
    "$classify" train -o m.model > /dev/null
    sqlite3 features.db "PRAGMA foreign_keys = ON; DELETE FROM feature_set"
    run --separate-stderr "$classify" experiments
    [ $status -eq 0 ]
    [ ${#lines[@]} -ge 2 ]
    run --separate-stderr "$classify" experiments show 1
    [ $status -eq 0 ]
    for line in evaluate 'evaluate --features 1' compare 'compare --features 1' curve audit \
        'train -o n.model' 'predict m.model' 'predict m.model --features 1' \
        'export --format npy -o out'; do
        # shellcheck disable=SC2086
        run --separate-stderr "$classify" $line
        [ $status -eq 1 ]
        [ -z "$output" ]
        [ "$stderr" = "bottleneck-classify: 'features.db' holds no vectors yet: run \
bottleneck-extract first" ]
    done
    for id in 1 2; do
        run --separate-stderr "$classify" experiments rerun $id
        [ $status -eq 1 ]
        [ -z "$output" ]
        [[ $stderr == *"experiment $id cannot be repeated: its feature set was deleted; "* ]]
    done
    [ "$(sqlite3 features.db 'SELECT count(*) FROM experiment')" = 2 ]
    [ "$(ls -I 'separate-stderr-*')" = "features.db
m.model" ]
}

@test "a model cut off, and one with a byte more" {
    add 24 "char(97 + n % 2)" $one_zero $zero_one
    "$classify" train -o m.model > /dev/null
    size=$(stat -c %s m.model)
    for length in 0 1 7 8 16 64 $((size / 2)) $((size - 32)) $((size - 1)); do
        head -c "$length" m.model > cut.model
        run --separate-stderr "$classify" predict cut.model
        [ $status -eq 1 ]
        [ -z "$output" ]
        [ ${#stderr_lines[@]} -eq 1 ]
        [[ $stderr == "bottleneck-classify: 'cut.model' is "* ]]
    done
    { cat m.model; echo; } > cut.model
    run --separate-stderr "$classify" predict cut.model
    [ $status -eq 1 ]
}
