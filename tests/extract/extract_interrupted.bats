#!/usr/bin/env bats
# Runs that are killed, stopped or share their database, and the memory that a run takes.

load extract_helpers

# make_slow COUNT: photos that take about 20 ms each to decode, and differ behind their end.
make_slow() {
    image large.jpg --width 2200 --height 2000
    mkdir -p photos/ants photos/bees
    for i in $(seq "$1"); do
        cp large.jpg "photos/ants/$i.jpg"
        echo "$i" >> "photos/ants/$i.jpg"
    done
    mv photos/ants/*1.jpg photos/bees
}

# start ARGUMENT...: runs in the background with -v, its lines to be read from descriptor 4.
start() {
    rm -f lines
    mkfifo lines
    "$extract" -m network.onnx --preprocess torchvision -t 1 -b 4 -v "$@" \
        > summary 2> lines 3>&- &
    pid=$!
    exec 4< lines
}

# The exit status of what was started.
finish() {
    status=0
    wait $pid || status=$?
}

@test "kill -9 in the middle, then a restart: the content of an undisturbed run" {
    local count=50 first there
    if is_instrumented; then count=12; fi
    make_slow $count
    head -c 20000 large.jpg > photos/cut.jpg
    extract -q -d whole.db photos
    expect 3
    start photos
    # A line comes when the image is in the database.
    read -r first <&4
    kill -9 $pid
    finish
    exec 4<&-
    [ $status -eq 137 ]
    there=$(query "SELECT count(*) FROM vector")
    [ "$there" -gt 0 ]
    [ "$there" -lt $count ]
    [ "$(query "PRAGMA integrity_check")" = ok ]
    holds "SELECT count(*) FROM sample LEFT JOIN vector USING (image_id) WHERE data IS NULL" <<< 0
    extract photos
    [ $status -eq 3 ]
    counts $((count + 1)) $((count - there)) "$there" 1
    same_contents features.db whole.db
}

@test "kill -9 at any moment, again and again" {
    image photos/ants --count 40 --seed 10
    image photos/bees --count 40 --seed 100 --pattern rings
    # Moments are parts of the time that an undisturbed run takes.
    local moments=20 began moment
    if is_instrumented; then moments=4; fi
    began=$(date +%s%N)
    extract -q -b 1 -d whole.db photos
    local whole=$(($(date +%s%N) - began))
    for part in $(seq 0 $moments); do
        moment=$(printf '0.%09d' $((whole * part / moments % 1000000000)))
        rm -f features.db*
        for _ in 1 2; do
            "$extract" -m network.onnx -q -b 1 photos 3>&- &
            pid=$!
            sleep "$moment"
            kill -9 $pid 2> gone || true
            finish
        done
        extract photos
        expect 0
        [ "$(query "PRAGMA integrity_check; PRAGMA foreign_key_check")" = ok ]
        same_contents features.db whole.db
        [ ! -e features.db-journal ]
    done
}

@test "a transaction that was killed while it wrote is undone by the next run" {
    image photos --count 300
    extract -q photos
    contents > before
    cp features.db before.db
    mkfifo commands
    sqlite3 -batch features.db < commands > answers 3>&- &
    pid=$!
    exec 4> commands
    # A cache of two pages makes it write before it commits.
    echo "PRAGMA cache_size = 2; BEGIN; UPDATE vector SET data = zeroblob(4); DELETE FROM sample;
          SELECT 'halfway';" >&4
    await grep -q halfway answers
    kill -9 $pid
    finish
    exec 4>&-
    [ -s features.db-journal ]
    differ features.db before.db
    extract photos
    expect 0
    counts 300 0 300 0
    contents | diff before -
}

@test "Ctrl-C finishes the batch, commits and says where it stopped; a restart completes" {
    local count=50 stopped first signals="INT TERM"
    if is_instrumented; then count=12 signals=INT; fi
    make_slow $count
    extract -q -d whole.db photos
    for signal in $signals; do
        rm -f features.db
        start photos
        read -r first <&4
        kill -$signal $pid
        { echo "$first"; cat <&4; } > lines.read
        exec 4<&-
        finish
        [ $status -eq 1 ]
        [ ! -s summary ]
        stopped=$(sed -n "s/^bottleneck-extract: stopped after \([0-9]*\) of $count images; start again to go on$/\1/p" lines.read)
        [ "$stopped" -gt 0 ]
        [ "$stopped" -lt $count ]
        [ "$(grep -c '^extracted: ' lines.read)" -eq "$stopped" ]
        holds "SELECT count(*) FROM sample JOIN vector USING (image_id)" <<< "$stopped"
        extract photos
        expect 0
        counts $count $((count - stopped)) "$stopped" 0
        same_contents features.db whole.db
    done
}

@test "several runs into one database at the same time: every row once" {
    local rounds=6 round i runs=()
    if is_instrumented; then rounds=2; fi
    image photos/ants --count 60 --seed 10 --width 12 --height 9
    image photos/bees --count 60 --seed 100 --width 12 --height 9 --pattern rings
    cp "$golden/net_dense.onnx" other.onnx
    extract -q -d whole.db photos
    run_extract -m other.onnx -q -d whole.db photos
    for round in $(seq $rounds); do
        rm -f features.db
        runs=()
        for i in 1 2 3 4 5 6; do
            if [ $i -le 4 ]; then network=network.onnx; else network=other.onnx; fi
            "$extract" -m $network -q -b $((i * round)) -t 1 photos > $i.out 2>&1 3>&- &
            runs+=($!)
        done
        for i in "${runs[@]}"; do wait "$i"; done
        cat ./*.out
        [ "$(cat ./*.out | wc -c)" -eq 0 ]
        same_contents features.db whole.db
        holds "SELECT count(*) FROM image UNION ALL SELECT count(*) FROM vector" <<< $'120\n240'
    done
}

@test "memory does not grow with the number of images" {
    if is_instrumented; then skip "instrumented programs hold memory of their own"; fi
    image few --count 50
    image many --count 1500
    local folder
    for folder in few many; do
        run --separate-stderr "$BUILD/tests/peak_memory" $folder.peak \
            "$extract" -m network.onnx -q -d $folder.db $folder
        expect 0
    done
    [ "$(query "SELECT count(*) FROM vector" many.db)" -eq 1500 ]
    echo "peaks: $(cat few.peak) and $(cat many.peak) kB"
    [ $(($(cat many.peak) - $(cat few.peak))) -lt 4000 ]
    # The second run, which reads and finds, as well.
    "$BUILD/tests/peak_memory" again.peak "$extract" -m network.onnx -q -d many.db many
    [ $(($(cat again.peak) - $(cat few.peak))) -lt 4000 ]
}

@test "memory does not grow with files that are no images" {
    if is_instrumented; then skip "instrumented programs hold memory of their own"; fi
    image photos/one.jpg
    "$BUILD/tests/peak_memory" without.peak "$extract" -m network.onnx -q -d without.db photos
    printf 'PK\3\4' > photos/archive.zip
    truncate -s 300M photos/archive.zip
    "$BUILD/tests/peak_memory" with.peak "$extract" -m network.onnx -q photos
    [ $(($(cat with.peak) - $(cat without.peak))) -lt 4000 ]
}
