
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ	
l
maxpool1MaxPoolinput*
paddingSAME*
ksize
*
strides
*
data_formatNCHW
o
const3Const*
dtype0*Q
valueHBF"0Ä:T?ðüU¾¿–Ž?k——¿|a?ñÇ¯>4??âÚE?·3s>hÑe½ä¾Iñ5?
b
conv2d2Conv2Dmaxpool1const3*
paddingSAME*
strides
*
data_formatNCHW
n
avgpool4AvgPoolconv2d2*
paddingSAME*
ksize
*
strides
*
data_formatNCHW

resultIdentityavgpool4"