// Package synth is a synthetic encoder: from a [Spec] it makes the header of a
// live stream and an endless row of data packets, with their send times. It
// reads no clock and no file; the same Spec gives the same bytes everywhere.
//
//	Spec ──New──► Encoder ──Header──► Header Object and 50 bytes of Data Object
//	                     └──Next────► data packet, send time; and again
//
// The media objects hold a pattern (see [AppendObject]) from which a receiver
// proves of each object, on its own, that it is bit-identical to what was made,
// which one it is, and when it was made. A [Carrier] is what the object is
// besides. Bare objects are the pattern alone, which demuxers take and decoders
// do not. Those of a [Stream.Playable] are pictures, sound and text that players
// show; sound and script commands are of kinds that need no encoder, and so is
// Motion JPEG if the pictures are simple enough.
//
//	Bare  │head│noise ·········│
//	JPEG  │SOI COM│head│tables, scan, EOI│noise ·········│
//	PCM   │head in 56 samples│noise in samples ·········│
//	Text  │"TEXT"│head in 56 digits│0│
//
// The key bit follows the GOP in all of them, though each picture of JPEG is
// decoded without the others.
//
// The shapes that matter to a reflector can all be had: single- and
// multi-payload packets, padding in every width or stripped, explicit packet
// lengths, compressed payloads, several video streams, send times that begin
// anywhere, headers of any size, and the shape of Expression Encoder 4
// ([EE4]). A stream's own bitrate is that of its media; what is sent, packets and
// padding included, is [Spec.Rate], and [Spec.At] chooses the media for it. An encoder that restarts is [Spec.Again] or [Spec.Other].
package synth
