#!/usr/bin/env bats
# What bottleneck-extract remembers: vectors by content, samples by path, refusals until repaired.

load extract_helpers

@test "a second run finds everything in the database and says so" {
    make_photos
    extract photos
    expect 0
    counts 5 5 0 0
    contents > first
    extract photos
    expect 0
    counts 5 0 5 0
    [ "${lines[2]}" = "cached     5  (the network was not run)" ]
    contents | diff first -
    extract --json photos
    [ "$(value '$.extracted') $(value '$.cached')" = "0 5" ]
}

@test "every vector has its image, its sample and its way of being made" {
    make_photos
    extract photos
    holds "SELECT path, label, width, height, image.format, image.bytes = length(readfile(path)),
                  length(data), view, layer, pooling, network.name, network.format,
                  network.bytes = length(readfile('network.onnx'))
             FROM vector JOIN image ON image.id = vector.image_id
             JOIN sample ON sample.image_id = image.id
             JOIN feature_set ON feature_set.id = feature_set_id
             JOIN network ON network.id = network_id ORDER BY path" <<'EXPECTED'
photos/ants/1.jpg|ants|64|48|jpeg|1|56|original|features|avg|network.onnx|onnx|1
photos/ants/2.png|ants|64|48|png|1|56|original|features|avg|network.onnx|onnx|1
photos/bees/1.jpg|bees|64|48|jpeg|1|56|original|features|avg|network.onnx|onnx|1
photos/bees/2.jpg|bees|64|48|jpeg|1|56|original|features|avg|network.onnx|onnx|1
photos/top.jpg||64|48|jpeg|1|56|original|features|avg|network.onnx|onnx|1
EXPECTED
    while IFS='|' read -r path digest modified; do
        [ "$(sha256sum "$path" | cut -c 1-64)" = "$digest" ]
        [ "$(stat -c %Y "$path")" = "$modified" ]
    done < <(query "SELECT path, lower(hex(sha256)), modified_ns / 1000000000
                      FROM sample JOIN image ON image.id = image_id")
    [ "$(query "SELECT lower(hex(sha256)) FROM network")" = "$(sha256sum network.onnx | cut -c 1-64)" ]
}

@test "identical files under several paths cost one pass" {
    image photos/ants/1.jpg --seed 1
    for i in 2 3 4 5 6 7 8 9 10 11 12; do cp photos/ants/1.jpg photos/ants/$i.jpg; done
    image photos/bees/1.jpg --seed 2
    cp photos/ants/1.jpg photos/bees/2.jpg
    extract -b 4 photos
    expect 0
    counts 14 2 12 0
    holds "SELECT (SELECT count(*) FROM sample), (SELECT count(*) FROM image),
                  (SELECT count(*) FROM vector)" <<< "14|2|2"
}

@test "moved, renamed and copied files cost nothing; what is gone is forgotten" {
    make_photos
    extract photos
    mv photos/ants/1.jpg photos/bees/moved.jpg
    cp photos/bees/1.jpg photos/copy.jpg
    rm photos/bees/2.jpg
    extract photos
    expect 0
    counts 5 0 5 0 2
    [[ $output == *"forgotten  2  (their files are gone)"* ]]
    holds "SELECT path, label FROM sample ORDER BY path" <<'EXPECTED'
photos/ants/2.png|ants
photos/bees/1.jpg|bees
photos/bees/moved.jpg|bees
photos/copy.jpg|
photos/top.jpg|
EXPECTED
    # The vector of a file that is gone stays cached.
    holds "SELECT count(*) FROM vector" <<< 5
    image photos/bees/back.jpg --seed 4 --pattern rings
    extract photos
    expect 0
    counts 6 0 6 0
    # A file that is gone and named is an error line instead, and no sample any more.
    rm photos/top.jpg
    extract photos/top.jpg
    expect 3 "refused: cannot open 'photos/top.jpg': No such file or directory"
    holds "SELECT count(*) FROM sample WHERE path = 'photos/top.jpg'" <<< 0
    extract --json photos
    expect 0
    [ "$(value '$.forgotten')" = 1 ]
    holds "SELECT count(*) FROM refusal" <<< 0
}

@test "forgetting keeps to the folder that was named" {
    make_photos
    image others/1.jpg --seed 8
    image photos-2/1.jpg --seed 9
    extract photos others photos-2 "$PWD/others/1.jpg"
    counts 8 7 1 0
    rm -r photos/bees/2.jpg others photos-2
    extract photos
    expect 0
    counts 4 0 4 0 1
    holds "SELECT replace(path, '$PWD', '') FROM sample WHERE path NOT LIKE 'photos/%'
            ORDER BY path LIKE '/%', path" <<'EXPECTED'
others/1.jpg
photos-2/1.jpg
/others/1.jpg
EXPECTED
    # The current folder holds relative paths; an absolute one may be on a disk that is away.
    extract .
    expect 0
    counts 4 0 4 0 2
    holds "SELECT path LIKE '/%' FROM sample WHERE path NOT LIKE 'photos/%'" <<< 1
}

@test "a file that becomes something else is no sample any more" {
    make_photos
    extract photos
    rm photos/ants/1.jpg photos/ants/2.png photos/bees/1.jpg
    mkfifo photos/ants/1.jpg
    mkdir photos/ants/2.png
    echo "a text now" > photos/bees/1.jpg
    run --separate-stderr timeout 60 "$extract" -m network.onnx --preprocess torchvision photos
    expect 0
    holds "SELECT path FROM sample ORDER BY path" <<'EXPECTED'
photos/bees/2.jpg
photos/top.jpg
EXPECTED
    holds "SELECT count(*) FROM refusal" <<< 0
}

# The vector of a path, of its only feature set.
vector_of() {
    query "SELECT hex(data) FROM vector JOIN sample USING (image_id) WHERE path = '$1'"
}

@test "an edited file is a new image, whatever its time and size" {
    make_photos
    extract photos
    local before after
    before=$(vector_of photos/top.jpg)
    touch -r photos/top.jpg time
    image photos/top.jpg --seed 6 --pattern dots
    touch -r time photos/top.jpg
    extract photos
    expect 0
    counts 5 1 4 0
    after=$(vector_of photos/top.jpg)
    [ -n "$after" ]
    [ "$before" != "$after" ]
    holds "SELECT count(*) FROM sample" <<< 5
    # Back to what it was: that is cached still.
    image photos/top.jpg --seed 5
    extract photos
    counts 5 0 5 0
    [ "$(vector_of photos/top.jpg)" = "$before" ]
}

@test "--trust-times reads again only what looks changed" {
    make_photos
    image photos/size.png --format png --seed 7
    image photos/time.png --format png --seed 8
    extract photos
    # Same size and time, other content: that is what is trusted.
    local size
    size=$(stat -c %s photos/size.png)
    touch -r photos/size.png time
    head -c "$size" /dev/zero > photos/size.png
    touch -r time photos/size.png
    image photos/time.png --format png --seed 9
    touch -d '2001-01-01 12:00' photos/time.png
    extract --trust-times photos
    expect 0
    counts 7 1 6 0
    extract photos
    expect 3 "refused: 'photos/size.png' is nothing but zeros"
    counts 7 0 6 1
    # For another feature set it must be read.
    extract --trust-times -l t2 photos
    [ $status -eq 3 ]
    counts 7 6 0 1
}

@test "another label, split or group replaces the one before, without a pass" {
    make_photos
    extract --split train photos
    mv photos/ants photos/wasps
    extract --split val photos
    expect 0
    counts 5 0 5 0 2
    holds "SELECT label, split, count(*) FROM sample GROUP BY 1, 2" <<'EXPECTED'
|val|1
bees|val|2
wasps|val|2
EXPECTED
    extract --label insect photos/top.jpg
    holds "SELECT label, split FROM sample WHERE path = 'photos/top.jpg'" <<< "insect|"
}

@test "another network, also under the same name, is another feature set" {
    make_photos
    extract photos
    cp "$golden/net_fire_dropout.onnx" network.onnx
    extract photos
    expect 0
    counts 5 5 0 0
    cp "$golden/net_fire.onnx" renamed.onnx
    run_extract -m renamed.onnx --preprocess torchvision photos
    expect 0
    counts 5 0 5 0
    holds "SELECT name, count(*) FROM network JOIN feature_set ON network_id = network.id
             JOIN vector ON feature_set_id = feature_set.id GROUP BY network.id" <<'EXPECTED'
network.onnx|5
network.onnx|5
EXPECTED
}

@test "a refusal is recorded with its reason, and removed when the file is repaired" {
    make_photos
    cp photos/top.jpg whole.jpg
    head -c 400 whole.jpg > photos/top.jpg
    : > photos/bees/empty.jpg
    extract photos
    expect 3 "refused: 'photos/bees/empty.jpg' is empty" \
        "refused: 'photos/top.jpg' is a truncated JPEG"
    counts 6 4 0 2
    holds "SELECT path, reason FROM refusal" <<'EXPECTED'
photos/bees/empty.jpg|'photos/bees/empty.jpg' is empty
photos/top.jpg|'photos/top.jpg' is a truncated JPEG
EXPECTED
    holds "SELECT count(*) FROM sample" <<< 4
    cp whole.jpg photos/top.jpg
    rm photos/bees/empty.jpg
    extract photos
    expect 0
    counts 5 1 4 0 1
    holds "SELECT count(*) FROM refusal" <<< 0
    # And the other way round: a sample that breaks is a sample no more.
    head -c 400 whole.jpg > photos/top.jpg
    extract photos
    expect 3 "refused: 'photos/top.jpg' is a truncated JPEG"
    holds "SELECT count(*) FROM sample" <<< 4
    # Refused in a run before is refused again, not taken for cached.
    extract photos
    expect 3 "refused: 'photos/top.jpg' is a truncated JPEG"
    counts 5 0 4 1
}

@test "-d: another database; none is made when nothing can be done" {
    make_photos
    mkdir elsewhere
    extract -d elsewhere/my.db photos
    expect 0
    [ ! -e features.db ]
    [ "$(query "SELECT count(*) FROM vector" elsewhere/my.db)" -eq 5 ]
    # Names that SQLite knows otherwise are names of files.
    for name in :memory: file:x.db?mode=memory; do
        extract -q -d "$name" photos
        expect 0
        [ -s "$name" ]
    done
    run_extract -m missing.onnx photos
    expect 1 "bottleneck-extract: cannot open 'missing.onnx': No such file or directory"
    [ ! -e features.db ]
}

@test "the database at rest is one file of the documented version" {
    make_photos
    extract photos
    ls | diff - <(printf '%s\n' features.db network.onnx photos)
    holds "PRAGMA application_id; PRAGMA integrity_check; PRAGMA foreign_key_check" <<'EXPECTED'
1651403622
ok
EXPECTED
    schema=$BATS_TEST_DIRNAME/../../features.db.schema
    [ "$(query 'PRAGMA user_version')" = "$(sed -n 's/^PRAGMA user_version = \([0-9]*\);.*/\1/p' "$schema")" ]
    holds "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
              AND name NOT LIKE 'experiment%' ORDER BY name" <<'EXPECTED'
feature_set
image
network
refusal
sample
vector
EXPECTED
}
