
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ

sigmoid1Sigmoidinput
?
const3Const*
dtype0*!
valueB"ÐTÊ?{‘¿?H¢Ü?
%
realdiv2RealDivconst3sigmoid1

resultIdentityrealdiv2"