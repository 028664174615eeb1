
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ

	identity1Identityinput
(
stopgradient2StopGradient	identity1

relu3Relustopgradient2

resultIdentityrelu3"