
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ

relu1Reluinput

resultIdentityrelu1"