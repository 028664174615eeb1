#!/bin/sh
# The main job from photos to predictions, each command shown before its result; `make demo` calls
# it. Needs BUILD, NETWORK (an ONNX file) and IMAGES (a folder with a sub-folder of photos for each
# class, or with train/ and val/ that hold such sub-folders); PREPROCESS is optional. What it makes
# lies in $BUILD/demo. Exit status: 0, 2 when something is missing, 1 when a step failed.
set -u

usage() {
    cat >&2 <<END
make demo: $1

  make demo NETWORK=FILE.onnx IMAGES=FOLDER [PREPROCESS=RULE]

  NETWORK     a pretrained network, for instance squeezenet1.1.onnx of the ONNX Model Zoo
  IMAGES      a folder with a sub-folder of photos for each class (FOLDER/ants, FOLDER/bees), or
              with both train/ and val/ that hold such sub-folders
  PREPROCESS  how photos become the network's input, where the network is not known here
END
    exit 2
}

[ -n "${NETWORK:-}" ] || usage "NETWORK=FILE.onnx is missing"
[ -n "${IMAGES:-}" ] || usage "IMAGES=FOLDER is missing"
[ -f "$NETWORK" ] || usage "there is no file '$NETWORK'"
[ -d "$IMAGES" ] || usage "there is no folder '$IMAGES'"
build=$(realpath "${BUILD:-build}")
network=$(realpath "$NETWORK")
images=$(realpath "$IMAGES")
[ -x "$build/bottleneck-classify" ] || usage "the programs are not in '$build'; run make first"

scratch=$build/demo
rm -rf "$scratch"
mkdir -p "$scratch/new" && cd "$scratch" || exit 1
PATH=$build:$PATH

# say TEXT: what comes next, and why.
say() {
    printf '\n%s\n' "$1" | fold -s -w 79
}

# As the shell wants to read it.
quoted() {
    case $1 in
    '' | *[!A-Za-z0-9_./=:,+-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
    esac
}

# run COMMAND [ARGUMENT]...: shown, then done. Status 3 is no failure: some photos were refused.
run() {
    printf '\n$'
    for word in "$@"; do printf ' %s' "$(quoted "$word")"; done
    printf '\n\n'
    "$@"
    status=$?
    [ $status -eq 0 ] || [ $status -eq 3 ] || {
        echo "make demo: the command above failed" >&2
        exit 1
    }
}

extract() {
    run bottleneck-extract --network "$network" ${PREPROCESS:+--preprocess "$PREPROCESS"} "$@"
}

# copy_some FOLDER: two photos of each of the first classes, named by their class, become new/.
copy_some() {
    classes=0
    for class in "$1"/*/; do
        class=${class%/}
        photos=0
        for photo in "$class"/*; do
            if [ -f "$photo" ] && [ $photos -lt 2 ]; then
                cp "$photo" "new/${class##*/}-${photo##*/}"
                photos=$((photos + 1))
            fi
        done
        classes=$((classes + 1))
        [ $classes -lt 4 ] || break
    done
}

splits=
[ -d "$images/train" ] && [ -d "$images/val" ] && splits=yes

echo "From photos to predictions with two programs of $build, in the folder $scratch."

say "1. The network turns every photo into a vector of numbers, which is kept in the database \
features.db. A photo's label is the name of its folder."
if [ -n "$splits" ]; then
    extract --split train "$images/train"
    extract --split val "$images/val"
else
    extract "$images"
fi

say "2. The same again: every vector is in the database already, so the network has nothing to do."
if [ -n "$splits" ]; then extract --split train "$images/train"; else extract "$images"; fi

say "3. How well can the vectors tell the classes apart? A linear classifier is trained on four \
fifths of the photos and tested on the fifth that it has not seen; five times, in ten ways to \
divide them."
run bottleneck-classify evaluate
if [ -n "$splits" ]; then
    say "The same question with a fixed division: trained on train, tested on val."
    run bottleneck-classify evaluate --train-split train --test-split val
fi

say "4. A classifier to keep, in a file of its own."
if [ -n "$splits" ]; then
    run bottleneck-classify train --output demo.model --train-split train
    copy_some "$images/val"
    say "5. What does it say about photos that it has not seen? new/ holds a few of val, without \
labels; their names begin with the right answer. Their content is in the database, whatever they \
are called, so even now the network is not run."
else
    run bottleneck-classify train --output demo.model
    copy_some "$images"
    say "5. What does it say about photos without labels? new/ holds copies of a few, for want of \
new ones; their names begin with the right answer. Their content is in the database, whatever they \
are called, so even now the network is not run."
fi
extract --split new new
run bottleneck-classify predict demo.model --split new

say "6. The database is plain SQLite, for any question of your own."
run sqlite3 -header -column features.db \
    "SELECT split, label, count(*) AS photos FROM sample GROUP BY split, label"

cat <<END

The database is $scratch/features.db
and the classifier $scratch/demo.model

The same with photos of your own, one sub-folder for each class:

  PATH=$(quoted "$build"):\$PATH
  bottleneck-extract --network $(quoted "$network") photos/
  bottleneck-classify evaluate
  bottleneck-classify train --output mine.model
  bottleneck-extract --network $(quoted "$network") --split new new-photos/
  bottleneck-classify predict mine.model --split new
END
