
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ

relu1Reluinput:0

relu62Relu6input^relu1

add3Addrelu1:0relu62

resultIdentityadd3"