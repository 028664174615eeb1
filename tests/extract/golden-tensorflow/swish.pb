
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
{
const2Const*
dtype0*]
valueTBR"<ıÈù>	‚?:Z¿!Ô)¼¸:î¾KM)¿ôRß¾q‘T?a„$¿T³l¾‹·Å>óÁ/¿8Ç)½R`>
¾
_
conv2d1Conv2Dinputconst2*
paddingSAME*
strides
*
data_formatNHWC

sigmoid3Sigmoidconv2d1

mul4Mulconv2d1sigmoid3

resultIdentitymul4"