
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ	
®
const2Const*
dtype0*
value…B‚"lŠ”>7#=‰úà½ÜâÀ>D¨¼š7x>–zµ¾Q×c<½»½xk¾¡im¾<8È½íã-?%ïh>©ïÏ9šK¾T
3>*ä#>Óí¶>ˆ¾
¥¾µ¾¨;¨€¿&Ç¿ ‘¾›ô¥=
}
depthwiseconv2dnative1DepthwiseConv2dNativeinputconst2*
paddingSAME*
strides
*
data_formatNHWC
*
resultIdentitydepthwiseconv2dnative1"