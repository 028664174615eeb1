
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
K
const2Const*
dtype0*-
value$B"":Ë¿³#Ò¾û†q>

addv21AddV2inputconst2

resultIdentityaddv21"