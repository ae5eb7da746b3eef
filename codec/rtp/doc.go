// Package rtp reads RTP and RTCP packets and looks into payloads for what a reflector
// must know of them: where an access unit may begin, and where decoding can start. It
// rebuilds nothing: payloads are passed on as they came. It knows nothing of the
// protocol that asks for a stream, has no sockets, goroutines or clocks, and allocates
// nothing per packet; a value is used by one goroutine at a time.
//
// # Packets
//
//	V=2 P X CC | M type | sequence number      RFC 3550 5.1
//	timestamp
//	SSRC
//	[CSRC …] [extension] payload [padding]
//
// [Parse] finds the payload; [Rewrite] gives a packet the numbers under which viewers
// know the track. [IsReport] tells RTCP from RTP where both may come, and [ParseReport]
// reads from a compound RTCP packet what a sender says of itself: its sender report and
// its goodbye. What receivers say is passed over.
//
// # Payload formats
//
// [FormatOf] knows a payload format by the name of its encoding, which a description
// gives or which belongs to a static payload type ([Static]). A [Format] looks at each
// payload of one track in order and says what it is to the access unit: see [Look].
// Every format is only as exact as its RFC lets it be without decoding:
//
//	H264, H265     6184 5, 7798 4   slices, parameter sets, recovery points
//	AV1            AOM 4.4          the bit N
//	VP8, VP9       7741 4, 9628 4   descriptor and frame header
//	MP4V-ES, MPV   6416 5, 2250 3   start codes, the header's picture type
//	MP2T           2250 2           random access of the programme's video
//	JPEG           2435 3           each frame
//
// H.264's interleaved mode (STAP-B, MTAP, FU-B) is not looked into: nobody sends it, and
// such a track has no key frames for us.
//
// [Blank] is what may be put in front of an access unit for those that lose the first
// packet they get.
//
// A sender may put NAL units with start codes between them into one (ISO 14496-10 Annex
// B). Players take that, so it is looked into as well.
//
// # Order
//
// Packets that come by datagrams go through a [Window] first, which puts them in order
// and counts what is lost.
package rtp
