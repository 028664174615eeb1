
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
>
const2Const*
dtype0	* 
valueB	PÿÿÿÿÿÿÿÿÿP~
"
reshape1Reshapeinputconst2

resultIdentityreshape1"