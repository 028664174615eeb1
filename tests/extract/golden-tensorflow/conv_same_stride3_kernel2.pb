
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ

³
const2Const*
dtype0*”
valueŠB‡"ðg¬x¼.d…>X‹š>ÝEÂ>¢¾@E.¿9á=>,ã>~Tß>cÛ>ì·%>Æ?@>j5ö¾³ns>; ¾éê;4ªß=Wþ¼WôU½Š÷‚>­Xî>þï|½äf˜>*Â¿÷1‰¾Ð"L¿&J­=u¡W¾™î|>DWF;É<l¶U=ÃvÅ¾Uø¿{¿4yC¿´I>Í©o=¿Üu¾óŒ>å»È¾d…·¾‰2<íêü>5ŠP=:ë–¾§P ¾)\£¾ø*ò=ô“Á>Ÿø£½ÙÔ¾-!à=îC.>œñ“¼‘,ß¾Ã©y¾ˆ¾w"Â½Qeç¾
_
conv2d1Conv2Dinputconst2*
paddingSAME*
strides
*
data_formatNHWC

resultIdentityconv2d1"