
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
m
avgpool1AvgPoolinput*
paddingVALID*
ksize
*
strides
*
data_formatNHWC

resultIdentityavgpool1"