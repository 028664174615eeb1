#!/usr/bin/env bats
# Both programs together, from photos to predictions: on images that are computed and, where
# TESTDATA has them, on real networks and photos.

load extract_helpers

need_data() { [ -d "${TESTDATA-}/images" ] || skip "no TESTDATA"; }

classify() {
    run --separate-stderr "$BUILD/bottleneck-classify" "$@"
    check_instruments
}

# accuracy ARGUMENT...: of an evaluation, as "accuracy correct total".
accuracy() {
    classify evaluate --json "$@"
    [ $status -eq 0 ] || { echo "$stderr" >&2; return 1; }
    echo "$(value '$.accuracy') $(value '$.correct') $(value '$.total')"
}

# How the networks of TESTDATA want their images; squeezenet1.1 has torchvision's rule.
rule_of() {
    case $1 in
    mobilenet*) echo torchvision-tf ;;
    *) echo torchvision ;;
    esac
}

# extract_real NETWORK ARGUMENT...
extract_real() {
    local network=$1
    shift
    run_extract --network "$TESTDATA/models/$network" --preprocess "$(rule_of "$network")" "$@"
}

# published IMAGES NETWORK PROTOCOL: the count and the accuracy of scikit-learn.
published() {
    awk -F '\t' -v images="$1" -v network="$2" -v protocol="$3" \
        '$1 == images && $2 == network && $3 == protocol {print $4, $5 + 0}' \
        "$TESTDATA/reference/accuracy.tsv"
}

# within A B DISTANCE
within() {
    awk -v a="$1" -v b="$2" -v distance="$3" \
        'BEGIN {exit !(a != "" && b != "" && a - b <= distance + 1e-9 && b - a <= distance + 1e-9)}'
}

networks="squeezenet1.1.onnx mobilenet_v2_1.0_224.onnx mobilenet_v1_0.25_224.onnx"
if is_instrumented; then networks="squeezenet1.1.onnx mobilenet_v1_0.25_224.onnx"; fi

# ---- computed images -------------------------------------------------------------------------

@test "the whole job on computed images" {
    cp "$golden/net_plain.onnx" network.onnx
    for pattern in stripes rings dots; do
        mkdir -p photos/train photos/val new
        image photos/train/$pattern --pattern $pattern --count 20 --seed 100
        image photos/val/$pattern --pattern $pattern --count 10 --seed 300
        image new/$pattern.jpg --pattern $pattern --seed 500
    done
    extract --split train photos/train
    expect 0
    counts 60 60 0 0
    extract --split val photos/val
    expect 0
    counts 30 30 0 0
    classify evaluate
    [ $status -eq 0 ]
    [[ $output == *"10 x stratified 5-fold, seed 0; 90 images, 3 classes"* ]]
    [ "$(accuracy | awk '{print ($1 > 0.5), $3}')" = "1 900" ]
    [ "$(accuracy --train-split train --test-split val | awk '{print ($1 > 0.5), $3}')" = "1 30" ]
    classify train -o patterns.model --train-split train
    [ $status -eq 0 ]
    [ -s patterns.model ]
    extract --split new new/
    expect 0
    classify predict patterns.model --split new
    [ $status -eq 0 ]
    cut -f 1 <<< "$output" | diff - <(printf '%s\n' path new/dots.jpg new/rings.jpg new/stripes.jpg)
    [ "${lines[0]}" = $'path\tpredicted\tdots\trings\tstripes' ]
    awk -F '\t' 'NF != 5 || (NR > 1 && $2 !~ /^(dots|rings|stripes)$/) {bad = 1} END {exit bad}' \
        <<< "$output"
    holds "SELECT label, count(*) FROM sample GROUP BY label" <<'EXPECTED'
|3
dots|30
rings|30
stripes|30
EXPECTED
    # Another rule is another feature set: from now on one must be chosen, and the model refuses.
    extract --preprocess keras-tf --split train photos/train
    classify evaluate
    [ $status -eq 1 ]
    [[ $stderr == *"holds 2 feature sets, choose one with --features ID: 1 ("*"), 2 ("* ]]
    classify evaluate --features 2
    [ $status -eq 0 ]
    classify predict patterns.model --features 2
    [ $status -eq 1 ]
}

@test "a label of one image, one class only, no labels, nothing at all" {
    image photos/ants --count 6
    extract photos
    classify evaluate
    [ $status -eq 1 ]
    [ ${#stderr_lines[@]} -eq 1 ]
    image photos/bees/1.jpg --seed 50
    extract photos
    classify evaluate
    [ $status -eq 1 ]
    [[ $stderr == *bees* ]]
    extract -d flat.db photos/ants
    classify evaluate -d flat.db
    [ $status -eq 1 ]
    mkdir empty
    extract -d empty.db empty
    classify evaluate -d empty.db
    [ $status -eq 1 ]
}

# ---- real networks and photos ----------------------------------------------------------------

@test "a first use on real photos: squeezenet1.1, ants and bees" {
    need_data
    ln -s "$TESTDATA/images/ants-bees" photos
    ln -s "$TESTDATA/images/flowers5/c1" new
    ln -s "$TESTDATA/models/squeezenet1.1.onnx" .
    local network=squeezenet1.1.onnx total
    run_extract --network $network --split train photos/train
    expect 0 "*assuming --preprocess torchvision"
    counts 120 120 0 0
    run_extract --network $network --split val photos/val -q
    expect 0
    [ "$(query "SELECT group_concat(DISTINCT layer || ' ' || pooling || ' ' || dimension)
                  FROM feature_set")" = "concat22 avg 512" ]
    read -r accuracy _ total < <(accuracy)
    [ "$total" -eq 2000 ]
    within "$accuracy" "$(published ants-bees $network '10 x stratified 5-fold' | cut -d ' ' -f 2)" 0.01
    classify evaluate --train-split train --test-split val
    [ $status -eq 0 ]
    [[ $output == *"accuracy"*"/80)"* ]]
    classify train -o ants-or-bees.model --train-split train
    [ $status -eq 0 ]
    run_extract --network $network -q --split new new/
    expect 0
    classify predict ants-or-bees.model --split new
    [ $status -eq 0 ]
    [ ${#lines[@]} -eq 41 ]
    [ "${lines[0]}" = $'path\tpredicted\tants\tbees' ]
    [[ ${lines[1]} =~ ^new/image_[0-9]+\.jpg$'\t'(ants|bees)$'\t'-?[0-9.]+$'\t'-?[0-9.]+$ ]]
    holds 'select label, count(*) from sample group by label' <<'EXPECTED'
|40
ants|100
bees|100
EXPECTED
    # The model is the classifier that was evaluated: as many of val are right.
    local right
    right=$("$BUILD/bottleneck-classify" predict ants-or-bees.model --split val |
            awk -F '\t' 'NR > 1 {split($1, part, "/"); right += part[3] == $2} END {print right}')
    [ "$(accuracy --train-split train --test-split val | cut -d ' ' -f 2)" = "$right" ]
    run_extract --network $network --split train photos/train
    [ $status -eq 0 ]
    counts 120 0 120 0
}

@test "real photos, killed in the first run and started again" {
    need_data
    local photos=$TESTDATA/images/ants-bees/train network=mobilenet_v2_1.0_224.onnx part
    if is_instrumented; then photos+=/ants network=mobilenet_v1_0.25_224.onnx; fi
    local count
    count=$(find "$photos" -type f | wc -l)
    extract_real $network -q -d whole.db "$photos"
    expect 0
    "$extract" --network "$TESTDATA/models/$network" --preprocess torchvision-tf -q -t 1 "$photos" 3>&- &
    pid=$!
    begun() { [ "$(query "SELECT count(*) FROM vector" 2> locked || echo 0)" -gt 0 ]; }
    await begun
    kill -9 $pid
    wait $pid || true
    part=$(query "SELECT count(*) FROM vector")
    [ "$part" -lt "$count" ]
    extract_real $network "$photos"
    expect 0
    counts "$count" $((count - part)) "$part" 0
    same_contents features.db whole.db
}

@test "the accuracies of scikit-learn on the vectors of ONNX Runtime" {
    need_data
    local images network accuracy correct total count wanted
    for network in $networks; do
        for images in ants-bees flowers5 caltech4; do
            rm -f features.db
            if [ $images = ants-bees ]; then
                extract_real "$network" -q --split train "$TESTDATA/images/$images/train"
                expect 0
                extract_real "$network" -q --split val "$TESTDATA/images/$images/val"
                read -r accuracy correct total < <(accuracy --train-split train --test-split val)
                read -r count wanted < <(published $images "$network" 'train -> val')
                echo "$images $network: $correct/$total, published $count"
                [ "$total" = "${count#*/}" ]
                within "$correct" "${count%/*}" 1
            else
                extract_real "$network" -q "$TESTDATA/images/$images"
            fi
            expect 0
            read -r accuracy _ total < <(accuracy)
            read -r count wanted < <(published $images "$network" '10 x stratified 5-fold')
            echo "$images $network: $accuracy, published $wanted"
            [ "$total" = "${count#n=}0" ]
            within "$accuracy" "$wanted" 0.01
        done
    done
}

# The network is slower than the decoders here: images wait for it.
@test "the same bytes for every batch size and number of threads, through a real network" {
    need_data
    local network=mobilenet_v2_1.0_224.onnx count=60 setting
    if is_instrumented; then count=20; fi
    image photos --count $count --width 9 --height 12
    extract_real $network -q -b 8 -t 1 -d reference.db photos
    expect 0
    contents reference.db > reference
    for setting in 1x4 3x2 32x6; do
        extract_real $network -q -b "${setting%x*}" -t "${setting#*x}" -d "$setting.db" photos
        expect 0
        contents "$setting.db" | diff -q reference -
    done
}

@test "every unusual and broken file decodes to its size or is refused with a reason" {
    need_data
    local odd=$TESTDATA/odd
    find "$odd" -type f ! -name '*.tsv' -print0 > list
    extract -0 --files-from list
    [ $status -eq 3 ]
    holds "SELECT (SELECT count(*) FROM sample) + (SELECT count(*) FROM refusal)" \
        <<< "$(tr -cd '\0' < list | wc -c)"
    awk -F '\t' 'NR > 1 && $6 == "decodes" {print $1 "|" $4 "|" $5}' "$odd/pillow.tsv" |
        LC_ALL=C sort > expected
    query "SELECT replace(path, '$odd/', ''), width, height FROM sample
             JOIN image ON image.id = image_id" | LC_ALL=C sort > decoded
    # Everything that decodes has its size; a GIF and a wrong checksum are refused on purpose.
    diff decoded expected | sed -n 's/^[<>] //p' | cut -d '|' -f 1 |
        diff - <(printf '%s\n' gif_named.jpg pngsuite_xcsn0g01.png)
    holds "SELECT count(*) FROM refusal WHERE reason NOT LIKE '%' || path || '%'" <<< 0
    holds "SELECT reason FROM refusal WHERE path LIKE '%/truncated_half.jpg'" \
        <<< "'$odd/truncated_half.jpg' is a truncated JPEG"
    holds "SELECT reason FROM refusal WHERE path LIKE '%/gif_named.jpg'" \
        <<< "'$odd/gif_named.jpg' is a GIF: only JPEG and PNG are read"
    holds "SELECT reason FROM refusal WHERE path LIKE '%/text_named.jpg'" \
        <<< "'$odd/text_named.jpg' is a text: only JPEG and PNG are read"
    # As a folder: the text is passed over, the rest is the same.
    local refused
    refused=$(query "SELECT count(*) FROM refusal")
    extract "$odd"
    [ $status -eq 3 ]
    holds "SELECT count(*) FROM refusal" <<< $((refused - 1))
}
