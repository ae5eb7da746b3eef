// Package asf reads, changes and builds ASF: the header, and the data packets that
// follow it. It knows nothing of the protocol that carries them, has no sockets,
// goroutines or clocks, and may be called from anywhere; a [Header] is immutable once
// parsed and may be shared freely.
//
// # The header
//
//	Header Object                      [ASF 3.1]
//	├─ File Properties                 packet size, preroll, flags
//	├─ Stream Properties …             one for each stream
//	├─ Stream Bitrate Properties
//	├─ Header Extension
//	│  └─ Extended Stream Properties … may hide Stream Properties of its own
//	└─ anything else
//	first 50 bytes of the Data Object  [ASF 5.1]
//
// [ParseHeader] takes the two together. Only what a reflector decides by is read:
// everything else (codec list, content description, metadata, padding, and unknown
// objects) is skipped by its size and kept as it is, so that [Header.Live] differs
// from the source's bytes in only a handful of fields.
//
// # The data packet
//
//	[error correction flags, data]     usually 82 00 00
//	length type flags, property flags  how wide the fields below are
//	[packet length] [sequence] [padding length]
//	send time, duration
//	[payload flags]                    count; only with multiple payloads
//	payload …                          part of a media object, or several whole ones
//	padding
//
// [Packet] finds its way around in these [ASF 5.2] and [Iter] walks the
// payloads; neither copies or allocates. Payload data is never looked into.
// What changes packets ([AppendRepaired], [AppendInflated], [ShiftTimes],
// [SetSendTime], [Header.AppendTrimmed]) touches outer fields only: the bytes of media objects
// always arrive as they were sent.
//
// A packet shorter than the header's packet size has had its padding stripped. If it
// carries a single payload and does not tell its own length, the payload's length
// depends on a size that most players have forgotten by then: see [AppendRepaired].
//
// # Building
//
// [HeaderSpec] and [Builder] make headers and packets, for tests and for the
// load generator; [Reader] cuts a file into them.
package asf
