#!/usr/bin/env bats
# Views: every one a vector under its own key, made from one decode, computed once.

load extract_helpers

# computed COMPUTED CACHED: what the summary says about views.
computed() {
    [[ $output == *"($1 computed, $2 cached)"* ]] && return
    echo "$output"
    return 1
}

views_held() { query "SELECT DISTINCT view FROM vector ORDER BY view"; }

@test "--help names every preset, and --json every view" {
    run_extract --help
    for preset in none flip five-crop ten-crop razavian; do
        grep -q "^  $preset " <<< "$output"
    done
    grep -q -e " --views-file FILE" <<< "$output"
    make_photos
    extract --views ten-crop --json photos
    expect 0
    [ "$(value '$.views[0]') $(value '$.views[9]')" = "original crop=bottom-right,flip" ]
    [ "$(value '$.views_computed')" = 50 ]
    extract --json photos
    [ "$(value '$.views')" = '["original"]' ]
    [ "$(value '$.views_computed')" = 0 ]
}

@test "views that are cached are not computed again, whatever they were asked for with" {
    make_photos
    extract photos
    counts 5 5 0 0
    [[ $output != *views* ]]
    extract --views flip photos
    expect 0
    counts 5 5 0 0
    computed 5 5
    extract --views five-crop photos
    computed 20 5
    extract --views ten-crop photos
    computed 20 30
    extract --views razavian photos
    computed 70 10
    for views in none flip five-crop ten-crop razavian; do
        extract --views $views photos
        expect 0
        counts 5 0 5 0
        [[ $output == *"(the network was not run)"* ]]
    done
    holds "SELECT count(*), count(DISTINCT view), count(DISTINCT data) FROM vector" <<< "120|24|120"
    # A new image gets all of them, also where another layer has some.
    image photos/new.jpg --seed 9
    extract --views flip photos
    counts 6 1 5 0
    computed 2 10
    extract --views flip -l t2 photos
    computed 12 0
    extract --views five-crop -l t2 -l features photos
    computed 24 6
}

@test "the original is the same with views and without, alone and among others" {
    make_photos
    extract -d none.db photos
    for views in flip ten-crop razavian; do
        extract -d $views.db --views $views photos
        query "DELETE FROM vector WHERE view <> 'original'" $views.db
        same_contents none.db $views.db
    done
}

@test "vectors do not depend on batch, threads, or what was cached before" {
    image photos/1.jpg --seed 1 --width 40 --height 31
    image photos/2.png --seed 2 --width 17 --height 90 --format png
    for i in 3 4 5 6 7; do image photos/$i.jpg --seed $i; done
    extract -d all.db -b 8 -t 2 --views razavian photos
    computed 112 0
    extract -d one.db -b 1 -t 1 --views razavian photos
    same_contents all.db one.db
    extract -d large.db -b 300 -t 3 --views razavian photos
    same_contents all.db large.db
    extract -d steps.db -b 3 photos
    extract -d steps.db -b 5 --views flip photos
    query "DELETE FROM vector WHERE id % 3 = 0" steps.db
    extract -d steps.db -b 7 --views razavian photos
    same_contents all.db steps.db
}

# Vectors that are too long to be kept until a transaction is due.
@test "many views of long vectors" {
    make_photos
    seq 60 | sed 's/^/rotate=/' > views
    extract -b 64 --pool none -l t2 --views-file views photos
    expect 0
    counts 5 5 0 0
    computed 305 0
    holds "SELECT count(*), count(DISTINCT data) FROM vector" <<< "305|305"
}

# mirrored JPEG: the same file with an EXIF orientation that mirrors it.
mirrored() {
    head -c 2 "$1"
    printf '\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x02\0\0\0\0\0\0\0'
    tail -c +3 "$1"
}

@test "the mirror of an image is the original of a mirrored one, bit by bit" {
    image a.jpg --seed 1 --width 17 --height 17
    mirrored a.jpg > b.jpg
    run_extract -m network.onnx --preprocess torchvision,fit=squash,resize=17 --views flip a.jpg b.jpg
    expect 0
    holds "SELECT count(*) FROM vector AS v JOIN vector AS w ON v.data = w.data AND v.id <> w.id
             JOIN sample AS s ON s.image_id = v.image_id JOIN sample AS t ON t.image_id = w.image_id
            WHERE s.path = 'a.jpg' AND t.path = 'b.jpg' AND v.view <> w.view" <<< 2
    holds "SELECT count(DISTINCT data) FROM vector" <<< 2
}

@test "--views-file: any views, the original always among them" {
    make_photos
    cat > views <<'VIEWS'
# small turns
rotate=7.5 , flip     # mirrored
crop=1/6:1/6:5/6:5/6

shift=0.1:-0.1
VIEWS
    extract --views-file views photos
    expect 0
    computed 20 0
    diff <(views_held) - <<'EXPECTED'
crop=1/6:1/6:5/6:5/6
original
rotate=7.5,flip
shift=0.1:-0.1
EXPECTED
    echo flip > views
    extract --views-file views photos
    computed 5 5
    extract --views flip photos
    computed 0 10
}

@test "what is wrong with views is said with its line, and nothing is done" {
    make_photos
    printf 'flip\nrotate=400\n' > views
    extract --views-file views photos
    expect 1 "bottleneck-extract: 'views' line 2: 'rotate=400': rotate takes degrees above -180 and up to 180, *"
    : > empty
    extract --views-file empty photos
    expect 1 "bottleneck-extract: 'empty': no view in it"
    extract --views-file missing photos
    expect 1 "bottleneck-extract: cannot open 'missing': No such file or directory"
    head -c 100000 /dev/urandom > noise
    extract --views-file noise photos
    [ $status -eq 1 ]
    [ ${#stderr_lines[@]} -eq 1 ]
    extract --views-file views --views flip photos
    expect 2 "bottleneck-extract: --views and --views-file exclude each other" "try *"
    extract --views mirror photos
    expect 2 "bottleneck-extract: --views takes one of none, flip, five-crop, ten-crop, razavian, not 'mirror'" "try *"
    run_extract -m network.onnx --preprocess keras-tf --views five-crop photos
    expect 1 "bottleneck-extract: the view 'crop=top-left' would show what the original does: *"
    [ ! -e features.db ]
}

@test "an image that cannot be used is refused once, with all of its views" {
    make_photos
    head -c 400 photos/top.jpg > photos/cut.jpg
    extract --views flip photos
    expect 3 "refused: 'photos/cut.jpg' is a truncated JPEG"
    counts 6 5 0 1
    computed 10 0
}
