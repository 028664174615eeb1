
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ

tanh1Tanhinput

resultIdentitytanh1"