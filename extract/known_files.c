#include "extract/known_files.h"

#include <string.h>

/* How a publisher names a file's content. */
enum digest_kind {
    DIGEST_SHA256,        /* 64 hexadecimal digits */
    DIGEST_SHA256_BEGINS, /* the first 8, as PyTorch has them in the name of a file */
    DIGEST_MD5            /* 32 hexadecimal digits */
};

struct known_file {
    const char *publisher;
    enum digest_kind kind;
    const char *digest;
    const char *file, *name, *preset;
};

#define ZOO(digest) "ONNX Model Zoo", DIGEST_SHA256, digest
#define TORCHVISION(digest) "torchvision", DIGEST_SHA256_BEGINS, digest
#define KERAS(digest) "Keras Applications", DIGEST_MD5, digest

/* Where one content was published under several names, the first stands here. The comments say
 * where a family's preset comes from. */
static const struct known_file files[] = {
    /* Caffe's weights, converted: bvlc_alexnet, bvlc_reference_caffenet. */
    {ZOO("6b0da9510f27f234ee96a85dc3809dd210150fdefad87f6850f9788513216945"),
     "bvlcalexnet-12.onnx", "AlexNet", "caffe-alexnet"},
    {ZOO("e9e222ef55ba873b219f22987130fb0567cb7bc7d3f1afeb47ff442bc0e11b6d"),
     "bvlcalexnet-3.onnx", "AlexNet", "caffe-alexnet"},
    {ZOO("f1ae53b93d83dd74731c84337ae64035288ce336794a46e2b17b56e7566feaab"),
     "bvlcalexnet-6.onnx", "AlexNet", "caffe-alexnet"},
    {ZOO("d9c9134b90c760d4231e89ad9758bcc8a9397c3ba1cd56fadbef888b534ac6b4"),
     "bvlcalexnet-7.onnx", "AlexNet", "caffe-alexnet"},
    {ZOO("9a4dc22fd706a19462aaec3b08e027e0ef89daf63d123824f20b59b6de9a727b"),
     "bvlcalexnet-8.onnx", "AlexNet", "caffe-alexnet"},
    {ZOO("ef3c82dad5c512f969dbf701fe35c0b3feb1585687d541f765eb68730c0a8af7"),
     "bvlcalexnet-9.onnx", "AlexNet", "caffe-alexnet"},
    {ZOO("ea563e5c47d1f58e1717cf1a2d8bf288b8adc07af0ad228b622096cd243aeecb"),
     "caffenet-12.onnx", "CaffeNet", "caffe-alexnet"},
    {ZOO("e362cbd353e7a0432d46ec608bfc38646aa8d70207ddb92788008816603ce835"),
     "caffenet-3.onnx", "CaffeNet", "caffe-alexnet"},
    {ZOO("15e568474e1c2af94cc34b812628707fee0130f3a3c8b3329cbc5e4ba9248682"),
     "caffenet-6.onnx", "CaffeNet", "caffe-alexnet"},
    {ZOO("a249fe5683aa6b517dfb198e4b3bd40a1b7611d4995fde0b0b9ced5f4143bc5c"),
     "caffenet-7.onnx", "CaffeNet", "caffe-alexnet"},
    {ZOO("82f8997778cd9c5ef9673fc86e340f86e3b29650886b923e5e1aa478d5f83f92"),
     "caffenet-8.onnx", "CaffeNet", "caffe-alexnet"},
    {ZOO("802138332cf3e423c82a9a80c76e4f9227dd4effb3aba55413601fa4345cfd36"),
     "caffenet-9.onnx", "CaffeNet", "caffe-alexnet"},
    /* shicai/DenseNet-Caffe by way of Caffe2; as open_model_zoo's densenet-121-caffe2. */
    {ZOO("0294e7e88e5b3360de9b0fdc321baf9e6ef18b7f058c4536caae3b9f18ed9ed5"),
     "densenet-12.onnx", "DenseNet-121", "caffe-mobilenet"},
    {ZOO("7749c7b6c419cf2b8c6b8a979c86bb3d322976578682662b852cae36e2b79b41"),
     "densenet-3.onnx", "DenseNet-121", "caffe-mobilenet"},
    {ZOO("875fb597a9f0f79cca8a9db610a355920b13959fbe7dc35b759dd35f4d25e291"),
     "densenet-6.onnx", "DenseNet-121", "caffe-mobilenet"},
    {ZOO("79c3bc0974696a2ea9efd2f7bca19fdd630834bd0086f1b4a1c3db3dce3b2a51"),
     "densenet-7.onnx", "DenseNet-121", "caffe-mobilenet"},
    {ZOO("c57fd1e5864ddc808a84567d0d3a1ea6b5e4d1afbec17372723503be7a030e3a"),
     "densenet-8.onnx", "DenseNet-121", "caffe-mobilenet"},
    /* Its README. */
    {ZOO("d111689907c06eea7c82e4833ddef758da6453b9d4cf60b7e99ca05c7cbd9c12"),
     "efficientnet-lite4-11.onnx", "EfficientNet-Lite4", "efficientnet-lite"},
    /* Its README. */
    {ZOO("c99c507058eaf41de8723408fdda7db8325cb57f0a89f2ee07a716d6e963e14e"),
     "googlenet-12.onnx", "GoogLeNet", "onnx-googlenet"},
    {ZOO("5725ccfd90845735ce5897faf7843c3f9b13acda3c4f3bff82cb21c9337c9de8"),
     "googlenet-3.onnx", "GoogLeNet", "onnx-googlenet"},
    {ZOO("bd979d99d10d9acf84c5a67252bcae4992bf4e1afdab046cb0ea370e6f01ee38"),
     "googlenet-6.onnx", "GoogLeNet", "onnx-googlenet"},
    {ZOO("3d343d459199fbcc8cd43d45264180e3e1ef91d4908f3541b5b308995206362c"),
     "googlenet-8.onnx", "GoogLeNet", "onnx-googlenet"},
    /* Caffe's GoogLeNet and its successor by way of Caffe2; the zoo says nothing. */
    {ZOO("814b31a6316873bd03d2d808415ce1f40a7bf48ad88eab5ecc3cdc8dc6cf38ec"),
     "inception-v1-12.onnx", "Inception v1", "caffe-googlenet"},
    {ZOO("6e6a6091a76dcc34b7afd68cec9355687278844b92fb0364b608e5c6f33067e8"),
     "inception-v1-3.onnx", "Inception v1", "caffe-googlenet"},
    {ZOO("9e7c4e026430fc055cb040dfe7f7978556b3af13cd618a7866841c00dd6d178f"),
     "inception-v1-6.onnx", "Inception v1", "caffe-googlenet"},
    {ZOO("eaa5c289961ef2134290ddd42852d818d1d40fce18ffbc876bc446483343af9c"),
     "inception-v1-7.onnx", "Inception v1", "caffe-googlenet"},
    {ZOO("ec956d393dd467b6d9e0b17b8c8227c534b936bfbcdc82343a3a7238375775f0"),
     "inception-v1-8.onnx", "Inception v1", "caffe-googlenet"},
    {ZOO("f8b7bb4040377b83089eef98800a15303325ed75ced468a8972a87e0bc23692e"),
     "inception-v1-9.onnx", "Inception v1", "caffe-googlenet"},
    {ZOO("8bb3ba787e84667bc1169034c36a1f1c1cddfbd19d5e48c9c51306a087973bc8"),
     "inception-v2-3.onnx", "Inception v2", "caffe-googlenet"},
    {ZOO("53626ce95a96756469d23b8dd917f8b5a6015c628369d219bdbf17bb5d0178f5"),
     "inception-v2-6.onnx", "Inception v2", "caffe-googlenet"},
    {ZOO("e1ada57696a4d2c23984b8584cd8df40243301f7344475a8653118c0d5da57a5"),
     "inception-v2-7.onnx", "Inception v2", "caffe-googlenet"},
    {ZOO("878e9c04172215cb7a1ce225dfecfe2ed098abde5cb1067dc644a3629ec6dcf1"),
     "inception-v2-8.onnx", "Inception v2", "caffe-googlenet"},
    {ZOO("37ed4aa93f817fd0d1cc19bda045ebd70f18d0887a5f51e66ecd0ed8fd5a65c2"),
     "inception-v2-9.onnx", "Inception v2", "caffe-googlenet"},
    /* imagenet_preprocess.py of the zoo. */
    {ZOO("0e7c0aa4bc74650386fa1d2c84705753de7c2bdb21909ada5c59154bb429e092"),
     "mobilenetv2-10.onnx", "MobileNet v2", "torchvision"},
    {ZOO("c0c3f76d93fa3fd6580652a45618618a220fced18babf65774ed169de0432ad5"),
     "mobilenetv2-12.onnx", "MobileNet v2", "torchvision"},
    {ZOO("c1c513582d56afceff8516c73804e484c81c6a830712ab6d682253f4a3cd042f"),
     "mobilenetv2-7.onnx", "MobileNet v2", "torchvision"},
    /* As open_model_zoo's resnet-50-caffe2, which measured 76.4 % with it. */
    {ZOO("22cbd5723582d9e4636c46da43732980c8a60f8fc74c37f15db522034e6ae84d"),
     "resnet50-caffe2-v1-3.onnx", "ResNet-50 (Caffe2)", "onnx-resnet-caffe2"},
    {ZOO("166b367d86f2afe34f7438154f2798d081b13d369df20c75b485b76763c16a0e"),
     "resnet50-caffe2-v1-6.onnx", "ResNet-50 (Caffe2)", "onnx-resnet-caffe2"},
    {ZOO("48c377bd20b8e7c1b4a2e371c1badefbb9db906f57bcc5c800a28835c6b988bf"),
     "resnet50-caffe2-v1-7.onnx", "ResNet-50 (Caffe2)", "onnx-resnet-caffe2"},
    {ZOO("4f4a244f1485883fbf4faa0f967409a747164733a7b59b2d07d124d6bbd26ae0"),
     "resnet50-caffe2-v1-8.onnx", "ResNet-50 (Caffe2)", "onnx-resnet-caffe2"},
    {ZOO("822daa93e11ecd505f282eb16e02d7fa6d7a88a4db0c9f832320798e508ba0dd"),
     "resnet50-caffe2-v1-9.onnx", "ResNet-50 (Caffe2)", "onnx-resnet-caffe2"},
    /* imagenet_preprocess.py of the zoo. */
    {ZOO("760702f6ec0138f71ebac66f4e95d1c72dc9267a8544f4d4667a53075fd0497c"),
     "resnet101-v1-7.onnx", "ResNet-101 v1", "torchvision"},
    {ZOO("3a0a819ea0953fb4700b0d98e43540aeee253e5b4c503c552b0c7979fc67767d"),
     "resnet101-v2-7.onnx", "ResNet-101 v2", "torchvision"},
    {ZOO("b0ec92437bf8c9d0739bf9bafdea9638e13f9e3c1e2fb766ad546cc182fd3f6d"),
     "resnet152-v1-7.onnx", "ResNet-152 v1", "torchvision"},
    {ZOO("40fb3f6dd313ba786a2c8077a0ef7d7b4afeda5d037365400d3a7fbc2b1bee64"),
     "resnet152-v2-7.onnx", "ResNet-152 v2", "torchvision"},
    {ZOO("4e8f8653e7a2222b3904cc3fe8e304cd8b339ce1d05fd24688162f86fb6df52c"),
     "resnet18-v1-7.onnx", "ResNet-18 v1", "torchvision"},
    {ZOO("3b4d048057854022232aa20bf68262e31718ab7119a17f920b8a2dc1433f824b"),
     "resnet18-v2-7.onnx", "ResNet-18 v2", "torchvision"},
    {ZOO("883a41b2e30ddc2e422c108b091b5e70b92d37dc5c345a2c563dcae27971e2cc"),
     "resnet34-v1-7.onnx", "ResNet-34 v1", "torchvision"},
    {ZOO("3d3815e25f4b1ea967e2a526a3b27ef2a03af1725bdc199a63a271c26862d914"),
     "resnet34-v2-7.onnx", "ResNet-34 v2", "torchvision"},
    {ZOO("3f03fdef724b22947eed826f1eef1dc5c34151bb4c37d634f1db89dfa2dd1526"),
     "resnet50-v1-12.onnx", "ResNet-50 v1", "torchvision"},
    {ZOO("af16a04a6ec48ac494065d4439fe9dea590d337b9ca6dc328160ccf04a217b9c"),
     "resnet50-v1-7.onnx", "ResNet-50 v1", "torchvision"},
    {ZOO("79102261eb6e5fd7af5d27f41316293e388c5cb691e5d25bfb035c4f64fefe31"),
     "resnet50-v2-7.onnx", "ResNet-50 v2", "torchvision"},
    /* Its README, which has one rule for both versions. */
    {ZOO("8b85e969a0a5518b554c99548379d1ba54d973733a6a12012138d91852308584"),
     "shufflenet-v2-10.onnx", "ShuffleNet v2", "torchvision"},
    {ZOO("ea69821b4dd374ae2f33f9710dd1229ac263d0ee5b5a46ca3521f6483e1ba035"),
     "shufflenet-v2-12.onnx", "ShuffleNet v2", "torchvision"},
    {ZOO("ebbf0f6cf45d6971dee7833bfa9cceb868f19ed753c5bf6053857cdb68fc15bc"),
     "shufflenet-3.onnx", "ShuffleNet v1", "torchvision"},
    {ZOO("b0e5f38aa3961e6d208ccfe5e34dc52c1b9bf96f4b377cdba1919c6810457258"),
     "shufflenet-6.onnx", "ShuffleNet v1", "torchvision"},
    {ZOO("359609ab27d27d44091e05f9a5127d9ce0c155ed69d0716f41e6779998bc4764"),
     "shufflenet-7.onnx", "ShuffleNet v1", "torchvision"},
    {ZOO("faabc409fd57ae83ddebe7fb981ee492a7899c1acb4893cc8e64c11f0ccdaa98"),
     "shufflenet-8.onnx", "ShuffleNet v1", "torchvision"},
    {ZOO("3642c54024f09d35236f325df9822e772596c394cd90fd8e98ca1d2eba309e6f"),
     "shufflenet-9.onnx", "ShuffleNet v1", "torchvision"},
    /* Caffe's weights by way of Caffe2: the zoo's 56.85 % was measured with BGR minus mean. */
    {ZOO("dec81a8684617770b3cf13fadc1d92565d1d453d23935fc6388b792d99c992bd"),
     "squeezenet1.0-12.onnx", "SqueezeNet 1.0", "caffe-squeezenet"},
    {ZOO("f68e6ad41574fa495fc28db95dd47b78a79522e305990f6f6d2a1844607f886d"),
     "squeezenet1.0-3.onnx", "SqueezeNet 1.0", "caffe-squeezenet"},
    {ZOO("513a21407cccfcc74eb20e7749de7d5dda38f3f3199fd3259deeca9c021d94a0"),
     "squeezenet1.0-6.onnx", "SqueezeNet 1.0", "caffe-squeezenet"},
    {ZOO("d95e2191e056f1912a9b8f6000da3b9c7818441b9eb48137033c2adbf6398bc8"),
     "squeezenet1.0-7.onnx", "SqueezeNet 1.0", "caffe-squeezenet"},
    {ZOO("3c0bff2f7c984350d3ffa98e0167dc08c15da88f05d0c31989ebeba6fbb5e025"),
     "squeezenet1.0-8.onnx", "SqueezeNet 1.0", "caffe-squeezenet"},
    {ZOO("f2d3201f013b72988109e677e9244250f4cc02394529432972f05e1f6dcc7b62"),
     "squeezenet1.0-9.onnx", "SqueezeNet 1.0", "caffe-squeezenet"},
    /* imagenet_preprocess.py of the zoo. */
    {ZOO("1eeff551a67ae8d565ca33b572fc4b66e3ef357b0eb2863bb9ff47a918cc4088"),
     "squeezenet1.1-7.onnx", "SqueezeNet 1.1", "torchvision"},
    /* Caffe's weights by way of Caffe2. */
    {ZOO("2a7d16457887670e978c9bcfc64e686482d1da807fcfbd7536074e47ad4540f7"),
     "vgg19-caffe2-3.onnx", "VGG-19 (Caffe2)", "caffe-vgg"},
    {ZOO("088ee597d84957594ded3fd44d669ed142ce2484048e1d9f7fafeb66d12913fa"),
     "vgg19-caffe2-6.onnx", "VGG-19 (Caffe2)", "caffe-vgg"},
    {ZOO("967f4f585137782d541301ba2d4a9c006be92671de53e37739d92e386e3124ea"),
     "vgg19-caffe2-7.onnx", "VGG-19 (Caffe2)", "caffe-vgg"},
    {ZOO("639ce28961555254d0726c6bb7b2ae7bb9665233d00e04d1add3425aae86cb87"),
     "vgg19-caffe2-8.onnx", "VGG-19 (Caffe2)", "caffe-vgg"},
    {ZOO("cfb97260b303ad3963999662456571b89c5f73dbdd2fd9dffd19fed7a90f766b"),
     "vgg19-caffe2-9.onnx", "VGG-19 (Caffe2)", "caffe-vgg"},
    /* imagenet_preprocess.py of the zoo. */
    {ZOO("4fdceabf1ef715c9ed3020fa2eac1cb2a448296c086b03633c80cf47e1c5afce"),
     "vgg16-bn-7.onnx", "VGG-16 with batch norm", "torchvision"},
    {ZOO("ce0987dfa6228ad29708013f38b7f73cbc14ca6066a05fc22ee49b35871c63ed"),
     "vgg19-bn-7.onnx", "VGG-19 with batch norm", "torchvision"},
    {ZOO("722c42f53ca03a5480296bf8f9c85a151de3eed9ec982d7d2302ff6e2900c67b"),
     "vgg16-12.onnx", "VGG-16", "torchvision"},
    {ZOO("f20805a3ecccaa88647bbab4ad011ff2412a9838485ea844de0fcbce349820b9"),
     "vgg16-7.onnx", "VGG-16", "torchvision"},
    {ZOO("692f9f927f1df1b89033787a77a73eac59fd9b3344f9ecdf0b13221e41c2046f"),
     "vgg19-7.onnx", "VGG-19", "torchvision"},
    /* Caffe's weights by way of Caffe2; the zoo says nothing. */
    {ZOO("c975ca6a24c0a2e1584c6f82667e0ac9c06084fc7769d267f71b4a154d1f1c72"),
     "zfnet512-12.onnx", "ZFNet-512", "caffe-alexnet"},
    {ZOO("7a30178001394e21ccaac288942f4130f0099d4d3263b8ba2272f0cf2a988f49"),
     "zfnet512-3.onnx", "ZFNet-512", "caffe-alexnet"},
    {ZOO("80158bfe8c1191263d003bfaa62694e7cf389b4a472456e389ceadbc4dab684d"),
     "zfnet512-6.onnx", "ZFNet-512", "caffe-alexnet"},
    {ZOO("b62d3e67f480d3faa3757dba77f519008bc985072ae163ee0bbcac426916efee"),
     "zfnet512-7.onnx", "ZFNet-512", "caffe-alexnet"},
    {ZOO("2b70b4d43c6e1b8a19b93bb465cb40c2f4f656abac13aebd1b3105e9c904b486"),
     "zfnet512-8.onnx", "ZFNet-512", "caffe-alexnet"},
    {ZOO("55e3cb74e3d1744e0a8d9fecadd79e9f52887891e2e17df639670ac7293d99ba"),
     "zfnet512-9.onnx", "ZFNet-512", "caffe-alexnet"},
    /* The transforms that pytorch/vision has beside the weights. GoogLeNet and Inception v3 map
     * their input to -1 to 1 themselves there (transform_input). */
    {TORCHVISION("7be5be79"), "alexnet-owt-7be5be79.pth", "AlexNet", "torchvision"},
    {TORCHVISION("a639ec97"), "densenet121-a639ec97.pth", "DenseNet-121", "torchvision"},
    {TORCHVISION("8d451a50"), "densenet161-8d451a50.pth", "DenseNet-161", "torchvision"},
    {TORCHVISION("b2777c0a"), "densenet169-b2777c0a.pth", "DenseNet-169", "torchvision"},
    {TORCHVISION("c1103571"), "densenet201-c1103571.pth", "DenseNet-201", "torchvision"},
    {TORCHVISION("1378be20"), "googlenet-1378be20.pth", "GoogLeNet", "torchvision-tf"},
    {TORCHVISION("0cc3c7bd"), "inception_v3_google-0cc3c7bd.pth", "Inception v3",
     "torchvision-tf,crop=299"},
    {TORCHVISION("b0353104"), "mobilenet_v2-b0353104.pth", "MobileNet v2", "torchvision"},
    {TORCHVISION("7ebf99e0"), "mobilenet_v2-7ebf99e0.pth", "MobileNet v2, second weights",
     "torchvision,resize=232"},
    {TORCHVISION("f37072fd"), "resnet18-f37072fd.pth", "ResNet-18", "torchvision"},
    {TORCHVISION("b627a593"), "resnet34-b627a593.pth", "ResNet-34", "torchvision"},
    {TORCHVISION("0676ba61"), "resnet50-0676ba61.pth", "ResNet-50", "torchvision"},
    {TORCHVISION("11ad3fa6"), "resnet50-11ad3fa6.pth", "ResNet-50, second weights",
     "torchvision,resize=232"},
    {TORCHVISION("63fe2227"), "resnet101-63fe2227.pth", "ResNet-101", "torchvision"},
    {TORCHVISION("cd907fc2"), "resnet101-cd907fc2.pth", "ResNet-101, second weights",
     "torchvision,resize=232"},
    {TORCHVISION("394f9c45"), "resnet152-394f9c45.pth", "ResNet-152", "torchvision"},
    {TORCHVISION("f82ba261"), "resnet152-f82ba261.pth", "ResNet-152, second weights",
     "torchvision,resize=232"},
    {TORCHVISION("7cdf4587"), "resnext50_32x4d-7cdf4587.pth", "ResNeXt-50 32x4d", "torchvision"},
    {TORCHVISION("1a0047aa"), "resnext50_32x4d-1a0047aa.pth", "ResNeXt-50 32x4d, second weights",
     "torchvision,resize=232"},
    {TORCHVISION("8ba56ff5"), "resnext101_32x8d-8ba56ff5.pth", "ResNeXt-101 32x8d", "torchvision"},
    {TORCHVISION("110c445d"), "resnext101_32x8d-110c445d.pth", "ResNeXt-101 32x8d, second weights",
     "torchvision,resize=232"},
    {TORCHVISION("173b62eb"), "resnext101_64x4d-173b62eb.pth", "ResNeXt-101 64x4d",
     "torchvision,resize=232"},
    {TORCHVISION("b66bff10"), "squeezenet1_0-b66bff10.pth", "SqueezeNet 1.0", "torchvision"},
    {TORCHVISION("b8a52dc0"), "squeezenet1_1-b8a52dc0.pth", "SqueezeNet 1.1", "torchvision"},
    {TORCHVISION("8a719046"), "vgg11-8a719046.pth", "VGG-11", "torchvision"},
    {TORCHVISION("6002323d"), "vgg11_bn-6002323d.pth", "VGG-11 with batch norm", "torchvision"},
    {TORCHVISION("19584684"), "vgg13-19584684.pth", "VGG-13", "torchvision"},
    {TORCHVISION("abd245e5"), "vgg13_bn-abd245e5.pth", "VGG-13 with batch norm", "torchvision"},
    {TORCHVISION("397923af"), "vgg16-397923af.pth", "VGG-16", "torchvision"},
    {TORCHVISION("88682ab5"), "vgg16_features-amdegroot-88682ab5.pth", "VGG-16, features alone",
     "torchvision,mean=0.48235:0.45882:0.40784,deviation=1/255"},
    {TORCHVISION("6c64b313"), "vgg16_bn-6c64b313.pth", "VGG-16 with batch norm", "torchvision"},
    {TORCHVISION("dcbb9e9d"), "vgg19-dcbb9e9d.pth", "VGG-19", "torchvision"},
    {TORCHVISION("c79401a0"), "vgg19_bn-c79401a0.pth", "VGG-19 with batch norm", "torchvision"},
    {TORCHVISION("95faca4d"), "wide_resnet50_2-95faca4d.pth", "Wide ResNet-50-2", "torchvision"},
    {TORCHVISION("9ba9bcbe"), "wide_resnet50_2-9ba9bcbe.pth", "Wide ResNet-50-2, second weights",
     "torchvision,resize=232"},
    {TORCHVISION("32ee1156"), "wide_resnet101_2-32ee1156.pth", "Wide ResNet-101-2", "torchvision"},
    {TORCHVISION("d733dc28"), "wide_resnet101_2-d733dc28.pth", "Wide ResNet-101-2, second weights",
     "torchvision,resize=232"},
    /* preprocess_input beside the weights; the sizes are those that they were trained with. */
    {KERAS("64373286793e3c8b2b4e3219cbf3544b"),
     "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
     "VGG-16", "keras-caffe"},
    {KERAS("6d6bbae143d832006294945121d1f1fc"),
     "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "VGG-16, features alone", "keras-caffe"},
    {KERAS("cbe5617147190e668d6c5d5026f83318"),
     "vgg19_weights_tf_dim_ordering_tf_kernels.h5",
     "VGG-19", "keras-caffe"},
    {KERAS("253f8cb515780f3b799900260a226db6"),
     "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "VGG-19, features alone", "keras-caffe"},
    {KERAS("9a0d58056eeedaa3f26cb7ebd46da564"),
     "inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
     "Inception v3", "keras-tf,crop=299"},
    {KERAS("bcbd6486424b2319ff4ef7d526e38f63"),
     "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "Inception v3, features alone", "keras-tf,crop=299"},
    {KERAS("0a58e3b7378bc2990ea3b43d5981f1f6"),
     "xception_weights_tf_dim_ordering_tf_kernels.h5",
     "Xception", "keras-tf,crop=299"},
    {KERAS("b0042744bf5b25fce3cb969f33bebb97"),
     "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "Xception, features alone", "keras-tf,crop=299"},
    {KERAS("9d60b8095a5708f2dcce2bca79d332c7"),
     "densenet121_weights_tf_dim_ordering_tf_kernels.h5",
     "DenseNet-121", "keras-torch"},
    {KERAS("d699b8f76981ab1b30698df4c175e90b"),
     "densenet169_weights_tf_dim_ordering_tf_kernels.h5",
     "DenseNet-169", "keras-torch"},
    {KERAS("1ceb130c1ea1b78c3bf6114dbdfd8807"),
     "densenet201_weights_tf_dim_ordering_tf_kernels.h5",
     "DenseNet-201", "keras-torch"},
    {KERAS("30ee3e1110167f948a6b9946edeeb738"),
     "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "DenseNet-121, features alone", "keras-torch"},
    {KERAS("b8c4d4c20dd625c148057b9ff1c1176b"),
     "densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "DenseNet-169, features alone", "keras-torch"},
    {KERAS("c13680b51ded0fb44dff2d8f86ac8bb1"),
     "densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "DenseNet-201, features alone", "keras-torch"},
    {KERAS("2cb95161c43110f7111970584f804107"),
     "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
     "ResNet-50", "keras-caffe"},
    {KERAS("4d473c1dd8becc155b73f8504c6f6626"),
     "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ResNet-50, features alone", "keras-caffe"},
    {KERAS("f1aeb4b969a6efcfb50fad2f0c20cfc5"),
     "resnet101_weights_tf_dim_ordering_tf_kernels.h5",
     "ResNet-101", "keras-caffe"},
    {KERAS("88cf7a10940856eca736dc7b7e228a21"),
     "resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ResNet-101, features alone", "keras-caffe"},
    {KERAS("100835be76be38e30d865e96f2aaae62"),
     "resnet152_weights_tf_dim_ordering_tf_kernels.h5",
     "ResNet-152", "keras-caffe"},
    {KERAS("ee4c566cf9a93f14d82f913c2dc6dd0c"),
     "resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ResNet-152, features alone", "keras-caffe"},
    {KERAS("3ef43a0b657b3be2300d5770ece849e0"),
     "resnet50v2_weights_tf_dim_ordering_tf_kernels.h5",
     "ResNet-50 v2", "keras-tf"},
    {KERAS("fac2f116257151a9d068a22e544a4917"),
     "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ResNet-50 v2, features alone", "keras-tf"},
    {KERAS("6343647c601c52e1368623803854d971"),
     "resnet101v2_weights_tf_dim_ordering_tf_kernels.h5",
     "ResNet-101 v2", "keras-tf"},
    {KERAS("c0ed64b8031c3730f411d2eb4eea35b5"),
     "resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ResNet-101 v2, features alone", "keras-tf"},
    {KERAS("a49b44d1979771252814e80f8ec446f9"),
     "resnet152v2_weights_tf_dim_ordering_tf_kernels.h5",
     "ResNet-152 v2", "keras-tf"},
    {KERAS("ed17cf2e0169df9d443503ef94b23b33"),
     "resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ResNet-152 v2, features alone", "keras-tf"},
    /* The same two names before Keras 2.2.5. */
    {KERAS("a7b3fe01876f51b976af0dea6bc144eb"),
     "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
     "ResNet-50, first weights", "keras-caffe"},
    {KERAS("a268eb855778b3df3c7506639542a6af"),
     "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ResNet-50, first weights, features alone", "keras-caffe"},
};

enum { FILES = sizeof files / sizeof *files };

static bool has_digest(const struct known_file *file, const char *sha256, const char *md5)
{
    switch (file->kind) {
    case DIGEST_SHA256:
        return strcmp(file->digest, sha256) == 0;
    case DIGEST_SHA256_BEGINS:
        return strncmp(file->digest, sha256, strlen(file->digest)) == 0;
    case DIGEST_MD5:
        return strcmp(file->digest, md5) == 0;
    }
    return false;
}

static const struct known_file *find_file(const struct hash *digest, const char *md5)
{
    char text[HASH_TEXT];

    hash_to_text(digest, text);
    for (size_t i = 0; i < FILES; i++)
        if (has_digest(&files[i], text, md5))
            return &files[i];
    return NULL;
}

/* Keras alone publishes MD5s, and its files are HDF5. */
void known_file_md5(struct bytes file, char text[static HASH_MD5_TEXT])
{
    text[0] = '\0';
    if (bytes_begin_with(file, "\x89HDF\r\n\x1a\n", 8))
        hash_md5(file.data, file.size, text);
}

void rule_for_network(const struct hash *digest, const char *md5, struct known_network *known)
{
    const struct known_file *file = find_file(digest, md5);

    *known = (struct known_network){.preset = "torchvision", .assumed = true};
    if (file == NULL)
        return;
    *known = (struct known_network){
        .preset = file->preset, .name = file->name, .publisher = file->publisher,
        .file = file->file,
    };
}
