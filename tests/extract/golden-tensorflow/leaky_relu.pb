
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
.

leakyrelu1	LeakyReluinput*
alpha%š™™>

resultIdentity
leakyrelu1"