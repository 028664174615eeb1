
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
³
const2Const*
dtype0*”
valueŠB‡"ğü…<¿,¿ËP”=Ó'ğ<Õq0>õ»­½mˆ¾Lƒ%>“cb?¹15>Jv?¥*”=çY<èö“>Œ"4¾Ìhä=3I¾!GD¾VfÚ>ïÃ<½9ÕÆ¼¡#š>r°8?,wS>øÕ¿lm=Hü™>‹²$¿Š¿Ú¦=¬æ¾Kf&>7½¦0¼Ş)–=[m½=?dŞ»D¨.=gËÊ¾µ!>“x‰¾tÍš>K¾¾í¾Ó('>×,p¾ñU>PÓë¾ÎI?…R8¾“Šz¾\Ì“=Ô">ÄŸ¾18±=*E¡>İdà½–1=÷¦Ì¾Ïû ¾
_
conv2d1Conv2Dinputconst2*
paddingSAME*
strides
*
data_formatNHWC

resultIdentityconv2d1"