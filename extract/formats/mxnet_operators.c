#include <string.h>

#include "extract/formats/mxnet_reader_private.h"

/* An operator has several names where it was renamed (_Plus, elemwise_add) or has a plain form
 * beside the one that broadcasts. */
static const struct {
    const char *operator;
    mxnet_translate *translate;
} operators[] = {
    {"Activation", mxnet_activation},
    {"BatchNorm", mxnet_batch_norm},
    {"BatchNorm_v1", mxnet_batch_norm},
    {"CuDNNBatchNorm", mxnet_batch_norm},
    {"_contrib_SyncBatchNorm", mxnet_batch_norm},
    {"BlockGrad", mxnet_alias},
    {"Cast", mxnet_cast},
    {"Concat", mxnet_concat},
    {"Convolution", mxnet_convolution},
    {"Convolution_v1", mxnet_convolution},
    {"Dropout", mxnet_alias},
    {"ElementWiseSum", mxnet_add_n},
    {"Flatten", mxnet_flatten_node},
    {"FullyConnected", mxnet_dense},
    {"IdentityAttachKLSparseReg", mxnet_alias},
    {"LRN", mxnet_lrn},
    {"LeakyReLU", mxnet_leaky_relu},
    {"LinearRegressionOutput", mxnet_alias},
    {"LogisticRegressionOutput", mxnet_sigmoid},
    {"MAERegressionOutput", mxnet_alias},
    {"MakeLoss", mxnet_alias},
    {"Pad", mxnet_pad},
    {"Pooling", mxnet_pool},
    {"Pooling_v1", mxnet_pool},
    {"Reshape", mxnet_reshape},
    {"SliceChannel", mxnet_slice_channel},
    {"Softmax", mxnet_softmax},
    {"SoftmaxActivation", mxnet_softmax},
    {"SoftmaxOutput", mxnet_softmax},
    {"SwapAxis", mxnet_swap_axis},
    {"_DivScalar", mxnet_scalar},
    {"_MaximumScalar", mxnet_clip},
    {"_MinimumScalar", mxnet_clip},
    {"_MinusScalar", mxnet_scalar},
    {"_MulScalar", mxnet_scalar},
    {"_PlusScalar", mxnet_scalar},
    {"_RMinusScalar", mxnet_scalar},
    {"_Div", mxnet_binary},
    {"_Minus", mxnet_binary},
    {"_Mul", mxnet_binary},
    {"_Plus", mxnet_binary},
    {"_add", mxnet_binary},
    {"_contrib_AdaptiveAvgPooling2D", mxnet_adaptive_pool},
    {"_copy", mxnet_alias},
    {"_div", mxnet_binary},
    {"_div_scalar", mxnet_scalar},
    {"_identity_with_attr_like_rhs", mxnet_alias},
    {"_maximum_scalar", mxnet_clip},
    {"_minimum_scalar", mxnet_clip},
    {"_minus", mxnet_binary},
    {"_minus_scalar", mxnet_scalar},
    {"_mul", mxnet_binary},
    {"_mul_scalar", mxnet_scalar},
    {"_plus", mxnet_binary},
    {"_plus_scalar", mxnet_scalar},
    {"_rminus_scalar", mxnet_scalar},
    {"_sub", mxnet_binary},
    {"add_n", mxnet_add_n},
    {"amp_cast", mxnet_cast},
    {"broadcast_add", mxnet_binary},
    {"broadcast_div", mxnet_binary},
    {"broadcast_minus", mxnet_binary},
    {"broadcast_mul", mxnet_binary},
    {"broadcast_plus", mxnet_binary},
    {"broadcast_sub", mxnet_binary},
    {"cast", mxnet_cast},
    {"clip", mxnet_clip},
    {"concat", mxnet_concat},
    {"elemwise_add", mxnet_binary},
    {"elemwise_div", mxnet_binary},
    {"elemwise_mul", mxnet_binary},
    {"elemwise_sub", mxnet_binary},
    {"expand_dims", mxnet_expand_dims},
    {"flatten", mxnet_flatten_node},
    {"hard_sigmoid", mxnet_hard_sigmoid},
    {"identity", mxnet_alias},
    {"make_loss", mxnet_alias},
    {"mean", mxnet_mean},
    {"negative", mxnet_scalar},
    {"pad", mxnet_pad},
    {"relu", mxnet_relu},
    {"reshape", mxnet_reshape},
    {"sigmoid", mxnet_sigmoid},
    {"slice_axis", mxnet_slice_axis},
    {"softmax", mxnet_softmax},
    {"split", mxnet_slice_channel},
    {"stop_gradient", mxnet_alias},
    {"swapaxes", mxnet_swap_axis},
    {"tanh", mxnet_tanh},
    {"transpose", mxnet_transpose},
};

mxnet_translate *mxnet_find_operator(const char *operator)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (strcmp(operators[i].operator, operator) == 0)
            return operators[i].translate;
    return NULL;
}

/* What changes nothing when a trained network is used. */
int mxnet_alias(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    size_t input;

    if (mxnet_layer(reader, node, 0, &input, error) < 0)
        return FAILED;
    mxnet_set_results(reader, node, input, 1);
    return 0;
}

/* Everything is computed as float32, whatever precision the network asks for. */
int mxnet_cast(struct mxnet_reader *reader, const struct mxnet_node *node, struct error *error)
{
    const char *type = mxnet_attribute(node, "dtype");

    if (type == NULL || strstr(type, "float") == NULL)
        return error_set(error, "its type '%s' is not supported", type != NULL ? type : "");
    return mxnet_alias(reader, node, error);
}
