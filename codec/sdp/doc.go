// Package sdp reads session descriptions (RFC 4566, with the attributes of RFC 2326
// appendix C) as encoders and cameras write them, and writes those that viewers get.
//
// Reading is lenient: a description without version, origin or times, with blank lines,
// odd line ends, attributes nobody knows or parameters that are left empty is read all
// the same. What is refused is what names no media, and what is larger than any
// description: see [Parse].
//
// What is written is not what was read. The part about the session is made anew, because
// the source's has its addresses, and of the lines about a media only those are passed
// on that are true for a viewer too:
//
//	v=0
//	o=- ID VERSION IN IP4 0.0.0.0
//	s=NAME
//	c=IN IP4 0.0.0.0
//	t=0 0
//	a=control:*
//	a=range:npt=now-
//	m=video 0 RTP/AVP 96        the source's media, types and order
//	b=AS:904                    and these lines of it
//	a=rtpmap:96 H264/90000
//	a=fmtp:96 packetization-mode=1
//	a=control:BASE/trackID=0    absolute: GStreamer resolves others against the host
//
// The package knows nothing of sockets, of RTP, or of who asks for a description.
package sdp
