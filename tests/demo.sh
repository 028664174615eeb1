#!/bin/sh
# The main job from pictures to predictions, each command shown before its result; `make demo`
# calls it. Needs BUILD. IMAGES is a folder with a sub-folder of photos for each class, or with
# train/ and val/ that hold such sub-folders; without it PICTURES of each of six kinds are drawn
# (60 when not given). NETWORK is a network's file; without it the built-in one is used. PREPROCESS
# is optional. What it makes lies in $BUILD/demo. Exit status: 0, 2 when something is missing, 1
# when a step failed.
set -u

usage() {
    cat >&2 <<END
make demo: $1

  make demo [IMAGES=FOLDER] [NETWORK=FILE] [PREPROCESS=RULE]

  IMAGES      a folder with a sub-folder of photos for each class (FOLDER/ants, FOLDER/bees), or
              with both train/ and val/ that hold such sub-folders; without it pictures are drawn
  NETWORK     a pretrained network, for instance vgg16-7.onnx of the ONNX Model Zoo; without it
              the small one that is a part of the program
  PREPROCESS  how photos become the network's input, where the network is not known here
END
    exit 2
}

NETWORK=${NETWORK:-} IMAGES=${IMAGES:-}
[ -z "$NETWORK" ] || [ -f "$NETWORK" ] || usage "there is no file '$NETWORK'"
[ -z "$IMAGES" ] || [ -d "$IMAGES" ] || usage "there is no folder '$IMAGES'"
build=$(realpath "${BUILD:-build}")
[ -x "$build/bottleneck-classify" ] || usage "the programs are not in '$build'; run make first"
network=${NETWORK:+$(realpath "$NETWORK")}
images=${IMAGES:+$(realpath "$IMAGES")}

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
    show "$@"
    "$@"
    check $?
}

show() {
    printf '\n$'
    for word in "$@"; do printf ' %s' "$(quoted "$word")"; done
    printf '\n\n'
}

check() {
    [ "$1" -eq 0 ] || [ "$1" -eq 3 ] || {
        echo "make demo: the command above failed" >&2
        exit 1
    }
}

# run_to FILE PATTERN COMMAND [ARGUMENT]...: as run, but the rest of what it says, behind the line
# of this pattern, is in the file only.
run_to() {
    file=$1
    pattern=$2
    shift 2
    show "$@"
    "$@" > "$file"
    check $?
    sed "/$pattern/q" "$file"
}

extract() {
    run bottleneck-extract ${network:+--network "$network"} \
        ${PREPROCESS:+--preprocess "$PREPROCESS"} "$@"
}

# draw KIND SEED COUNT FORMAT FOLDER
draw() {
    "$build/tests/make_images" --varied --width 200 --height 150 --pattern "$1" --seed "$2" \
        --count "$3" --format "$4" "$5" || exit 1
}

# Every third picture is a PNG, the others are JPEGs; two of each kind are kept aside, in new/.
draw_pictures() {
    pictures=${PICTURES:-60}
    seed=0
    mkdir pictures
    for kind in stripes checks rings dots bricks blotches; do
        draw "$kind" $((seed + 1)) $((pictures - pictures / 3)) jpeg "pictures/$kind"
        draw "$kind" $((seed + 4001)) $((pictures / 3)) png "pictures/$kind"
        draw "$kind" $((seed + 8001)) 2 jpeg aside
        for picture in aside/*; do mv "$picture" "new/$kind-${picture##*/}"; done
        rmdir aside
        seed=$((seed + 10000))
    done
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
things=photos
echo "From pictures to predictions with the two programs bottleneck-extract and \
bottleneck-classify, in the folder $scratch. What follows \$ is a command." | fold -s -w 79
if [ -n "$images" ]; then
    [ -d "$images/train" ] && [ -d "$images/val" ] && splits=yes
else
    say "0. There are no photos here yet, so the computer draws ${PICTURES:-60} pictures of each \
of six kinds: stripes, checks, rings, dots, bricks, blotches. Scale, direction, colours, light \
and noise differ from picture to picture, so that the pixels alone do not tell which kind it is. \
They lie in the folder pictures/, with a sub-folder for each kind. Two more of each kind are kept \
aside in new/, to be tried at the end."
    draw_pictures
    images=pictures
    things=pictures
fi

say "1. A convolutional network turns every picture into a vector: a few hundred numbers that say \
what is on it. They are kept in the database features.db. A picture's label is the name of its \
folder."
if [ -z "$network" ]; then
    say "No network file is needed for a first look: a small network is built into the program."
fi
if [ -n "$splits" ]; then
    extract --split train "$images/train"
    extract --split val "$images/val"
else
    extract "$images"
fi

say "2. The same again: every vector is in the database already, so the network has nothing to do."
if [ -n "$splits" ]; then extract --split train "$images/train"; else extract "$images"; fi

say "3. How well can the vectors tell the classes apart? A linear classifier is trained on four \
fifths of the $things and tested on the fifth that it has not seen; five times, in ten ways to \
divide them. 'accuracy' is the share that was recognised; the table of confusions says what was \
taken for what."
if [ "$images" = pictures ]; then
    run_to evaluation.txt '^misclassified' bottleneck-classify evaluate
    echo "(the rest, a line for each of these pictures, is in evaluation.txt)"
else
    run bottleneck-classify evaluate
fi
if [ -n "$splits" ]; then
    say "The same question with a fixed division: trained on train, tested on val."
    run bottleneck-classify evaluate --train-split train --test-split val
fi

say "4. A classifier to keep, in a file of its own."
seen="Their content is in the database, whatever they are called, so even now the network is not \
run."
if [ -n "$splits" ]; then
    run bottleneck-classify train --output demo.model --train-split train
    copy_some "$images/val"
    say "5. What does it say about photos that it has not seen? new/ holds a few of val, without \
labels; their names begin with the right answer. $seen"
elif [ "$images" = pictures ]; then
    run bottleneck-classify train --output demo.model
    say "5. What does it say about the pictures that were kept aside? Their names begin with the \
right answer, which the program does not use. After the path comes what was predicted, then a \
score for each kind; the highest one wins."
else
    run bottleneck-classify train --output demo.model
    copy_some "$images"
    say "5. What does it say about photos without labels? new/ holds copies of a few, for want of \
new ones; their names begin with the right answer. $seen"
fi
extract --split new new
run bottleneck-classify predict demo.model --split new

say "6. The database is plain SQLite, for any question of your own. How many $things are there of \
each label?"
run sqlite3 -header -column features.db \
    "SELECT split, label, count(*) AS $things FROM sample GROUP BY split, label"

cat <<END

The database is $scratch/features.db
and the classifier $scratch/demo.model

The same with photos of your own: a folder photos/ with a sub-folder for each class.

  PATH=$(quoted "$build"):\$PATH
  bottleneck-extract${network:+ --network $(quoted "$network")} photos/
  bottleneck-classify evaluate
  bottleneck-classify train --output mine.model

END
if [ -z "$network" ]; then cat <<'END'
The built-in network is for a first look. Results are better by far with one that was trained on
the million photos of ImageNet. Download one of these files and check it with sha256sum:

  VGG16      vgg16-7.onnx           https://github.com/onnx/models (ONNX Model Zoo), 553 MB
             f20805a3ecccaa88647bbab4ad011ff2412a9838485ea844de0fcbce349820b9
          or vgg16-397923af.pth     https://download.pytorch.org/models (torchvision)
             SHA-256 begins with 397923af
  ResNet-50  resnet50-v1-7.onnx     https://github.com/onnx/models (ONNX Model Zoo), 103 MB
             af16a04a6ec48ac494065d4439fe9dea590d337b9ca6dc328160ccf04a217b9c
          or resnet50-0676ba61.pth  https://download.pytorch.org/models (torchvision)
             SHA-256 begins with 0676ba61

Then name it in the first of the commands; 'compare' says which network is the better one.

  bottleneck-extract --network vgg16-7.onnx photos/
  bottleneck-extract --network resnet50-v1-7.onnx photos/
  bottleneck-classify compare
END
else cat <<'END'
Photos without labels:

  bottleneck-extract --network FILE --split new new-photos/
  bottleneck-classify predict mine.model --split new
END
fi
