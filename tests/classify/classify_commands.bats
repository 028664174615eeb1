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
    for command in evaluate train predict list export; do
        grep -q "^  $command " <<< "$output"
        run --separate-stderr "$classify" $command --help
        [ $status -eq 0 ]
        [ -z "$stderr" ]
        [ "${lines[0]%% \[options\]*}" = "usage: bottleneck-classify $command" ]
        grep -q -e '--features ID' <<< "$output"
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
evaluate -C 0|--cost takes a number from 1e-09 to 1e+09, not '0'
evaluate -C nan|--cost takes a number
evaluate --normalize l1|--normalize takes one of l2, none, not 'l1'
evaluate --train-split train|--train-split and --test-split belong together
evaluate --train-split a --test-split a|--train-split and --test-split are the same
evaluate --train-split a --test-split b --seed 1|--folds, --repeats and --seed have no meaning
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
               correct total accuracy_low accuracy_high balanced_accuracy confusion per_class \
               misclassified; do
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
    "$classify" evaluate --folds 2 --repeats 1 > text
    grep -q -x '   true              1   2   3   4   5   6   7   8   9  10  11  12' text
    grep -q '^12 class number 12 ' text
    for class in 13 14 15 16 17 18 19 20 21 22 23 24 25; do
        for i in 1 2; do
            add "$class/$i" "'class number $class'" NULL $minus$tenth
        done
    done
    "$classify" evaluate --folds 2 --repeats 1 > text
    grep -q 'too wide a matrix' text
    [ "$(grep -c ' as  class number' text)" -eq 20 ]
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
