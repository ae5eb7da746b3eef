// Package push is an encoder's side of the Windows Media HTTP push protocol
// [MS-WMHTTP]: PushSetup, PushStart, and the packets of the body, as Windows
// Media Encoder and Expression Encoder send them, and, for tests, as they must
// not be sent.
//
//	POST x-wms-pushsetup ──►
//	                     ◄── 204, Set-Cookie: push-id=…
//	POST x-wms-pushstart ──►   Content-Length: n
//	$H $D $D $D …        ──►
//	$F up to n           ──►
//	                     ◄── 204, only now
//	POST x-wms-pushstart ──►   and on with $D
//
// A [Client] is one connection; it says what it is told to, even when that is
// wrong. [Client.Run] is a whole encoder on top: it takes a header and packets
// from a [Source], keeps their pace, fills each body and begins the next one.
//
// Answers that come before they are due, as errors do, are seen while the body
// is still being written: see [Client.Answered].
package push
