
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
{
const2Const*
dtype0*]
valueTBR"<Hom¿˜é¿«Ž”>¹t¾YÑ?&I³¾®O?Æ~½®Ý…¾Ô´Z?þëð¾˜áø=´³º=Î˜‰><Ý±>
_
conv2d1Conv2Dinputconst2*
paddingSAME*
strides
*
data_formatNHWC

resultIdentityconv2d1"