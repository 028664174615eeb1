#!/usr/bin/env bats
# bottleneck-extract with Caffe's pairs of files.

load extract_helpers

use_golden() {
    cp "$BATS_TEST_DIRNAME/golden-caffe/$1.caffemodel" net.caffemodel
    cp "$BATS_TEST_DIRNAME/golden-caffe/$1.prototxt" net.prototxt
}

@test "a .caffemodel finds its prototxt, and the preset that is assumed is named" {
    use_golden net_fire
    make_photos
    run_extract --network net.caffemodel photos
    expect 0 "*'net.caffemodel' is not a network that is known here: assuming --preprocess caffe"
    counts 5 5 0 0
    holds "SELECT format, layer, pooling, dimension, preprocessing
             FROM feature_set JOIN network ON network.id = network_id" << 'END'
caffe|j|avg|12|fit=squash,resize=23x23,crop=23x23,filter=opencv-linear,order=bgr,scale=1,mean=104:117:123,deviation=1
END
    run_extract --network net.caffemodel --preprocess caffe photos
    expect 0
    counts 5 0 5 0
}

@test "--definition goes before what lies beside, and both files are the network" {
    use_golden net_fire
    make_photos
    mkdir elsewhere
    { cat net.prototxt; echo '# the same network in another file'; } > elsewhere/b.prototxt
    run_extract --quiet --network net.caffemodel photos
    expect 0
    run_extract --network net.caffemodel --definition elsewhere/b.prototxt --preprocess caffe photos
    expect 0
    counts 5 5 0 0
    holds "SELECT count(*) FROM network" <<< 2
    run_extract --network net.caffemodel --definition absent.prototxt photos
    expect 1 "*'net.caffemodel'*'absent.prototxt'*"
}

@test "without a definition, or with one of something else, nothing is done" {
    use_golden net_fire
    image photo.jpg
    rm net.prototxt
    run_extract --network net.caffemodel photo.jpg
    expect 1 "*'net.caffemodel'*definition is missing*'net.prototxt'*--definition FILE*"
    echo "these are words" > net.prototxt
    run_extract --network net.caffemodel photo.jpg
    expect 1 "*'net.caffemodel': 'net.prototxt': line 1: ':' or '{' is missing behind 'these'"
    cp "$BATS_TEST_DIRNAME/golden-caffe/net_residual.prototxt" net.prototxt
    run_extract --network net.caffemodel photo.jpg
    [ "$status" -eq 1 ]
    [[ $stderr == *"Convolution 'convolution0'"*"in the .caffemodel, its definition asks for"* ]]
    [ ! -e features.db ]
}

@test "a training network takes the size that its data layer cuts" {
    use_golden net_v1
    image photo.jpg
    run_extract --quiet --network net.caffemodel photo.jpg
    expect 0
    holds "SELECT layer, dimension, substr(preprocessing, 1, 36) FROM feature_set" << 'END'
c2|256|fit=squash,resize=27x27,crop=27x27,f
END
}
