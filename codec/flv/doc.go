// Package flv looks at the first bytes of a tag's body, which is what an audio or video
// message of RTMP carries, and says what is in it: which codec, and whether it is a
// sequence header, a key frame or something else. It rebuilds nothing and allocates
// nothing; tags are passed on as they came. It knows nothing of how they are carried.
//
// Old tags have all in a byte or two (FLV 10.1, E.4.2, E.4.3):
//
//	video  type(4) codec(4)                         AVC and those made like it: packet type(8)
//	audio  codec(4) rate(2) size(1) stereo(1)       AAC: packet type(8)
//
// Enhanced ones have a FourCC (Enhanced RTMP v2), behind what may stand before it:
//
//	video  1 type(3) packet type(4)    audio  9(4) packet type(4)
//	[size(8, or 255 and 16), data, kind(4) packet type(4)]...      ModEx
//	[kind(4) packet type(4)]                                       Multitrack
//	FourCC, or for each track one
//	track(8) [size(24)]                                            Multitrack
//
// Frame types mean what the encoder says. They are not checked against the pictures.
package flv
