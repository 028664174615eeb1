#!/usr/bin/env bats
# The command line of bottleneck-extract: options, what is wrong with them, and what is printed.

load extract_helpers

# ---- usage -----------------------------------------------------------------------------------

@test "--help goes to stdout and explains every option and preset" {
    run_extract --help
    expect 0
    for option in network db split label labels files-from null layer pool preprocess views \
                  views-file batch threads max-pixels describe json quiet verbose help version; do
        grep -q -e " --$option" <<< "$output"
    done
    for preset in builtin torchvision torchvision-tf keras-caffe caffe-alexnet tensorflow-inception-2015 \
                  timm; do
        grep -q "^  $preset " <<< "$output"
    done
    grep -q "^exit status: 0 .* 1 .* 2 .* 3 " <<< "$output"
    run_extract -h
    expect 0
}

@test "--version" {
    run_extract --version
    expect 0
    [[ $output =~ ^bottleneck-extract\ [0-9]+\.[0-9]+ ]]
}

@test "a wrong command line: status 2, the reason on stderr, nothing done" {
    while IFS='|' read -r arguments message; do
        # shellcheck disable=SC2086
        eval "run_extract $arguments" < /dev/null
        [ $status -eq 2 ]
        [ -z "$output" ]
        [[ ${stderr_lines[0]} == "bottleneck-extract: $message"* ]] || {
            echo "$arguments: $stderr"
            return 1
        }
        [[ $stderr == *"bottleneck-extract --help'"* ]]
        [ ! -e features.db ]
    done <<'CASES'
|no images: name files or folders
--definition deploy.prototxt photos|--definition belongs to a --network FILE
-m network.onnx|no images: name files or folders
-m|-m needs a value: FILE
--network|--network needs a value: FILE
-m network.onnx -d|-d needs a value: FILE
-m network.onnx --labels|--labels needs a value: FILE.csv
-m network.onnx --guess .|unknown option '--guess'
-m network.onnx -Z .|unknown option '-Z'
-m network.onnx -b 0 .|--batch takes a whole number from 1 to 1024, not '0'
-m network.onnx -b 1025 .|--batch takes a whole number from 1 to 1024, not '1025'
-m network.onnx -b 8x .|--batch takes a whole number from 1 to 1024, not '8x'
-m network.onnx --batch= .|--batch takes a whole number from 1 to 1024, not ''
-m network.onnx -t 0 .|--threads takes a whole number from 1 to 1024, not '0'
-m network.onnx -t -1 .|--threads takes a whole number from 1 to 1024, not '-1'
-m network.onnx --max-pixels 0 .|--max-pixels takes a whole number from 1 to 4000000000, not '0'
-m network.onnx --max-pixels 1e6 .|--max-pixels takes a whole number
-m network.onnx -p mean .|--pool takes one of auto, none, avg, max, not 'mean'
-m network.onnx --json=yes .|--json takes no value
-m network.onnx -q -v .|--quiet and --verbose exclude each other
-m network.onnx --label '' .|--label and --split take a name, not ''
-m network.onnx --split '' .|--label and --split take a name, not ''
-m network.onnx --preprocess guess .|--preprocess: unknown preprocessing 'guess'
-m network.onnx --preprocess torchvision,size=3 .|--preprocess: unknown key 'size'
-m network.onnx --preprocess scale=0 .|--preprocess: 'scale=0' in a preprocessing rule: scale takes a number above zero
-m network.onnx --preprocess mean=1:2 .|--preprocess: 'mean=1:2' in a preprocessing rule
-m network.onnx --preprocess filter=best .|--preprocess: unknown filter 'best'
-m network.onnx --preprocess fit=pad,fit=pad .|--preprocess: 'fit' stands twice
CASES
}

@test "a result that cannot be written is a failure" {
    [ -w /dev/full ] || skip "no /dev/full"
    make_photos
    for arguments in --help "--describe -m network.onnx" "-m network.onnx photos"; do
        # shellcheck disable=SC2086
        run --separate-stderr bash -c "'$extract' $arguments --preprocess torchvision > /dev/full"
        expect 1 "bottleneck-extract: cannot write the result: No space left on device"
    done
}

# ---- what is printed -------------------------------------------------------------------------

@test "the summary goes to stdout, alone" {
    make_photos
    extract photos
    expect 0
    [ ${#lines[@]} -eq 6 ]
    counts 5 5 0 0
    [ "${lines[4]}" = "dimension  14  (feature set 1: features, pooling avg)" ]
    [[ ${lines[5]} =~ ^seconds\ +[0-9.]+\ +\([0-9.]+\ images/s\)$ ]]
}

@test "a rule that was only assumed is said on stderr, unless it is given or -q" {
    make_photos
    run_extract -m network.onnx photos
    expect 0 "bottleneck-extract: 'network.onnx' is not a network that is known here: assuming --preprocess torchvision"
    run_extract -m network.onnx --preprocess torchvision photos
    expect 0
    counts 5 0 5 0
    run_extract -m network.onnx -q photos
    expect 0
    [ -z "$output" ]
}

@test "-v: a line for every image" {
    make_photos
    image photos/bees/copy.jpg --seed 3 --pattern rings
    echo text > photos/notes.txt
    head -c 300 photos/top.jpg > photos/cut.jpg
    extract -v photos
    expect 3 "extracted: photos/ants/1.jpg" "extracted: photos/ants/2.png" \
        "extracted: photos/bees/1.jpg" "extracted: photos/bees/2.jpg" \
        "cached: photos/bees/copy.jpg" "refused: 'photos/cut.jpg' is a truncated JPEG" \
        "passed over: photos/notes.txt" "extracted: photos/top.jpg"
    counts 7 5 1 1
}

@test "-q: no word about refused images, yet the status tells" {
    make_photos
    head -c 300 photos/top.jpg > photos/cut.jpg
    extract -q photos
    expect 3
    [ -z "$output" ]
    extract -q -l nothing photos
    expect 1 "bottleneck-extract: 'network.onnx': cannot use the network: it has no layer 'nothing'"
}

@test "--json: one object with the keys that are promised" {
    make_photos
    head -c 300 photos/top.jpg > photos/cut.jpg
    extract --json -l features -l t9 photos
    expect 3 "refused: 'photos/cut.jpg' is a truncated JPEG"
    echo "$output" > result.json
    diff - <(sqlite3 -batch :memory: "
        CREATE TABLE result AS SELECT CAST(readfile('result.json') AS TEXT) AS text;
        SELECT json_valid(text) FROM result;
        SELECT group_concat(key, ' ') FROM result, json_each(text);
        SELECT json_extract(value, '\$.id'), json_extract(value, '\$.layer'),
               json_extract(value, '\$.pooling'), json_extract(value, '\$.dimension'),
               json_extract(value, '\$.preprocessing') LIKE 'fit=shorter-side,resize=19,%'
          FROM result, json_each(text, '\$.feature_sets');") <<'EXPECTED'
1
database network feature_sets views views_computed images extracted cached refused forgotten seconds images_per_second
1|features|avg|14|1
2|t9|avg|12|1
EXPECTED
    [ "$(value '$.database')" = features.db ]
    [ "$(value '$.network')" = network.onnx ]
    [ "$(value '$.images') $(value '$.extracted') $(value '$.cached') $(value '$.refused')" = "6 5 0 1" ]
    # A name that is no UTF-8 and needs escapes leaves it valid.
    extract --json -q -d $'a "quoted\\\n\xff.db' photos
    expect 3
    [ "$(value '$.images')" = 6 ]
}

@test "a progress line, on a terminal only" {
    script -qec true /dev/null > /dev/null 2>&1 || skip "no pseudo-terminal here"
    command -v script > command || skip "no script"
    make_photos
    head -c 300 photos/ants/1.jpg > photos/ants/cut.jpg
    script -qec "'$extract' -m network.onnx -b 1 -t 1 photos" typescript < /dev/null > screen ||
        [ $? -eq 3 ]
    tr '\r' '\n' < typescript > shown
    grep -q $'^\e\[K[0-9]*/6 images' shown
    grep -q $'^\e\[K'"refused: 'photos/ants/cut.jpg' is a truncated JPEG" shown
    grep -q '^\(.\[K\)*images     6' shown
    extract photos
    [[ $stderr != *$'\e'* ]]
}

# ---- the network -----------------------------------------------------------------------------

@test "--describe: layers, the cut, the rule, digests; nothing else is done" {
    run_extract -m network.onnx --describe nowhere
    expect 0 "*assuming --preprocess torchvision"
    grep -q "convolution 3x3 / 2 + relu .* 8x8x8 .* 216 .* t1$" <<< "$output"
    grep -A 1 " features$" <<< "$output" | grep -q "'features', averaged over the map, 14 numbers"
    grep -q "^sha256  *$(sha256sum network.onnx | cut -c 1-64)$" <<< "$output"
    grep -q "^preprocess  *fit=shorter-side,resize=19,crop=17x17,filter=bilinear,.*(assumed)$" <<< "$output"
    grep -q "^file  *network.onnx$" <<< "$output"
    [ ! -e features.db ]
    extract --describe -l t9 -p none
    expect 0
    grep -q "'t9', flattened, 192 numbers" <<< "$output"
    [[ $output != *"(assumed)"* ]]
}

@test "several layers in one pass, a feature set each; by the name of a tensor or a node" {
    make_photos
    extract -l features -l concat9 -l t2 photos
    expect 0
    [ "${#lines[@]}" -eq 8 ]
    holds "SELECT feature_set.id, layer, pooling, dimension, count(*), min(length(data)),
                  max(length(data)), count(DISTINCT data)
             FROM feature_set JOIN vector ON feature_set_id = feature_set.id GROUP BY 1" <<'EXPECTED'
1|features|avg|14|5|56|56|5
2|t9|avg|12|5|48|48|5
3|t2|avg|8|5|32|32|5
EXPECTED
    # The same vectors as one by one.
    contents > together
    for layer in t2 t9 features; do extract -l $layer -d single.db photos; done
    contents single.db | diff together -
    # The bottleneck is in there already; another layer is not.
    extract photos
    expect 0
    counts 5 0 5 0
    extract -l features -l t4 photos
    expect 0
    counts 5 5 0 0
    holds "SELECT count(*) FROM vector" <<< 20
}

@test "a layer that is named twice is one feature set" {
    make_photos
    extract -l t2 -l features -l t2 --json photos
    expect 0
    [ "$(value '$.feature_sets[0].layer') $(value '$.feature_sets[1].layer')" = "t2 features" ]
    [ -z "$(value '$.feature_sets[2].layer')" ]
    extract -l t2 -l t2 photos
    expect 0
    [ "$(grep -c '^dimension' <<< "$output")" -eq 1 ]
    holds "SELECT count(*), (SELECT count(*) FROM feature_set) FROM vector" <<< "10|2"
}

@test "-p: flattened, averaged, maximum; a feature set each" {
    make_photos
    extract photos/top.jpg
    for how in none max avg auto; do
        extract -p $how photos/top.jpg
        expect 0
    done
    counts 1 0 1 0
    holds "SELECT pooling, dimension, length(data) FROM feature_set
             JOIN vector ON feature_set_id = feature_set.id ORDER BY feature_set.id" <<'EXPECTED'
avg|14|56
none|224|896
max|14|56
EXPECTED
    # What a network flattens itself is flattened, unless asked otherwise.
    run_extract -m "$golden/net_plain.onnx" -q -d plain.db photos/top.jpg
    expect 0
    run_extract -m "$golden/net_plain.onnx" -q -p avg -d plain.db photos/top.jpg
    expect 0
    diff - <(query "SELECT pooling, dimension FROM feature_set" plain.db) <<'EXPECTED'
none|72
avg|8
EXPECTED
}

@test "--preprocess: a preset, changes to it, both; each is a feature set of its own" {
    make_photos
    for rule in torchvision torchvision-tf torchvision,filter=bicubic keras-caffe; do
        run_extract -m network.onnx --preprocess $rule photos
        expect 0
    done
    # Changes alone change what was assumed.
    for rule in scale=1/127.5,mean=1,deviation=1 fit=pad; do
        run_extract -m network.onnx --preprocess $rule photos
        expect 0 "*assuming --preprocess torchvision"
    done
    holds "SELECT preprocessing FROM feature_set ORDER BY id" <<'EXPECTED'
fit=shorter-side,resize=19,crop=17x17,filter=bilinear,order=rgb,scale=1/255,mean=0.485:0.456:0.406,deviation=0.229:0.224:0.225
fit=shorter-side,resize=19,crop=17x17,filter=bilinear,order=rgb,scale=1/127.5,mean=1,deviation=1
fit=shorter-side,resize=19,crop=17x17,filter=bicubic,order=rgb,scale=1/255,mean=0.485:0.456:0.406,deviation=0.229:0.224:0.225
fit=squash,resize=17x17,crop=17x17,filter=nearest,order=bgr,scale=1,mean=103.939:116.779:123.68,deviation=1
fit=pad,resize=17x17,crop=17x17,filter=bilinear,order=rgb,scale=1/255,mean=0.485:0.456:0.406,deviation=0.229:0.224:0.225
EXPECTED
    holds "SELECT count(*), count(DISTINCT data) FROM vector" <<< "25|25"
    # torchvision-tf and its own spelling are the same rule, so the fifth run was cached.
    # The rule of --describe and of the database parses back to the same one.
    run_extract -m network.onnx --preprocess "timm,$(query 'SELECT preprocessing FROM feature_set
                                                             WHERE id = 4')" photos
    expect 0
    counts 5 0 5 0
    run_extract -m network.onnx --preprocess crop=16 photos
    expect 1 "bottleneck-extract: --preprocess: the network takes images of 17x17, not a crop of 16x16"
}

@test "a network of one channel gets gray images" {
    local network=$golden/conv_one_channel.onnx gray
    image photos/ants --count 3 --seed 2
    run_extract -m "$network" --preprocess torchvision-tf photos
    expect 0
    counts 3 3 0 0
    run_extract -m "$network" --preprocess torchvision-tf,order=gray -b 2 --views flip photos
    expect 0
    counts 3 3 0 0
    gray=fit=shorter-side,resize=10,crop=9x8,filter=bilinear,order=gray,scale=1/127.5,mean=1,deviation=1
    holds "SELECT preprocessing, count(*), count(DISTINCT hex(data)) FROM vector
           JOIN feature_set ON feature_set.id = feature_set_id" <<< "$gray|6|6"
    run_extract -m "$network" --preprocess torchvision-tf --describe
    expect 0
    [[ $output == *"$gray"* ]]
    extract --preprocess torchvision,order=gray photos
    expect 1 "bottleneck-extract: the network 'network.onnx': it takes images of 3 channels, not order=gray"
}

@test "the same bytes for every batch size and number of threads" {
    local settings="1x1 3x2 8x5 8x1 5x2 16x3"
    if is_instrumented; then settings="1x1 3x2 8x5"; fi
    image photos/ants --count 11 --seed 20
    image photos/bees --count 8 --pattern dots --seed 40 --format png --width 70 --height 90
    extract -q -d reference.db photos
    expect 0
    contents reference.db > reference
    for setting in $settings; do
        extract -q -b "${setting%x*}" -t "${setting#*x}" -d "$setting.db" photos
        expect 0
        contents "$setting.db" | diff reference -
    done
}
