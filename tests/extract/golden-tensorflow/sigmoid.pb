
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ

sigmoid1Sigmoidinput

resultIdentitysigmoid1"