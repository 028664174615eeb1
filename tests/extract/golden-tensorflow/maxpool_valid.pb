
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
m
maxpool1MaxPoolinput*
paddingVALID*
ksize
*
strides
*
data_formatNHWC

resultIdentitymaxpool1"