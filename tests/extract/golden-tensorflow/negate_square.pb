
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ

square1Squareinput

neg2Negsquare1

resultIdentityneg2"