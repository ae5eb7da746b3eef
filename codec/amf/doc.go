// Package amf reads and writes values of AMF0, the notation in which RTMP's commands and
// FLV's metadata are written. It knows nothing of what they mean, makes no tree of them,
// and allocates nothing: a [Value] is part of the bytes that it was read from.
//
//	marker(1) and what belongs to it, big-endian      AMF0 2.1
//
//	number        00 double(8)
//	boolean       01 byte
//	string        02 size(2) bytes                     long string, XML: 0C, 0F size(4) bytes
//	object        03 { size(2) key value } 0000 09     typed: 10 size(2) class, then the same
//	null          05                                   undefined 06, unsupported 0D
//	reference     07 index(2)
//	ECMA array    08 count(4), then as an object       the count is a hint and says nothing
//	strict array  0A count(4) { value }
//	date          0B double(8) zone(2)                 milliseconds since 1970
//	AMF3          11 what only AMF3 can tell the end of
//
// Strings are bytes: senders fill them with what they like. What a reference refers to is
// not looked up. A value in AMF3 is not looked into, so that everything behind it, up to
// the end of the bytes, is taken as part of it, and of all that it is in.
package amf
