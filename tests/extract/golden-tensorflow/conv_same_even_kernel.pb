
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
³
const2Const*
dtype0*”
valueŠB‡"ð…Žu<BR¾Tb¿©¡…>l¡¦>8H>…Q‡=bó	?Ý$>&iF>9„™¾Ã>ë˜×¾ÃU¶¾þR_>xÖ½»VN>v«Ö¾=?Zj³¾}„>=>À.¬¾±!‘>[øÎ>ÂÃ=µvÜ½˜­¾¾Ïù=¥RÍ>I>LÚ¾Â¹Í¾†¿½ƒž¾œ|\¾Ñ~š½_;”½YŒN¾Ò©>‡´¬¾$ V½€b‘=ÐBH¼–¾Å_]=£yº>´Ÿ½¤Õ,>ÃØ¸½
e¾¿¼>œ´¾±®;H7Å<žöß<m"Ÿ>Æ9ª;—”Ù>•1h>
_
conv2d1Conv2Dinputconst2*
paddingSAME*
strides
*
data_formatNHWC

resultIdentityconv2d1"