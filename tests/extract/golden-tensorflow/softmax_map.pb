
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
{
const2Const*
dtype0*]
valueTBR"<œS¾XÍ@¿@Ó<ƒQ^¾6C›=Â£<>`UO>IôY?¿¿ Xs½8¼@¿=ì=aö¦>”„ƒ¿þš"¿
_
conv2d1Conv2Dinputconst2*
paddingSAME*
strides
*
data_formatNHWC

softmax3Softmaxconv2d1

resultIdentitysoftmax3"