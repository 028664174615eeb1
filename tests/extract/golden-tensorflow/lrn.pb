
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
ƒ
const2Const*
dtype0*ä
valueÚB×"ÀL=‚?HQ¿ÆV¿F‰Ú½‚˜q¾‹@À¾`è6¿<»f½íÁá<p#!¿?|:?ü‘>úƒ‡½¦««>NYÅ¾;q-?¤?P¿àş¿E¤C¾gÈ=üŠh¿Ëò¹=^Ñ¾ÚŞW?ÓHg?£×w¾ÕÎ¾oh¢¾P k¿ÖO¿®9¾©NÓ¾d¬¾¤û…¿N3–¾*m<¾x´Í>1Š?rÛ=ªSÏ>nó2>ÄÈ}½ œ ¾poÜ¾a¤L¾6V?
_
conv2d1Conv2Dinputconst2*
paddingSAME*
strides
*
data_formatNHWC

lrn3LRNconv2d1

resultIdentitylrn3"