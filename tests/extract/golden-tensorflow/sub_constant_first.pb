
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
?
const2Const*
dtype0*!
valueB"Ï£[?J| ¿¨z?

sub1Subconst2input

resultIdentitysub1"