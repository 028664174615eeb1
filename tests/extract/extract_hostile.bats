#!/usr/bin/env bats
# Images, networks and databases that cannot be used: a clear error, nothing lost, no crash.

load extract_helpers

# ---- images ----------------------------------------------------------------------------------

@test "very small and very narrow images" {
    image photos/one.png --width 1 --height 1 --format png
    image photos/one.jpg --width 1 --height 1
    image photos/narrow.png --width 3 --height 900 --format png
    image photos/flat.jpg --width 900 --height 3
    extract photos
    expect 0
    counts 4 4 0 0
    holds "SELECT path, width, height FROM sample JOIN image ON image.id = image_id ORDER BY path" <<'EXPECTED'
photos/flat.jpg|900|3
photos/narrow.png|3|900
photos/one.jpg|1|1
photos/one.png|1|1
EXPECTED
}

@test "a header that claims 60000 x 60000 pixels is refused before memory is asked for" {
    image photos/good.jpg
    huge_png > photos/huge.png
    huge_jpeg > photos/huge.jpg
    run --separate-stderr "$BUILD/tests/peak_memory" peak \
        "$extract" -m network.onnx --preprocess torchvision photos
    expect 3 \
        "refused: 'photos/huge.jpg' has 60000 x 60000 pixels, more than the limit of 100000000" \
        "refused: 'photos/huge.png' has 60000 x 60000 pixels, more than the limit of 100000000"
    counts 3 1 0 2
    is_instrumented || [ "$(cat peak)" -lt 100000 ]
}

@test "--max-pixels sets the limit" {
    image photos/a.jpg --width 64 --height 48
    image photos/b.png --width 48 --height 64 --format png
    extract --max-pixels 3071 photos
    expect 3 "refused: 'photos/a.jpg' has 64 x 48 pixels, more than the limit of 3071" \
        "refused: 'photos/b.png' has 48 x 64 pixels, more than the limit of 3071"
    extract --max-pixels 3072 photos
    expect 0
    counts 2 2 0 0
    holds "SELECT count(*) FROM refusal" <<< 0
}

@test "a file that is cut off anywhere is refused, never half used" {
    image whole.jpg --width 120 --height 90
    image whole.png --width 120 --height 90 --format png
    mkdir cut
    local step=9
    if is_instrumented; then step=4; fi
    for i in $(seq 1 $step); do
        for file in whole.jpg whole.png; do
            head -c $(($(stat -c %s $file) * i / (step + 1))) $file > "cut/$i.$file"
        done
    done
    # All but the end marker: the last pixels may be there, the file is not whole.
    head -c -2 whole.jpg > cut/end.whole.jpg
    head -c -12 whole.png > cut/end.whole.png
    head -c 2 whole.jpg > cut/2.bytes.jpg
    extract cut
    [ $status -eq 3 ]
    counts $((2 * step + 3)) 0 0 $((2 * step + 3))
    holds "SELECT count(*) FROM refusal WHERE reason LIKE '%is a truncated JPEG%'" <<< $((step + 2))
    holds "SELECT count(*) FROM refusal WHERE reason LIKE '%is a truncated PNG%'" <<< $((step + 1))
    holds "SELECT count(*) FROM vector" <<< 0
}

@test "damaged bytes: refused or decoded, no crash" {
    image whole.jpg --width 40 --height 30
    image whole.png --width 40 --height 30 --format png
    mkdir damaged
    local count=25 size at file
    if is_instrumented; then count=12; fi
    RANDOM=1
    for i in $(seq $count); do
        for file in whole.jpg whole.png; do
            cp $file "damaged/$i.$file"
            size=$(stat -c %s $file)
            for _ in 1 2 3; do
                at=$((RANDOM % size))
                printf "\\x$(printf %02x $((RANDOM % 256)))" |
                    dd of="damaged/$i.$file" bs=1 seek=$at conv=notrunc status=none
            done
        done
    done
    extract damaged
    [ $status -eq 0 ] || [ $status -eq 3 ]
    holds "SELECT (SELECT count(*) FROM sample) + (SELECT count(*) FROM refusal)" <<< $((2 * count))
    holds "SELECT count(*) FROM sample LEFT JOIN vector USING (image_id) WHERE data IS NULL" <<< 0
}

@test "images and folders without permission" {
    make_photos
    let_in
    chmod 0 photos/ants/1.jpg photos/bees
    run --separate-stderr without_rights "$extract" -m network.onnx --preprocess torchvision photos
    expect 3 "refused: cannot open folder 'photos/bees': Permission denied" \
        "refused: cannot open 'photos/ants/1.jpg': Permission denied"
    counts 4 2 0 2
    chmod a+r photos/ants/1.jpg
    # Readable, but nothing in it can be reached.
    chmod a+r photos/bees
    run --separate-stderr without_rights "$extract" -m network.onnx --preprocess torchvision photos
    expect 3 "refused: cannot open 'photos/bees/1.jpg': Permission denied" \
        "refused: cannot open 'photos/bees/2.jpg': Permission denied"
    counts 5 1 2 2
    holds "SELECT path FROM refusal ORDER BY path" <<'EXPECTED'
photos/bees/1.jpg
photos/bees/2.jpg
EXPECTED
    # What cannot be looked at is not taken for gone.
    chmod a+rx photos/bees
    run --separate-stderr without_rights "$extract" -m network.onnx -q photos
    expect 0
    chmod 0 photos/bees
    run --separate-stderr without_rights "$extract" -m network.onnx --preprocess torchvision photos
    expect 3 "refused: cannot open folder 'photos/bees': Permission denied"
    counts 4 0 3 1
    holds "SELECT count(*) FROM sample; SELECT path FROM refusal" <<'EXPECTED'
5
photos/bees
EXPECTED
    chmod a+rx photos/bees
    run --separate-stderr without_rights "$extract" -m network.onnx --preprocess torchvision photos
    expect 0
    holds "SELECT count(*) FROM refusal" <<< 0
}

# ---- networks --------------------------------------------------------------------------------

@test "what is no network: nothing, a text, an image, a folder, a FIFO" {
    make_photos
    : > empty.onnx
    echo "this is a text, not a network, long enough to look like something" > text.onnx
    mkdir folder.onnx
    mkfifo fifo.onnx
    while IFS='|' read -r file message; do
        run --separate-stderr timeout 60 "$extract" -m $file photos
        expect 1 "bottleneck-extract: $message"
        [ -z "$output" ]
        [ ! -e features.db ]
    done <<'CASES'
missing.onnx|cannot open 'missing.onnx': No such file or directory
empty.onnx|cannot read 'empty.onnx': it is empty
text.onnx|'text.onnx' is not a network in a format that is read here (*ONNX*)
photos/top.jpg|'photos/top.jpg' is not a network in a format that is read here (*ONNX*)
folder.onnx|cannot read 'folder.onnx': it is a directory
fifo.onnx|cannot read 'fifo.onnx': it is a FIFO
CASES
}

@test "a network file that is cut off" {
    make_photos
    local size step=200
    size=$(stat -c %s network.onnx)
    if is_instrumented; then step=900; fi
    for length in $(seq 1 $step $((size - 1))) $((size - 1)) $((size - 20)); do
        head -c "$length" network.onnx > cut.onnx
        run_extract -m cut.onnx photos
        [ $status -eq 1 ]
        [ -z "$output" ]
        [[ $stderr == "bottleneck-extract: "*"'cut.onnx'"* ]]
        [ ! -e features.db ]
    done
}

@test "weights of the wrong size" {
    make_photos
    # The first weights say 8 x 3 x 3 x 3 numbers: make it 9 x 3 x 3 x 3.
    LC_ALL=C sed -z 's/\x08\x08\x08\x03\x08\x03\x08\x03\x10\x01B\x02w0/\x08\x09\x08\x03\x08\x03\x08\x03\x10\x01B\x02w0/' \
        network.onnx > wrong.onnx
    differ network.onnx wrong.onnx
    run_extract -m wrong.onnx photos
    expect 1 "bottleneck-extract: *'wrong.onnx'*'w0'*"
    [ ! -e features.db ]
}

@test "an operator that is not there: before the cut an error that names it, behind it nothing" {
    make_photos
    mkfifo photos/fifo
    LC_ALL=C sed 's/relu6"\x04Relu/relu6"\x04Rely/' network.onnx > before.onnx
    differ network.onnx before.onnx
    run_extract -m before.onnx --preprocess torchvision photos missing.jpg
    expect 1 "bottleneck-extract: *'before.onnx'*Rely 'relu6'*not supported"
    [ ! -e features.db ]
    LC_ALL=C sed 's/relu18"\x04Relu/relu18"\x04Rely/' network.onnx > behind.onnx
    differ network.onnx behind.onnx
    run_extract -m behind.onnx --preprocess torchvision -l features photos
    expect 0
    counts 5 5 0 0
    extract -q -d other.db photos
    [ "$(query "SELECT hex(data) FROM vector" | sort)" = "$(query "SELECT hex(data) FROM vector" other.db | sort)" ]
    # The layers before it can still be had.
    run_extract -m before.onnx --preprocess torchvision -l t4 photos
    expect 0
}

@test "a network that gives infinities: it is to blame, and named; nothing is stored" {
    make_photos
    LC_ALL=C sed -z 's/\(B\x02w0J\xe0\x06\)..../\1\x00\x00\x80\x7f/' network.onnx > infinite.onnx
    differ network.onnx infinite.onnx
    run_extract -m infinite.onnx --preprocess torchvision -l t1 photos
    expect 1 "bottleneck-extract: layer 't1' of the network gives infinities or NaN*"
    [ -z "$output" ]
    holds "SELECT (SELECT count(*) FROM vector), (SELECT count(*) FROM sample)" <<< "0|0"
    LC_ALL=C sed -z 's/\(B\x02w0J\xe0\x06\)..../\1\x00\x00\xc0\x7f/' network.onnx > nan.onnx
    run_extract -m nan.onnx --preprocess torchvision photos
    expect 1 "bottleneck-extract: *NaN*"
    holds "SELECT (SELECT count(*) FROM vector), (SELECT count(*) FROM sample)" <<< "0|0"
}

@test "a network that does not take photos" {
    make_photos
    while IFS='|' read -r name message; do
        run_extract -m "$golden/$name.onnx" --preprocess torchvision photos
        expect 1 "bottleneck-extract: $message"
        [ ! -e features.db ]
    done <<'CASES'
size_free|*takes images of * channels, photos have 3 or 1
CASES
}

# ---- databases -------------------------------------------------------------------------------

@test "what is no database of ours is refused and left as it is" {
    make_photos
    echo "this is a text file, and long enough to be looked at as a database" > text.db
    cp photos/top.jpg image.db
    query "CREATE TABLE notes (text)" other.db
    query "PRAGMA application_id = 5" claimed.db
    mkdir folder.db
    mkfifo fifo.db
    extract -q -d newer.db photos/top.jpg
    version=$(query "PRAGMA user_version" newer.db)
    query "PRAGMA user_version = 99" newer.db
    extract -q -d damaged.db photos
    printf '%030000d' 0 | dd of=damaged.db bs=1 seek=4096 conv=notrunc status=none
    sha256sum {text,image,other,claimed,newer,damaged}.db > before
    while IFS='|' read -r file message; do
        run --separate-stderr timeout 60 "$extract" -m network.onnx --preprocess torchvision -d $file photos
        expect 1 "bottleneck-extract: $message"
        [ -z "$output" ]
    done <<CASES
text.db|'text.db' is not a database
image.db|'image.db' is not a database
other.db|'other.db' is a database of another program
claimed.db|'claimed.db' is a database of another program
newer.db|'newer.db' has version 99 of the schema, newer than this program's $version
folder.db|cannot read 'folder.db': it is a directory
fifo.db|cannot read 'fifo.db': it is a FIFO
missing/x.db|cannot create 'missing/x.db': No such file or directory
CASES
    run_extract -m network.onnx --preprocess torchvision -d damaged.db photos
    expect 1 "bottleneck-extract: 'damaged.db' is damaged: *"
    sha256sum -c --quiet before
}

@test "a database or a folder that is read-only" {
    make_photos
    let_in
    run --separate-stderr without_rights "$extract" -q -m network.onnx photos/ants
    expect 0
    contents > before
    chmod a-w features.db
    [ "$(id -u)" -ne 0 ] || chown 0 features.db
    run --separate-stderr without_rights "$extract" -m network.onnx --preprocess torchvision photos
    expect 1 "bottleneck-extract: cannot write 'features.db': it is read-only"
    contents | diff before -
    chmod a+w features.db
    chmod a-w .
    run --separate-stderr without_rights "$extract" -m network.onnx --preprocess torchvision photos
    chmod u+w .
    expect 1 "bottleneck-extract: cannot *'features.db'*"
    chmod u+w . && rm -f features.db && chmod a-w .
    run --separate-stderr without_rights "$extract" -m network.onnx --preprocess torchvision photos
    chmod u+w .
    expect 1 "bottleneck-extract: cannot *'features.db'*"
    [ ! -e features.db ]
}

@test "a lock of another process is waited for" {
    make_photos
    extract -q photos/ants
    mkfifo commands
    sqlite3 -batch features.db < commands > answers 3>&- &
    exec 4> commands
    echo "BEGIN EXCLUSIVE; SELECT 'locked';" >&4
    await grep -q locked answers
    "$extract" -m network.onnx --preprocess torchvision photos > summary 2> errors 3>&- 4>&- &
    local pid=$!
    sleep 0.3
    # It waits, as the lock is still there.
    kill -0 $pid
    echo "COMMIT;" >&4
    exec 4>&-
    wait $pid
    [ ! -s errors ]
    output=$(cat summary)
    counts 5 3 2 0
}

@test "a full disk: nothing is lost, and it goes on when there is room" {
    image photos/ants --count 120 --seed 10 --width 8 --height 8
    extract -q -d whole.db photos
    expect 0
    local room
    for room in 20 60 90; do
        rm -f features.db*
        # The limit on the size of a file stands for the disk's; it must not be a signal.
        run --separate-stderr bash -c "trap '' XFSZ; ulimit -f $room
            '$extract' -m network.onnx --preprocess torchvision photos"
        expect 1 "bottleneck-extract: cannot * 'features.db': *"
        [ -z "$output" ]
        [ "$(query "PRAGMA integrity_check")" = ok ]
        extract -q photos
        expect 0
        same_contents features.db whole.db
    done
}

@test "a full disk is named" {
    unshare -rm true 2> refused || skip "no file system of a test's own can be made here"
    image photos/ants --count 60 --seed 10 --width 8 --height 8
    mkdir disk
    run --separate-stderr unshare -rm bash -c "
        mount -t tmpfs -o size=100k none disk || exit 99
        '$extract' -m network.onnx --preprocess torchvision -d disk/features.db photos
        echo \$?; cp disk/features.db left.db"
    [ "$output" != 99 ] || skip "no file system of a test's own can be made here"
    [ "$output" = 1 ]
    [ "$stderr" = "bottleneck-extract: cannot write 'disk/features.db': the disk is full" ]
    [ "$(query "PRAGMA integrity_check" left.db)" = ok ]
}
