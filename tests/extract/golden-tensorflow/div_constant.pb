
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
?
const2Const*
dtype0*!
valueB"K÷»?@¸Ý?r‘?
"
realdiv1RealDivinputconst2

resultIdentityrealdiv1"