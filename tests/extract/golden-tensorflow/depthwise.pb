
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
®
const2Const*
dtype0*
value…B‚"lGô?¢9¾µÛ>ã5#¿Fy#¿´°¾½ûï¾Eö¾it¥¾ÓÉ<xYÃ>Ž"¿O™©¾ýJÖ<»U"¹ß›?¾SJ¾Ã0õ¾{ô>R¢>%é¿,‹¾M9?ì-Å>Çð¦>!|x=æâH>
}
depthwiseconv2dnative1DepthwiseConv2dNativeinputconst2*
paddingSAME*
strides
*
data_formatNHWC
*
resultIdentitydepthwiseconv2dnative1"