
G
inputPlaceholder*
dtype0*$
shape:ÿÿÿÿÿÿÿÿÿ
Ñ
const2Const*
dtype0*²
value¨B¥"j´ê#4&8³ğ4?§è(@#Á/Õ1.'Ø·¬4©£¯¤3}¨*5d7H¸¥Œ³h¯µ0Å®~´Ó³m±D°@2¹¶ì0E¸m°™µXµ_-88@¶Ä§ˆ-9µµ¹­©¨2P8|4]4®+¬-'­t³ª¬5N­—²5&8­§Å¬%¸Å1V9²  Ó¯¼¨F®a+/Æ5›6&Ò4¹‹5961Ğ1»©“¹!3âà7Ù'Âµá6L4>¹§±Ï4F5f5eªo706Q)@6¸6ö®’-Y0VµNC¬à-{³d.G¹¼2X48³‚­`.D­s¯©³Ş®H3³J¯1t²­³Å¹8.”´C²ûµ…*#1
-
cast1Castconst2*

SrcT0*

DstT0
^
conv2d3Conv2Dinputcast1*
strides
*
paddingSAME*
	dilations


resultIdentityconv2d3"