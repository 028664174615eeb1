
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ	
l
avgpool1AvgPoolinput*
paddingSAME*
ksize
*
strides
*
data_formatNHWC

resultIdentityavgpool1"