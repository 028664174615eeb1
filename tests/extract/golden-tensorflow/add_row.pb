
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
O
const2Const*
dtype0*1
value(B&"GDä½…@ñ>ô"b?Ù-W?1®¿[[|¾

add1Addinputconst2

resultIdentityadd1"