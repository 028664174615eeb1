#!/usr/bin/env bats
# Runs bottleneck-classify on small databases that sqlite3 makes from features.db.schema.

bats_require_minimum_version 1.5.0

setup() {
    classify=$BUILD/bottleneck-classify
    schema=$BATS_TEST_DIRNAME/../../features.db.schema
    cd "$BATS_TEST_TMPDIR" || exit
}

# float32, little-endian
zero=00000000 half=0000003F one=0000803F two=00000040 minus=000080BF tenth=CDCCCC3D nan=0000C07F

digest() { sha256sum <<< "$1" | cut -c 1-64; }

make_database() {
    sqlite3 features.db ".read '$schema'"
    add_set 1 squeezenet.onnx concat22
}

# add_set ID NETWORK LAYER: two numbers a vector
add_set() {
    sqlite3 features.db "
        INSERT INTO network VALUES ($1, x'$(digest "$2")', '$2', 'onnx', 1);
        INSERT INTO feature_set VALUES ($1, $1, '$3', 'avg', 'shorter side 256', 1, 2);"
}

# add PATH LABEL SPLIT VECTOR [CONTENT]: an image, with the vector in feature set 1. Label and split
# are SQL (NULL, 'ants'); images with the same CONTENT are identical.
add() {
    sqlite3 features.db "
        INSERT OR IGNORE INTO image (sha256, format, width, height, bytes)
            VALUES (x'$(digest "${5:-$1}")', 'png', 1, 1, 1);
        INSERT INTO sample (path, image_id, label, split, modified_ns)
            SELECT '$1', id, $2, $3, 0 FROM image WHERE sha256 = x'$(digest "${5:-$1}")';
        INSERT OR IGNORE INTO vector (feature_set_id, image_id, view, data)
            SELECT 1, image_id, 'original', x'$4' FROM sample WHERE path = '$1';"
}

# Five of each, apart; the last bee of the validation split lies among the ants.
add_ants_and_bees() {
    for i in 1 2 3; do
        add "train/ants/$i.jpg" "'ants'" "'train'" $one$zero
        add "train/bees/$i.jpg" "'bees'" "'train'" $zero$one
    done
    for i in 4 5; do add "val/ants/$i.jpg" "'ants'" "'val'" $two$half; done
    add val/bees/4.jpg "'bees'" "'val'" $half$two
    add val/bees/5.jpg "'bees'" "'val'" $two$half
}

# ---- the command line ------------------------------------------------------------------------

@test "help and version go to stdout" {
    run --separate-stderr "$classify" --version
    [ $status -eq 0 ]
    [ "$output" = "bottleneck-classify 0.1.0" ]
    run --separate-stderr "$classify" --help
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    for command in evaluate compare curve audit train predict list export experiments; do
        grep -q "^  $command " <<< "$output"
        run --separate-stderr "$classify" $command --help
        [ $status -eq 0 ]
        [ -z "$stderr" ]
        [ "${lines[0]%% \[options\]*}" = "usage: bottleneck-classify $command" ]
        [ $command = experiments ] || grep -q -e '--features ID' <<< "$output"
        run --separate-stderr "$classify" --help
    done
}

@test "a wrong command line: status 2, one line on stderr, nothing on stdout" {
    while IFS='|' read -r arguments message; do
        # shellcheck disable=SC2086
        run --separate-stderr "$classify" $arguments
        [ $status -eq 2 ]
        [ -z "$output" ]
        [ ${#stderr_lines[@]} -eq 1 ]
        [[ $stderr == *"$message"* ]]
    done <<'CASES'
|no command given
guess|there is no command 'guess'
evaluate --fold 3|unknown option '--fold'
evaluate --folds 1|--folds takes a whole number from 2 to 1000000, not '1'
evaluate --folds|--folds needs a value: K
evaluate -C 0|--cost takes a number from 1e-09 to 1e+09 or auto, not '0'
evaluate -C nan|--cost takes a number
evaluate -C 1x|--cost takes a number
evaluate --normalize l1|--normalize takes one of l2, standard, power, none, not 'l1'
evaluate --strategy all|--strategy takes one of ovo, ovr, not 'all'
evaluate --class-weight ants|--class-weight takes LABEL=W with a number from 1e-06 to 1e+06, not 'ants'
evaluate --class-weight ants=0|--class-weight takes LABEL=W
evaluate --class-weight =2|--class-weight takes LABEL=W
evaluate --leave-one-out --folds 3|--folds and --repeats have no meaning with --leave-one-out
compare --normalize l1|--normalize takes one of l2, standard, power, none, not 'l1'
compare --features x|--features takes the number of a feature set, not 'x'
compare -C 1 -C zero|--cost takes a number
curve --leave-one-out|unknown option '--leave-one-out'
experiments hide|'hide' is neither 'show' nor 'rerun'
experiments show|which experiment? say show ID
experiments rerun 0|'0' is no number of an experiment
experiments rerun 1 2|'2' is one argument too many
evaluate --train-split train|--train-split and --test-split belong together
evaluate --train-split a --test-split a|--train-split and --test-split are the same
evaluate --train-split a --test-split b --folds 3|--folds, --repeats and --leave-one-out have no meaning
audit --train-split a|unknown option '--train-split'
evaluate photos|'photos' is one argument too many
train|no model to write: say -o FILE
predict|no model named
export -o x|no format chosen
export --format npy|no files to write
export --format mat -o x|--format takes one of npy, csv, libsvm, not 'mat'
CASES
}

@test "a database that is missing or none" {
    run --separate-stderr "$classify" list
    [ $status -eq 1 ]
    [ -z "$output" ]
    [[ $stderr == "bottleneck-classify: "*"'features.db'"* ]]
    [ ${#stderr_lines[@]} -eq 1 ]
    [ ! -e features.db ]
    echo "this is a text file, and long enough to be looked at as a database" > features.db
    for command in list evaluate "train -o m" "export --format csv -o x"; do
        # shellcheck disable=SC2086
        run --separate-stderr "$classify" $command
        [ $status -eq 1 ]
        [ -z "$output" ]
        [ ${#stderr_lines[@]} -eq 1 ]
    done
    [ ! -e m ]
}

# ---- evaluate --------------------------------------------------------------------------------

@test "evaluate: a hold-out" {
    make_database
    add_ants_and_bees
    run --separate-stderr "$classify" evaluate --train-split train --test-split val
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    diff - <(echo "$output") <<'EXPECTED'
squeezenet.onnx concat22 avg, 2 numbers (feature set 1)
6 images of 'train' trained on, 4 of 'val' tested, 2 classes; linear SVM, C = 1, l2

accuracy            75.0 %  (3/4)
95 % interval       30.1 to 95.4 %  (Wilson)
balanced accuracy   75.0 %
macro F1            73.3 %

class  precision     recall         F1     images
ants      66.7 %    100.0 %     80.0 %          2
bees     100.0 %     50.0 %     66.7 %          2

confusion: rows are the true class, columns the predicted one
true  ants  bees
ants     2     0
bees     1     1

misclassified: 1 of 4 images
bees as ants  val/bees/5.jpg
EXPECTED
}

@test "evaluate: JSON has every key" {
    make_database
    add_ants_and_bees
    run --separate-stderr "$classify" evaluate --json --folds 2 --repeats 3 --seed 4 -C 2
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    echo "$output" > result.json
    [ "$(sqlite3 :memory: "SELECT json_valid(readfile('result.json'))")" = 1 ]
    value() { sqlite3 :memory: "SELECT json_extract(readfile('result.json'), '\$.$1')"; }
    for key in feature_set protocol folds repeats seed c normalize images classes accuracy \
               correct total accuracy_low accuracy_high balanced_accuracy macro_f1 confusion \
               per_class misclassified; do
        [ -n "$(value $key)" ]
    done
    [ "$(value protocol)" = cross-validation ]
    [ "$(value folds) $(value repeats) $(value seed) $(value c)" = "2 3 4 2" ]
    [ "$(value images) $(value total) $(value classes)" = '10 30 ["ants","bees"]' ]
    [ "$(value 'per_class[1].support')" = 5 ]
    [ "$(value 'misclassified[0].path')" = val/bees/5.jpg ]
    [ "$(value 'misclassified[0].wrong')" = 3 ]
    [ "$(value feature_set.layer)" = concat22 ]
}

@test "evaluate: the seed and nothing else decides the folds" {
    make_database
    add_ants_and_bees
    "$classify" evaluate --folds 2 --json -t 1 > a
    "$classify" evaluate --folds 2 --json -t 3 > b
    "$classify" evaluate --folds 2 --json --seed 9 > c
    cmp a b
    ! cmp -s a c
}

@test "evaluate: an image in both splits is not trained on" {
    make_database
    add_ants_and_bees
    add train/bees/copy.jpg "'bees'" "'train'" $two$half val/bees/5.jpg
    run --separate-stderr "$classify" evaluate --train-split train --test-split val --json
    [ $status -eq 0 ]
    [ "$stderr" = "1 image left out of training: in the test split too" ]
    grep -q '"left_out": 1' <<< "$output"
    grep -q '"trained": 6' <<< "$output"
}

@test "evaluate: what cannot be evaluated is said" {
    make_database
    expect() {
        run --separate-stderr "$classify" evaluate "${@:2}"
        [ $status -eq 1 ]
        [ -z "$output" ]
        [ "$stderr" = "bottleneck-classify: $1" ]
    }
    sqlite3 features.db 'PRAGMA foreign_keys=OFF; DELETE FROM feature_set'
    expect "'features.db' holds no vectors yet: run bottleneck-extract first"
    sqlite3 features.db "INSERT INTO feature_set VALUES (1, 1, 'l', 'avg', 'r', 1, 2)"
    expect "nothing to train on: there are no images"
    add 1.jpg NULL NULL $one$zero
    expect "nothing to train on: none of the 1 images has a label; extract folders whose \
sub-folders are the labels, or use --labels"
    add 2.jpg "'ants'" "'train'" $one$one
    expect "nothing to tell apart: every image has the label 'ants'; at least two labels are needed"
    add 3.jpg "'bees'" NULL $zero$one
    add 4.jpg "'bees'" NULL $zero$two
    expect "too few images for 5 folds: there are 3"
    expect "too few images for cross-validation: 'ants' has one only, which cannot be trained on \
and tested; add images of it or leave it out" --folds 2
    expect "no images with vectors of this feature set in split 'val': the database has the splits \
'train'" --train-split train --test-split val
    expect "no images with vectors of this feature set in split 'x': the database has the splits \
'train'" --train-split x --test-split train
    expect "'features.db' has no feature set 5, it holds 1 (squeezenet.onnx l avg, 2 numbers)" \
        --features 5
}

@test "evaluate: several feature sets, and the choice among them" {
    make_database
    add_ants_and_bees
    add_set 2 vgg16.onnx flatten
    run --separate-stderr "$classify" evaluate
    [ $status -eq 1 ]
    [ "$stderr" = "bottleneck-classify: 'features.db' holds 2 feature sets, choose one with \
--features ID: 1 (squeezenet.onnx concat22 avg, 2 numbers), 2 (vgg16.onnx flatten avg, 2 numbers)" ]
    run --separate-stderr "$classify" evaluate --features 1
    [ $status -eq 0 ]
}

@test "evaluate: a vector that is not finite" {
    make_database
    add_ants_and_bees
    add bad.jpg "'bees'" NULL $nan$one
    run --separate-stderr "$classify" evaluate
    [ $status -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "bottleneck-classify: the vector of 'bad.jpg' holds numbers that are not finite: \
the network 'squeezenet.onnx' is to blame" ]
}

@test "evaluate: all vectors equal, or zero" {
    make_database
    for i in 1 2 3 4 5 6; do
        add "a$i" "'a'" NULL $one$one
        add "b$i" "'b'" NULL $one$one
    done
    run --separate-stderr "$classify" evaluate --json
    [ $status -eq 0 ]
    ! grep -q -i nan <<< "$output"
    sqlite3 features.db "UPDATE vector SET data = x'$zero$zero'"
    run --separate-stderr "$classify" evaluate --json
    [ $status -eq 0 ]
    ! grep -q -i nan <<< "$output"
}

@test "labels may hold anything" {
    make_database
    label="a tab	a \"quote\", an ''apostrophe'', a line
and 🐝"
    for i in 1 2 3 4 5; do
        add "one/$i" "'$label'" NULL $one$zero
        add "two/$i" "'plain'" NULL $zero$one
    done
    run --separate-stderr "$classify" evaluate
    [ $status -eq 0 ]
    grep -q -F "a tab\\ta \"quote\", an 'apostrophe', a line\\nand 🐝" <<< "$output"
    ! grep -q "$(printf '\t')" <<< "$output"
    "$classify" evaluate --json > result.json
    [ "$(sqlite3 :memory: "SELECT json_extract(readfile('result.json'), '\$.classes[0]')")" = \
      "${label//\'\'/\'}" ]
    "$classify" train -o m.model
    "$classify" predict m.model > predictions
    [ "$(wc -l < predictions)" -eq 11 ]
    [ "$(awk -F '\t' '{ print NF }' predictions | sort -u)" = 4 ]
    "$classify" export --format csv -o out
    [ "$(sqlite3 :memory: '.import --csv out.csv t' 'SELECT label FROM t LIMIT 1')" = \
      "${label//\'\'/\'}" ]
}

@test "many classes: numbered columns, then a list" {
    make_database
    for class in 01 02 03 04 05 06 07 08 09 10 11 12; do
        for i in 1 2; do
            add "$class/$i" "'class number $class'" NULL $one$tenth
        done
    done
    "$classify" evaluate --folds 2 --repeats 1 --allow-duplicates > text
    grep -q -x '   true              1   2   3   4   5   6   7   8   9  10  11  12' text
    grep -q '^12 class number 12 ' text
    for class in 13 14 15 16 17 18 19 20 21 22 23 24 25; do
        for i in 1 2; do
            add "$class/$i" "'class number $class'" NULL $minus$tenth
        done
    done
    "$classify" evaluate --folds 2 --repeats 1 --allow-duplicates > text
    grep -q 'too wide a matrix' text
    [ "$(grep -c ' as  class number' text)" -eq 20 ]
}

# ---- settings --------------------------------------------------------------------------------

# 24 of each class, apart but for noise: vectors of two numbers out of a small generator.
add_many() {
    local sql="" i x y label

    for i in $(seq 0 47); do
        label=$([ $((i % 2)) -eq 0 ] && echo ants || echo bees)
        x=$(printf '%02X' $((i * 37 % 64 + 64 * (i % 2))))
        y=$(printf '%02X' $((i * 53 % 64 + 64 * (1 - i % 2))))
        sql+="INSERT INTO image (sha256, format, width, height, bytes)
                  VALUES (x'$(printf '%064x' "$i")', 'png', 1, 1, 1);
              INSERT INTO sample (path, image_id, label, split, modified_ns)
                  SELECT '$label/nest$((i / 6))_$i.jpg', max(id), '$label',
                         iif($i < 32, 'train', 'val'), 0 FROM image;
              INSERT INTO vector (feature_set_id, image_id, view, data)
                  SELECT 1, max(id), 'original', x'00${x}803F00${y}803F' FROM image;"
    done
    sqlite3 features.db "BEGIN; $sql COMMIT"
}

@test "evaluate: the settings change what is done, and are shown" {
    make_database
    add_many
    value() { sqlite3 :memory: "SELECT json_extract(readfile('result.json'), '\$.$1')"; }
    run --separate-stderr "$classify" evaluate --allow-duplicates -C auto
    [ $status -eq 0 ]
    grep -q '^C chosen inside every training part: ' <<< "$output"
    grep -q 'C = auto, l2$' <<< "$output"
    "$classify" evaluate --allow-duplicates -C auto --json --folds 4 --repeats 2 > result.json
    [ "$(sqlite3 :memory: "SELECT sum(json_extract(value, '\$.folds')) FROM
             json_each(readfile('result.json'), '\$.chosen')")" = 8 ]
    [ "$(value c)" = auto ]
    for option in "--normalize standard" "--normalize power" "--normalize none" "--strategy ovr" \
                  "--balanced" "--class-weight ants=3" "--leave-one-out" "-C auto --balanced"; do
        # shellcheck disable=SC2086
        run --separate-stderr "$classify" evaluate --allow-duplicates $option --json
        [ $status -eq 0 ]
        [ -z "$stderr" ]
    done
    run --separate-stderr "$classify" evaluate --allow-duplicates --class-weight wasps=3
    [ $status -eq 1 ]
    [ "$stderr" = "bottleneck-classify: --class-weight: no image has the label 'wasps'" ]
}

@test "evaluate: probabilities, or why not" {
    make_database
    add_many
    run --separate-stderr "$classify" evaluate --allow-duplicates --probability
    [ $status -eq 0 ]
    grep -q '^Brier score 0\.' <<< "$output"
    "$classify" evaluate --allow-duplicates --json > without.json
    "$classify" evaluate --allow-duplicates --json --probability > with.json
    # Labels come from the scores all the same.
    diff <(sqlite3 :memory: "SELECT json_extract(readfile('without.json'), '\$.confusion')") \
         <(sqlite3 :memory: "SELECT json_extract(readfile('with.json'), '\$.confusion')")
    "$classify" train --allow-duplicates -o p.model --probability
    "$classify" predict p.model > predictions
    [ "$(head -n 1 predictions)" = "path	predicted	ants	bees	P ants	P bees" ]
    awk -F '\t' 'NR > 1 && ($5 + $6 < 0.999 || $5 + $6 > 1.001) { exit 1 }' predictions
    sqlite3 features.db "DELETE FROM sample WHERE label = 'bees' AND id > 10"
    run --separate-stderr "$classify" evaluate --allow-duplicates --probability
    [ $status -eq 1 ]
    [[ $stderr == *"no probabilities: 'bees' has 5 images"* ]]
}

@test "evaluate: groups out of the paths stay together" {
    make_database
    add_many
    "$classify" evaluate --allow-duplicates --folds 4 --group-by 'nest[0-9]+' --json > result.json
    [ "$(sqlite3 :memory: "SELECT json_extract(readfile('result.json'), '\$.group_by')")" = \
      'nest[0-9]+' ]
    # Eight nests with both classes in each: nine folds cannot be.
    run --separate-stderr "$classify" evaluate --allow-duplicates --folds 9 --group-by 'nest[0-9]+'
    [ $status -eq 1 ]
    [ "$stderr" = "bottleneck-classify: too few images for 9 folds: 'ants' has 8 different ones; \
--folds 8 would work" ]
    run --separate-stderr "$classify" evaluate --group-by '('
    [ $status -eq 1 ]
    [[ $stderr == *"--group-by takes a POSIX extended regular expression, not '(': "* ]]
}

@test "evaluate: near-identical images are one" {
    make_database
    add_many
    run --separate-stderr "$classify" evaluate
    [[ $stderr == *"near-identical"* ]]
}

@test "compare: settings on the same folds, and a tie with itself" {
    make_database
    add_many
    run --separate-stderr "$classify" compare --allow-duplicates
    [ $status -eq 1 ]
    [[ $stderr == *"nothing to compare: there is one feature set and one setting"* ]]
    run --separate-stderr "$classify" compare --allow-duplicates --features 1 --features 1
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    [ "$(grep -c ' 1: squeezenet.onnx concat22 avg, 2 numbers$' <<< "$output")" -eq 2 ]
    grep -q ' 1\.0000  tie ' <<< "$output"
    grep -q '^All are tied' <<< "$output"
    "$classify" compare --allow-duplicates -C 0.001 -C 1 -C auto --normalize l2 --normalize none \
        --json > result.json
    [ "$(sqlite3 :memory: "SELECT json_array_length(readfile('result.json'), '\$.compared')")" = 6 ]
    [ "$(sqlite3 :memory: "
        SELECT count(*) FROM (SELECT json_extract(value, '\$.accuracy') AS a,
                                     lag(json_extract(value, '\$.accuracy')) OVER () AS b
                                FROM json_each(readfile('result.json'), '\$.compared'))
         WHERE a > b")" = 0 ]
    run --separate-stderr "$classify" compare --allow-duplicates -C 1 -C 2 --train-split train \
        --test-split val
    [ $status -eq 0 ]
    grep -q '^exact McNemar test' <<< "$output"
    run --separate-stderr "$classify" compare --features 1 --features 7
    [ $status -eq 1 ]
    [[ $stderr == *"has no feature set 7"* ]]
}

@test "compare: only images that all feature sets have" {
    make_database
    add_many
    add_set 2 vgg16.onnx flatten
    sqlite3 features.db "INSERT INTO vector (feature_set_id, image_id, view, data)
                         SELECT 2, image_id, view, data FROM vector WHERE image_id <= 40"
    run --separate-stderr "$classify" compare --allow-duplicates --json
    [ $status -eq 0 ]
    [ "$stderr" = "8 images left aside: not in all of the feature sets" ]
    grep -q '"images": 40' <<< "$output"
    grep -q '"tie": true' <<< "$output"
    sqlite3 features.db "UPDATE vector SET image_id = image_id + 8
                          WHERE feature_set_id = 2 AND image_id > 40;
                         DELETE FROM vector WHERE feature_set_id = 2 AND image_id < 48"
    run --separate-stderr "$classify" compare --allow-duplicates
    [ $status -eq 1 ]
    [[ $stderr == *"nothing to compare: the feature sets have no images in common" ]]
}

@test "curve" {
    make_database
    add_many
    run --separate-stderr "$classify" curve --allow-duplicates
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    [ "$(awk '/^ +[0-9]+ / { printf "%s ", $1 }' <<< "$output")" = "1 2 4 9 19 " ]
    grep -q '^From 9 to 19 images a class the accuracy changed by ' <<< "$output"
    run --separate-stderr "$classify" curve --allow-duplicates --json
    [ "$(grep -c '"images_per_class"' <<< "$output")" -eq 5 ]
    grep -q '"outlook": "' <<< "$output"
    sqlite3 features.db "DELETE FROM sample WHERE label = 'bees' AND id > 4"
    run --separate-stderr "$classify" curve --allow-duplicates --folds 2
    [ $status -eq 1 ]
    [[ $stderr == *"too few images for a curve: the smallest class has 1 in a training part"* ]]
}

# ---- audit -----------------------------------------------------------------------------------

@test "audit: identical files, leaks and contradictions" {
    make_database
    add_ants_and_bees
    run --separate-stderr "$classify" audit --strict --folds 2
    [ $status -eq 3 ]
    grep -q '^identical files: none$' <<< "$output"
    grep -A 1 '^labels that look wrong' <<< "$output" | grep -q 'val/bees/5.jpg  labelled bees, looks like ants'
    add copy.jpg "'bees'" "'val'" $one$zero train/ants/1.jpg
    run --separate-stderr "$classify" audit --folds 2
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    grep -A 2 '^identical files: 1$' <<< "$output" | grep -q '    same  copy.jpg'
    grep -q '^the same photograph in several splits: 1$' <<< "$output"
    grep -A 2 'under several labels: 1' <<< "$output" | grep -q 'train/ants/1.jpg  (ants)'
    "$classify" audit --folds 2 --json > audit.json
    value() { sqlite3 :memory: "SELECT json_extract(readfile('audit.json'), '\$.$1')"; }
    [ "$(value 'leaks[0].images[1].path')" = train/ants/1.jpg ]
    [ "$(value 'leaks[0].identical')" = 1 ]
    [ "$(value 'near_identical')" = '[]' ]
}

@test "audit: labels that cannot be checked are no failure" {
    make_database
    add 1.jpg "'ants'" NULL $one$zero
    add 2.jpg NULL NULL $one$zero 1.jpg
    run --separate-stderr "$classify" audit
    [ $status -eq 0 ]
    grep -q '^identical files: 1$' <<< "$output"
    grep -q '^labels not checked: nothing to tell apart' <<< "$output"
    run --separate-stderr "$classify" audit --strict
    [ $status -eq 3 ]
}

# ---- experiments -----------------------------------------------------------------------------

@test "evaluate and train record what they did" {
    make_database
    add_ants_and_bees
    "$classify" evaluate --no-record > /dev/null
    [ "$(sqlite3 features.db 'SELECT count(*) FROM experiment')" = 0 ]
    "$classify" evaluate --json > result
    "$classify" train -o m.model --json > trained
    run sqlite3 features.db "
        SELECT command, feature_set_id, length(samples_sha256), json_valid(settings), program,
               created GLOB '20??-??-??T??:??:??*' FROM experiment ORDER BY id"
    [ "${lines[0]}" = "evaluate|1|32|1|bottleneck-classify 0.1.0|1" ]
    [ "${lines[1]}" = "train|1|32|1|bottleneck-classify 0.1.0|1" ]
    cmp result <(sqlite3 features.db "SELECT rtrim(result, char(10)) FROM experiment WHERE id = 1")
    cmp trained <(sqlite3 features.db "SELECT rtrim(result, char(10)) FROM experiment WHERE id = 2")
}

@test "experiments: listed, shown and repeated to the last digit" {
    make_database
    run --separate-stderr "$classify" experiments
    [ $status -eq 0 ]
    [[ $output == "no experiments yet"* ]]
    add_many
    "$classify" evaluate --allow-duplicates -C auto --seed 3 --json > result.json
    "$classify" compare --allow-duplicates -C 1 -C 0.01 --folds 3 > /dev/null
    "$classify" curve --allow-duplicates --class-weight "ants=2" > /dev/null
    "$classify" train --allow-duplicates -o m.model > /dev/null
    sha256sum m.model > before
    rm m.model
    run --separate-stderr "$classify" experiments
    [ ${#lines[@]} -eq 5 ]
    grep -q '^    1  .*  evaluate .*--seed 3 .*--cost auto' <<< "$output"
    [ "$("$classify" experiments --json | grep -c '"created"')" -eq 4 ]
    run --separate-stderr "$classify" experiments show 1
    [ "$(tail -n +4 <<< "$output")" = "$(cat result.json)" ]
    "$classify" experiments show 1 --json > shown.json
    [ "$(sqlite3 :memory: "SELECT json_array_length(readfile('shown.json'), '\$.scores')")" = 48 ]
    # Ten repeats of two classes.
    [ "$(sqlite3 :memory: "
        SELECT json_array_length(readfile('shown.json'), '\$.scores[7].scores')")" = 20 ]
    [ "$(sqlite3 features.db "SELECT count(DISTINCT part) FROM experiment_score
                               WHERE experiment_id = 2")" = 2 ]
    for id in 1 2 3 4; do
        run --separate-stderr "$classify" experiments rerun $id -t 3
        [ $status -eq 2 ]
        run --separate-stderr "$classify" experiments rerun $id
        [ $status -eq 0 ]
        [ -z "$stderr" ]
        [ "$output" = "experiment $id: the same to the last digit" ]
    done
    # Nothing was written by it.
    [ ! -e m.model ]
    [ "$(sqlite3 features.db 'SELECT count(*) FROM experiment')" = 4 ]
}

@test "experiments: what has changed is said" {
    make_database
    add_many
    "$classify" evaluate --allow-duplicates > /dev/null
    sqlite3 features.db "UPDATE vector SET data = x'0000803F00007040' WHERE image_id = 7"
    run --separate-stderr "$classify" experiments rerun 1
    [ $status -eq 3 ]
    [ "$output" = "experiment 1: different: the scores have changed" ]
    sqlite3 features.db "UPDATE sample SET label = 'bees' WHERE id = 7"
    run --separate-stderr "$classify" experiments rerun 1
    [ $status -eq 3 ]
    [ "$output" = "experiment 1: different: the images are not those of then" ]
    "$classify" experiments rerun 1 --json > rerun.json || true
    [ "$(sqlite3 :memory: "SELECT json_extract(readfile('rerun.json'), '\$.same_samples')")" = 0 ]
    run --separate-stderr "$classify" experiments show 2
    [ $status -eq 1 ]
    [ "$stderr" = "bottleneck-classify: 'features.db' has no experiment 2; 'experiments' lists \
them" ]
    sqlite3 features.db "PRAGMA foreign_keys = ON; DELETE FROM feature_set"
    run --separate-stderr "$classify" experiments rerun 1
    [ $status -eq 1 ]
    [[ $stderr == *"experiment 1 cannot be repeated: its feature set was deleted; "* ]]
}

@test "a database of version 1 is brought up to date" {
    make_database
    add_ants_and_bees
    sqlite3 features.db "DROP TABLE experiment_score; PRAGMA user_version = 1"
    run --separate-stderr "$classify" evaluate --folds 2
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    [ "$(sqlite3 features.db 'PRAGMA user_version; SELECT count(*) FROM experiment_score')" = "2
10" ]
}

@test "a database that cannot be written: the result, and one line on stderr" {
    [ "$(id -u)" -ne 0 ] || skip "root may write everything"
    make_database
    add_ants_and_bees
    chmod a-w features.db .
    run --separate-stderr "$classify" evaluate --folds 2 --json
    chmod u+w .
    [ $status -eq 0 ]
    [ "${output:0:1}" = "{" ]
    [ ${#stderr_lines[@]} -eq 1 ]
    [[ $stderr == "not recorded: "* ]]
}

@test "an experiment that cannot be recorded does not spoil the result" {
    make_database
    add_ants_and_bees
    sqlite3 features.db 'DROP TABLE experiment'
    run --separate-stderr "$classify" evaluate --folds 2 --json
    [ $status -eq 0 ]
    [ "${output:0:1}" = "{" ]
    [ ${#stderr_lines[@]} -eq 1 ]
    [[ $stderr == "not recorded: "* ]]
}

# ---- train and predict -----------------------------------------------------------------------

@test "train, then predict" {
    make_database
    add_ants_and_bees
    run --separate-stderr "$classify" train -o my.model --train-split train
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    [ "$output" = "my.model: 6 images, 2 classes; squeezenet.onnx concat22 avg, 2 numbers; linear \
SVM, C = 1, l2" ]
    run --separate-stderr "$classify" predict my.model --split val
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    [ "${lines[0]}" = "path	predicted	ants	bees" ]
    [ "$(cut -f 1,2 <<< "$output" | tail -n +2)" = "val/ants/4.jpg	ants
val/ants/5.jpg	ants
val/bees/4.jpg	bees
val/bees/5.jpg	ants" ]
    # Two classes: one decision, signed.
    awk -F '\t' 'NR > 1 && $3 != -$4 { exit 1 }' <<< "$output"
    run --separate-stderr "$classify" predict my.model --json
    [ "$(grep -c '"predicted"' <<< "$output")" -eq 10 ]
}

@test "predict: margins of evaluate to the last digit" {
    make_database
    add_ants_and_bees
    "$classify" evaluate --train-split train --test-split val --json > result.json
    "$classify" train -o my.model --train-split train > /dev/null
    "$classify" predict my.model val/bees/5.jpg --json > predictions.json
    margin=$(sqlite3 :memory: "
        SELECT json_extract(readfile('result.json'), '\$.misclassified[0].margin')")
    [ -n "$margin" ]
    [ "$margin" = "$(sqlite3 :memory: "
        SELECT json_extract(p, '\$.predictions[0].scores[1]') -
               json_extract(p, '\$.predictions[0].scores[0]')
          FROM (SELECT readfile('predictions.json') AS p)")" ]
}

@test "predict: files and folders by name" {
    make_database
    add_ants_and_bees
    "$classify" train -o my.model > /dev/null
    run --separate-stderr "$classify" predict my.model ./val//bees/ train/ants/2.jpg
    [ $status -eq 0 ]
    [ "$(cut -f 1 <<< "$output" | tail -n +2 | tr '\n' ' ')" = \
      "train/ants/2.jpg val/bees/4.jpg val/bees/5.jpg " ]
    run --separate-stderr "$classify" predict my.model . val/be
    [ $status -eq 3 ]
    [ ${#lines[@]} -eq 11 ]
    [ "$stderr" = "no vector of 'val/be' in 'features.db': run bottleneck-extract on it first" ]
    run --separate-stderr "$classify" predict my.model new/1.jpg
    [ $status -eq 1 ]
    [ -z "$output" ]
    [ ${#stderr_lines[@]} -eq 2 ]
    run --separate-stderr "$classify" predict my.model --split new
    [ $status -eq 1 ]
    [[ $stderr == *"in split 'new': the database has the splits 'train', 'val'" ]]
    run --separate-stderr "$classify" predict my.model --split val train
    [ $status -eq 1 ]
    [ "${stderr_lines[0]}" = "no vector of 'train' in 'features.db': run bottleneck-extract on it \
first" ]
    # Vectors that are not asked for are not read.
    add train/bees/9.jpg "'bees'" "'train'" $nan$one
    run --separate-stderr "$classify" predict my.model val
    [ $status -eq 0 ]
    run --separate-stderr "$classify" predict my.model
    [ $status -eq 1 ]
    [[ $stderr == *"the vector of 'train/bees/9.jpg' holds numbers that are not finite"* ]]
}

@test "predict: with a database that the model was not trained on" {
    make_database
    add_ants_and_bees
    "$classify" train -o my.model > /dev/null
    sqlite3 features.db "UPDATE feature_set SET layer = 'concat21', preprocessing = 'squash'"
    run --separate-stderr "$classify" predict my.model
    [ $status -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "bottleneck-classify: the model was trained on squeezenet.onnx concat22 avg, 2 \
numbers; 'features.db' holds squeezenet.onnx concat21 avg, 2 numbers as feature set 1: they differ \
in layer ('concat22' against 'concat21'), preprocessing ('shorter side 256' against 'squash')" ]
}

@test "predict: what is no model" {
    make_database
    add_ants_and_bees
    "$classify" train -o my.model > /dev/null
    head -c 100 my.model > cut.model
    run --separate-stderr "$classify" predict cut.model
    [ $status -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "bottleneck-classify: 'cut.model' is damaged or cut off: its checksum is wrong; \
train it again" ]
    run --separate-stderr "$classify" predict features.db
    [ $status -eq 1 ]
    [ "$stderr" = "bottleneck-classify: 'features.db' is no model of bottleneck-classify" ]
    run --separate-stderr "$classify" predict none.model
    [ $status -eq 1 ]
}

@test "train: nothing is left behind when it fails" {
    make_database
    add 1.jpg "'ants'" NULL $one$zero
    run --separate-stderr "$classify" train -o my.model
    [ $status -eq 1 ]
    [ "$(ls -I 'separate-stderr-*')" = "features.db" ]
    add 2.jpg "'bees'" NULL $zero$one
    run --separate-stderr "$classify" train -o no/folder.model
    [ $status -eq 1 ]
    [[ $stderr == "bottleneck-classify: cannot create 'no/folder.model': "* ]]
    add 3.jpg NULL NULL $one$one
    run --separate-stderr "$classify" train -o my.model
    [ $status -eq 0 ]
    [ "$stderr" = "1 image without a label passed over" ]
}

# ---- list and export -------------------------------------------------------------------------

@test "list" {
    make_database
    run --separate-stderr "$classify" list
    [ $status -eq 0 ]
    add_ants_and_bees
    add loose.jpg NULL NULL $one$one
    sqlite3 features.db "INSERT INTO refusal VALUES ('a
b.gif', 'it is a GIF')"
    run --separate-stderr "$classify" list
    [ $status -eq 0 ]
    [ -z "$stderr" ]
    diff - <(echo "$output") <<'EXPECTED'
feature set 1: squeezenet.onnx concat22 avg, 2 numbers, 11 vectors
    shorter side 256

split  label   images
-      -            1
train  ants         3
train  bees         3
val    ants         2
val    bees         2
11 images

refused
a\nb.gif: it is a GIF
EXPECTED
    "$classify" list --json > list.json
    [ "$(sqlite3 :memory: "
        SELECT json_extract(readfile('list.json'), '\$.counts[4].images')")" = 2 ]
    run --separate-stderr "$classify" list --features 9
    [ $status -eq 1 ]
}

@test "export: npy" {
    make_database
    add_ants_and_bees
    run --separate-stderr "$classify" export --format npy -o out --split val
    [ $status -eq 0 ]
    [ "$output" = "out.npy, out.tsv: 4 images, 2 numbers each" ]
    [ -z "$stderr" ]
    diff - out.tsv <<'EXPECTED'
path	label	split	group
val/ants/4.jpg	ants	val	
val/ants/5.jpg	ants	val	
val/bees/4.jpg	bees	val	
val/bees/5.jpg	bees	val	
EXPECTED
    head -c 80 out.npy | grep -a -q "'descr': '<f4', 'fortran_order': False, 'shape': (4, 2)"
    [ "$(tail -c 32 out.npy | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F)" = \
      $two$half$two$half$half$two$two$half ]
}

@test "export: csv and libsvm" {
    make_database
    add "it''s, one.jpg" "'ants'" NULL $one$tenth
    add 2.jpg "'bees'" "'val'" $zero$minus
    add 3.jpg NULL NULL $half$zero
    "$classify" export --format csv -o out
    diff - out.csv <<'EXPECTED'
path,label,split,group,v0,v1
2.jpg,bees,val,,0,-1
3.jpg,,,,0.5,0
"it's, one.jpg",ants,,,1,0.100000001
EXPECTED
    "$classify" export --format libsvm -o out
    diff - out.libsvm <<'EXPECTED'
2 2:-1
0 1:0.5
1 1:1 2:0.100000001
EXPECTED
    [ "$(cut -f 1,5 out.tsv | tail -n +2 | tr '\n' ' ')" = "2.jpg	2 3.jpg	0 it's, one.jpg	1 " ]
}

@test "export: nothing half written" {
    make_database
    add_ants_and_bees
    mkdir out.tsv
    run --separate-stderr "$classify" export --format npy -o out
    [ $status -eq 1 ]
    [ -z "$output" ]
    [ "$(ls -I 'separate-stderr-*')" = "features.db
out.tsv" ]
    run --separate-stderr "$classify" export --format csv -o out --split none
    [ $status -eq 1 ]
    [ ! -e out.csv ]
}

@test "a result that cannot be printed is a failure" {
    [ -e /dev/full ] || skip "there is no /dev/full here"
    make_database
    add_ants_and_bees
    run bash -c "'$classify' list > /dev/full"
    [ $status -eq 1 ]
    [ "$output" = "bottleneck-classify: cannot write the result: No space left on device" ]
}
