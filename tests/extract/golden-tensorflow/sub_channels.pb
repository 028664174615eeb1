
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
?
const2Const*
dtype0*!
valueB"p[I¿””¾Êj¿

sub1Subinputconst2

resultIdentitysub1"