// Package synth is a synthetic encoder: from a [Spec] it makes the header of a
// live stream and an endless row of data packets, with their send times. It
// reads no clock and no file; the same Spec gives the same bytes everywhere.
//
//	Spec ──New──► Encoder ──Header──► Header Object and 50 bytes of Data Object
//	                     └──Next────► data packet, send time; and again
//
// The media objects hold no pictures and no sound. They hold a pattern (see
// [AppendObject]) from which a receiver proves of each object, on its own, that
// it is bit-identical to what was made, which one it is, and when it was made.
// Everything around them is as real encoders write it, so that demuxers take
// it; decoders will not.
//
// The shapes that matter to a reflector can all be had: single- and
// multi-payload packets, padding in every width or stripped, explicit packet
// lengths, compressed payloads, several video streams, send times that begin
// anywhere, headers of any size, and the shape of Expression Encoder 4
// ([EE4]). An encoder that restarts is [Spec.Again] or [Spec.Other].
package synth
