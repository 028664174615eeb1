
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ	
l
maxpool1MaxPoolinput*
paddingSAME*
ksize
*
strides
*
data_formatNHWC

resultIdentitymaxpool1"