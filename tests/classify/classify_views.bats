#!/usr/bin/env bats
# bottleneck-classify on images with several views each.

bats_require_minimum_version 1.5.0

setup() {
    classify=$BUILD/bottleneck-classify
    schema=$BATS_TEST_DIRNAME/../../features.db.schema
    cd "$BATS_TEST_TMPDIR" || exit
    make_database
}

# 48 images of two classes that overlap, 32 of train and 16 of val, with originals.
make_database() {
    sqlite3 features.db ".read '$schema'"
    sqlite3 features.db "
        INSERT INTO network VALUES (1, zeroblob(32), 'net.onnx', 'onnx', 1);
        INSERT INTO feature_set VALUES (1, 1, 'top', 'avg', 'squash', 1, 3);
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 47)
        INSERT INTO image SELECT i + 1, CAST(printf('%032d', i) AS BLOB), 'png', 1, 1, 1 FROM n;
        INSERT INTO sample
            SELECT id, printf('%s/%02d.jpg', iif(id % 2, 'ants', 'bees'), id), id,
                   iif(id % 2, 'ants', 'bees'), iif(id <= 32, 'train', 'val'), NULL, 0 FROM image;"
    add_view original
}

# add_view NAME [WHERE]: three numbers from 1 to 2, which depend on the image, its class and the
# name; the third is the image's own.
add_view() {
    local name=$1 length=${#1} sql="BEGIN;" id x y own
    for id in $(sqlite3 features.db "SELECT id FROM image WHERE ${2:-true}"); do
        printf -v x %02X $((128 + id * (37 + length) % 80 + 40 * (id % 2)))
        printf -v y %02X $((128 + id * (53 + length) % 80 + 40 * (1 - id % 2)))
        printf -v own %02X $((128 + id * 2))
        sql+="INSERT INTO vector (feature_set_id, image_id, view, data)
                  VALUES (1, $id, '$name', x'0000${x}3F0000${y}3F0000${own}3F');"
    done
    sqlite3 features.db "$sql COMMIT"
}

# value KEY: of the JSON in result.json
value() { sqlite3 :memory: "SELECT json_extract(readfile('result.json'), '$1')"; }

evaluate() { "$classify" evaluate --allow-duplicates --json "$@" > result.json; }

@test "views are used where every image has them, and said" {
    evaluate
    [ "$(value '$.views') $(value '$.view_names')" = "none []" ]
    local accuracy
    accuracy=$(value '$.accuracy')
    add_view flip
    add_view rotate=30
    evaluate
    [ "$(value '$.views') $(value '$.view_names')" = 'both ["flip","rotate=30"]' ]
    [ "$(value '$.images') $(value '$.total')" = "48 480" ]
    [ "$(value '$.per_class[0].support')" = 24 ]
    evaluate --views none
    [ "$(value '$.views') $(value '$.accuracy')" = "none $accuracy" ]
    evaluate --views train --view flip
    [ "$(value '$.views') $(value '$.view_names')" = 'train ["flip"]' ]
    run --separate-stderr "$classify" evaluate --allow-duplicates
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    [ "${lines[2]}" = "3 views of every image trained on, its score is their sum" ]
    run --separate-stderr "$classify" curve --allow-duplicates --views train
    [ "${lines[2]}" = "3 views of every image trained on, its score is that of the original" ]
}

@test "views that not every image has are left aside, or said to be missing" {
    add_view flip
    add_view rotate=30 "id <> 7"
    run --separate-stderr "$classify" evaluate --allow-duplicates --json
    [ $status -eq 0 ]
    [ "$stderr" = "1 view left aside: not every image has it" ]
    echo "$output" > result.json
    [ "$(value '$.view_names')" = '["flip"]' ]
    while IFS='|' read -r arguments message; do
        # shellcheck disable=SC2086
        run --separate-stderr "$classify" evaluate $arguments
        [ -z "$output" ]
        [ ${#stderr_lines[@]} -le 2 ]
        [[ ${stderr_lines[0]} == *"$message"* ]] || {
            echo "$arguments: $stderr"
            return 1
        }
    done <<'CASES'
--view rotate=30|the view 'rotate=30' is missing for 1 of the images: run bottleneck-extract with it on them too
--view spin|no image has a view 'spin': 'list' shows
--views some|--views takes one of none, train, both, not 'some'
--views none --view flip|--view has no meaning with --views none
CASES
    sqlite3 features.db "DELETE FROM vector WHERE view = 'flip'"
    run --separate-stderr "$classify" evaluate --views both
    [ $status -eq 1 ]
    [[ $stderr == *"--views both: no view besides the original is there for all of the images; \
run bottleneck-extract with --views flip, or others, on all of them" ]]
    run --separate-stderr "$classify" compare --views both --views all
    [ $status -eq 2 ]
    # What is tested needs no views to be decided by the original.
    add_view flip "id <= 32"
    evaluate --train-split train --test-split val --views train
    [ "$(value '$.view_names')" = '["flip"]' ]
    evaluate --train-split train --test-split val
    [ "$(value '$.views')" = none ]
    run --separate-stderr "$classify" evaluate --train-split train --test-split val --views both
    [ $status -eq 1 ]
}

# The labels are drawn, the third number tells the images apart: who has seen a view of it knows it.
@test "no view of an image stands on the other side" {
    sqlite3 features.db "UPDATE sample SET label = iif(id * 7919 % 97 % 2, 'ants', 'bees')"
    for view in a b c; do
        sqlite3 features.db "
            INSERT INTO vector (feature_set_id, image_id, view, data)
                SELECT 1, image_id, '$view', data FROM vector WHERE view = 'original'"
    done
    for options in "" "--views train" "-C auto --folds 3" "--leave-one-out"; do
        # shellcheck disable=SC2086
        evaluate --normalize standard $options
        awk -v accuracy="$(value '$.accuracy')" 'BEGIN { exit !(accuracy < 0.75) }'
    done
}

@test "the setting is recorded, and repeats to the last digit when there are more views" {
    add_view flip
    for options in "evaluate" "evaluate --views train --train-split train --test-split val" \
                   "evaluate -C auto --normalize standard --folds 3 --repeats 2" "curve --folds 3" \
                   "train -o m.model" "compare --views none --views both" "compare -C 1 -C 2" \
                   "evaluate --views none --probability --folds 2 --repeats 1"; do
        # shellcheck disable=SC2086
        "$classify" $options --allow-duplicates > /dev/null
    done
    add_view rotate=30
    for id in 1 2 3 4 5 6 7 8; do
        run --separate-stderr "$classify" experiments rerun $id
        [ "$output" = "experiment $id: the same to the last digit" ] || {
            echo "$id: $output $stderr"
            return 1
        }
    done
    [ "$(sqlite3 features.db "SELECT json_extract(settings, '\$.view_names') FROM experiment
                               WHERE id IN (1, 4, 8)")" = '["flip"]
["flip"]
[]' ]
}

@test "compare: uses of views on the same folds" {
    add_view flip
    "$classify" compare --allow-duplicates --views none --views train --views both --json > result.json
    [ "$(sqlite3 :memory: "SELECT count(DISTINCT json_extract(value, '\$.views'))
                             FROM json_each(readfile('result.json'), '\$.compared')")" = 3 ]
    for views in none train both; do
        accuracy=$(sqlite3 :memory: "
            SELECT json_extract(value, '\$.accuracy')
              FROM json_each(readfile('result.json'), '\$.compared')
             WHERE json_extract(value, '\$.views') = '$views'")
        [ -n "$accuracy" ]
        cp result.json compared.json
        evaluate --views $views
        [ "$(value '$.accuracy')" = "$accuracy" ]
        cp compared.json result.json
    done
    run --separate-stderr "$classify" compare --allow-duplicates --views none --views both
    grep -q ', views both$' <<< "$output"
}

@test "a model decides by the views that it was trained on" {
    add_view flip
    add_view rotate=30
    evaluate --train-split train --test-split val --views both --view flip
    "$classify" train --allow-duplicates -o m.model --train-split train --view flip > out
    grep -q "2 views of every image trained on, its score is their sum" out
    # rotate=30 is for those who ask for it.
    "$classify" predict m.model --split val --json > predictions.json
    wrong=$(sqlite3 :memory: "
        SELECT count(*) FROM json_each(readfile('predictions.json'), '\$.predictions')
         WHERE json_extract(value, '\$.label') <> json_extract(value, '\$.predicted')")
    [ $((16 - wrong)) = "$(value '$.correct')" ]
    "$classify" predict m.model --split val > both
    "$classify" predict m.model --split val --views none > none
    ! cmp -s both none
    # Images without them are named, unless the originals are to decide.
    sqlite3 features.db "DELETE FROM vector WHERE view = 'flip' AND image_id = 40"
    run --separate-stderr "$classify" predict m.model --split val
    [ $status -eq 3 ]
    [ ${#lines[@]} -eq 16 ]
    [ "$stderr" = "'bees/40.jpg' lacks views that the model decides by: run bottleneck-extract with \
them on it, or say --views none" ]
    run --separate-stderr "$classify" predict m.model ants/01.jpg bees/02.jpg
    [ $status -eq 0 ]
    run --separate-stderr "$classify" predict m.model bees/40.jpg
    [ $status -eq 1 ]
    run --separate-stderr "$classify" predict m.model --split val --views none
    [ $status -eq 0 ]
    [ "$output" = "$(cat none)" ]
    "$classify" train --allow-duplicates -o plain.model --views none > /dev/null
    run --separate-stderr "$classify" predict plain.model --views both
    [ $status -eq 1 ]
    [[ $stderr == *"--views both: 'plain.model' was trained on originals alone" ]]
}

@test "audit and export look at originals alone; list shows the views" {
    "$classify" audit --json > before.json
    "$classify" export --format csv -o before
    add_view flip
    add_view rotate=30 "id > 8"
    "$classify" audit --json | cmp before.json
    "$classify" export --format csv -o after
    cmp before.csv after.csv
    run --separate-stderr "$classify" list
    [ "${lines[2]}" = "    views besides the original: flip rotate=30 (40 of 48 images)" ]
    "$classify" list --json > result.json
    [ "$(value '$.feature_sets[0].views[1].view')" = original ]
    [ "$(value '$.feature_sets[0].views[2].images')" = 40 ]
}
