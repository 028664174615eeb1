#!/usr/bin/env bats
# The ways of naming images to bottleneck-extract, and where labels, splits and groups come from.

load extract_helpers

samples() { holds "SELECT path, label, split, \"group\" FROM sample ORDER BY path"; }

# ---- folders ---------------------------------------------------------------------------------

@test "a folder: its first level of sub-folders are the labels" {
    make_photos
    image photos/ants/deep/er/3.jpg --seed 6
    extract --split train photos
    expect 0
    counts 6 6 0 0
    samples <<'EXPECTED'
photos/ants/1.jpg|ants|train|
photos/ants/2.png|ants|train|
photos/ants/deep/er/3.jpg|ants|train|
photos/bees/1.jpg|bees|train|
photos/bees/2.jpg|bees|train|
photos/top.jpg||train|
EXPECTED
}

@test "a folder of train and val: splits, with the labels in them" {
    image photos/train/ants --count 2 --seed 1
    image photos/val/bees --count 1 --seed 9
    extract photos
    expect 0 "bottleneck-extract: folders named as train, val and test are taken as splits*"
    counts 3 3 0 0
    holds "SELECT split, label, count(*) FROM sample GROUP BY split, label" <<'EXPECTED'
train|ants|2
val|bees|1
EXPECTED
    extract --split new photos
    expect 0
    holds "SELECT DISTINCT split FROM sample" <<< "new"
}

@test "paths are kept as given, without ./ and doubled slashes" {
    make_photos
    extract ./photos//ants/ "$PWD/photos/bees"
    expect 0
    counts 4 4 0 0
    samples <<EXPECTED
$PWD/photos/bees/1.jpg|||
$PWD/photos/bees/2.jpg|||
photos/ants/1.jpg|||
photos/ants/2.png|||
EXPECTED
    cd photos
    run_extract -m ../network.onnx -q -d ../other.db .
    expect 0
    cd ..
    diff - <(query "SELECT path, label FROM sample ORDER BY path" other.db) <<'EXPECTED'
ants/1.jpg|ants
ants/2.png|ants
bees/1.jpg|bees
bees/2.jpg|bees
top.jpg|
EXPECTED
}

@test "hidden files and what is plainly no image are passed over in a folder" {
    make_photos
    image photos/.hidden.jpg --seed 7
    image photos/ants/.thumbnails/1.jpg --seed 8
    echo "some notes" > photos/notes.txt
    echo "some notes" > photos/ants/notes.jpg
    printf 'PK\3\4 and the rest' > photos/archive.jpg
    cp network.onnx photos/
    cp photos/top.jpg photos/bees/no-ending
    extract -d photos/features.db photos
    expect 0
    counts 6 5 1 0
    # The database itself is in the folder now, and it is no image either.
    extract -d photos/features.db photos
    expect 0
    counts 6 0 6 0
    [ "$(query "SELECT count(*) FROM refusal" photos/features.db)" -eq 0 ]
}

@test "a film in the folder is not read, however long it is" {
    make_photos
    printf '\0\0\0\x18ftypisom' > photos/film.mp4
    truncate -s 3G photos/film.mp4 || skip "no file of 3 GB can be made here"
    extract photos
    expect 0
    counts 5 5 0 0
    extract photos/film.mp4
    expect 3 "refused: 'photos/film.mp4' is a film: only JPEG and PNG are read"
}

@test "links are followed, except in a circle" {
    make_photos
    mv photos/bees elsewhere
    ln -s ../elsewhere photos/bees
    ln -s ../../photos photos/ants/circle
    ln -s nowhere photos/ants/broken.jpg
    extract photos
    expect 3 "refused: cannot open 'photos/ants/broken.jpg': No such file or directory"
    counts 6 5 0 1
    samples <<'EXPECTED'
photos/ants/1.jpg|ants||
photos/ants/2.png|ants||
photos/bees/1.jpg|bees||
photos/bees/2.jpg|bees||
photos/top.jpg|||
EXPECTED
}

@test "a folder named x.jpg, a FIFO and an empty folder in a walk" {
    make_photos
    mkdir photos/ants/x.jpg photos/empty
    image photos/ants/x.jpg/inside.jpg --seed 9
    mkfifo photos/ants/fifo.jpg
    run --separate-stderr timeout 60 "$extract" -m network.onnx --preprocess torchvision photos
    expect 0
    counts 6 6 0 0
    holds "SELECT label FROM sample WHERE path = 'photos/ants/x.jpg/inside.jpg'" <<< ants
}

@test "a folder without images: nothing to do, which is no failure" {
    mkdir empty
    extract empty
    expect 0
    counts 0 0 0 0
}

# ---- files -----------------------------------------------------------------------------------

@test "a file; hidden ones too; the content decides, not the name" {
    make_photos
    image .hidden.jpg --seed 7
    image photo.txt --seed 8 --format png
    extract .hidden.jpg photo.txt photos/top.jpg
    expect 0
    counts 3 3 0 0
    samples <<'EXPECTED'
.hidden.jpg|||
photo.txt|||
photos/top.jpg|||
EXPECTED
    holds "SELECT format, count(*) FROM image GROUP BY format" <<'EXPECTED'
jpeg|2
png|1
EXPECTED
}

@test "a path that is named and cannot be used is an error line, the rest goes on" {
    make_photos
    echo "some notes" > notes.jpg
    mkfifo fifo.jpg
    printf 'GIF89a and so on' > anim.jpg
    run --separate-stderr timeout 60 "$extract" -m network.onnx --preprocess torchvision \
        missing.jpg notes.jpg photos fifo.jpg anim.jpg network.onnx photos/top.jpg/below /dev/null
    expect 3 "refused: cannot open 'missing.jpg': No such file or directory" \
        "refused: cannot open 'photos/top.jpg/below': Not a directory" \
        "refused: cannot read '/dev/null': it is a device" \
        "refused: 'anim.jpg' is a GIF: only JPEG and PNG are read" \
        "refused: cannot read 'fifo.jpg': it is a FIFO" \
        "refused: 'network.onnx' is no image that is known: only JPEG and PNG are read" \
        "refused: 'notes.jpg' is a text: only JPEG and PNG are read"
    counts 12 5 0 7
    holds "SELECT path FROM refusal ORDER BY path" <<'EXPECTED'
/dev/null
anim.jpg
fifo.jpg
missing.jpg
network.onnx
notes.jpg
photos/top.jpg/below
EXPECTED
}

@test "a file in a folder that is named as well is found once, and named" {
    make_photos
    echo "some notes" > photos/ants/notes.jpg
    extract photos photos/ants/1.jpg ./photos/ants/notes.jpg photos
    expect 3 "refused: 'photos/ants/notes.jpg' is a text: only JPEG and PNG are read"
    counts 6 5 0 1
    holds "SELECT label FROM sample WHERE path = 'photos/ants/1.jpg'" <<< ants
}

@test "names with spaces, quotes, newlines, letters of any kind and a leading dash" {
    local names=("a space.jpg" "it's \"quoted\".jpg" $'new\nline.jpg' "näme ☺.jpg" $'latin\xe9.jpg' \
                 "-d" "--help" "back\\slash.jpg" "star*?[a].jpg" $'tab\t.jpg' $'\e[31mred.jpg' "%s%n.jpg")
    local seed=0
    for name in "${names[@]}"; do image "odd/la bel's/$name" --seed $((seed += 1)); done
    extract odd
    expect 0
    counts 12 12 0 0
    printf '%s\0' "${names[@]}" | LC_ALL=C sort -z > expected
    query "SELECT hex(path || char(10)) FROM sample ORDER BY path" > got
    while IFS= read -r -d '' name; do
        printf '%s\n' "odd/la bel's/$name" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F
        echo
    done < expected | diff - got
    holds "SELECT DISTINCT label FROM sample" <<< "la bel's"
    # Named one by one; -- ends the options. Messages stay on their line.
    cd "odd/la bel's"
    rm ./--help
    echo text > $'bad\nname\e[1m'
    run_extract -m ../../network.onnx --preprocess torchvision -d ../../other.db -- *
    expect 3 "refused: 'bad*"
    [ "$stderr" = 'refused: '"'bad\nname\x1b[1m' is a text: only JPEG and PNG are read" ]
    counts 12 11 0 1
}

# ---- lists -----------------------------------------------------------------------------------

@test "--files-from: a path a line; folders too; empty lines and CRLF" {
    make_photos
    image "spaces around .jpg" --seed 9
    printf 'photos/top.jpg\r\n\n./photos/ants/\nspaces around .jpg\nmissing.jpg' > list
    extract --label all --files-from list
    expect 3 "refused: cannot open 'missing.jpg': No such file or directory"
    samples <<'EXPECTED'
photos/ants/1.jpg|all||
photos/ants/2.png|all||
photos/top.jpg|all||
spaces around .jpg|all||
EXPECTED
}

@test "- and --files-from - read standard input, together with paths" {
    make_photos
    extract - < <(find photos/ants -type f)
    expect 0
    counts 2 2 0 0
    extract --files-from - photos/top.jpg < <(find photos/bees -type f)
    expect 0
    counts 3 3 0 0
    extract - - < /dev/null
    expect 1 "bottleneck-extract: standard input can be read only once"
    extract - < /dev/null
    expect 0
    counts 0 0 0 0
}

@test "find -print0 | bottleneck-extract -0 -" {
    make_photos
    image $'photos/new\nline.jpg' --seed 9
    extract -0 - < <(find photos -type f -print0)
    expect 0
    counts 6 6 0 0
    holds "SELECT count(*) FROM sample WHERE path = 'photos/new' || char(10) || 'line.jpg'" <<< 1
    # Without -0 that is a mistake that can be told.
    extract - < <(find photos -type f -print0)
    expect 1 "bottleneck-extract: 'standard input' holds a NUL: with -0 paths are separated by NUL"
    # And a list of lines with -0 is one odd name.
    extract -0 - < <(find photos/ants -type f)
    [ $status -eq 3 ]
    counts 1 0 0 1
}

@test "a list that cannot be read" {
    extract --files-from missing
    expect 1 "bottleneck-extract: cannot open 'missing': No such file or directory"
    extract --files-from .
    expect 1 "bottleneck-extract: cannot read '.': Is a directory"
    [ ! -e features.db ]
}

# ---- labels ----------------------------------------------------------------------------------

@test "--label instead of the folder's name" {
    make_photos
    extract --label insect --split all photos
    expect 0
    holds "SELECT DISTINCT label, split FROM sample" <<< "insect|all"
}

@test "--labels: a table of paths, labels, splits and groups says which files" {
    make_photos
    cat > photos/table.csv <<'TABLE'
path,label,split,group
ants/1.jpg,ant,train,nest 1
"ants/2.png","an ""ant""",,
./bees/1.jpg,bee,val,hive
missing.jpg,bee,,
TABLE
    extract --labels photos/table.csv --split new
    expect 3 "refused: cannot open 'photos/missing.jpg': No such file or directory"
    samples <<'EXPECTED'
photos/ants/1.jpg|ant|train|nest 1
photos/ants/2.png|an "ant"|new|
photos/bees/1.jpg|bee|val|hive
EXPECTED
}

@test "--labels over --label over the folder's name" {
    make_photos
    printf '\xef\xbb\xbfsplit,path,label\r\nval,photos/ants/1.jpg,queen\r\n,photos/bees/1.jpg,\r\n' > table.csv
    extract --labels table.csv photos
    expect 0
    samples <<'EXPECTED'
photos/ants/1.jpg|queen|val|
photos/ants/2.png|ants||
photos/bees/1.jpg|bees||
photos/bees/2.jpg|bees||
photos/top.jpg|||
EXPECTED
    extract --labels table.csv --label rest --split new "$PWD/photos"
    expect 0
    holds "SELECT replace(path, '$PWD', '') AS p, label, split FROM sample
            WHERE path LIKE '/%' ORDER BY p" <<'EXPECTED'
/photos/ants/1.jpg|queen|val
/photos/ants/2.png|rest|new
/photos/bees/1.jpg|rest|new
/photos/bees/2.jpg|rest|new
/photos/top.jpg|rest|new
EXPECTED
}

@test "a table of labels with a fault is refused before anything is done" {
    make_photos
    while IFS='|' read -r table message; do
        printf "$table" > table.csv
        extract --labels table.csv photos
        expect 1 "bottleneck-extract: $message"
        [ ! -e features.db ]
    done <<'CASES'
|'table.csv': unknown column ''*
file,label\n|'table.csv': unknown column 'file'*
path\na|'table.csv': no column 'label'
path,label,label\n|'table.csv': two columns 'label'
path,label\nphotos/top.jpg\n|'table.csv' line 2: 1 fields instead of 2
path,label\n\n,x\n|'table.csv' line 3: no path
path,label\n"photos/top.jpg,x\n|'table.csv' line 2: a quote that does not end
path,label\nphotos/top.jpg,a\nphotos/./top.jpg,b\n|'table.csv' lines 2 and 3 say different things of *
path,label\nelsewhere.jpg,a\n|'table.csv' names none of the 5 files that were found*
CASES
    extract --labels missing.csv photos
    expect 1 "bottleneck-extract: cannot open 'missing.csv': No such file or directory"
    mkfifo fifo.csv
    run --separate-stderr timeout 60 "$extract" -m network.onnx -q --labels fifo.csv photos
    expect 1 "bottleneck-extract: cannot read 'fifo.csv': it is a FIFO"
}
