// Package rtsp is the conformance suite of streams over RTSP: what players, encoders and
// cameras may expect of the pump, a row for each thing, asked of the real program over
// real sockets.
//
//	row ── requests, packets ──► the pump under test ── requests ──► a camera of the row's
//	    ◄── answers, packets ──                      ◄── packets ──
//
// It is made as package conform is: everything is asked twice, over TCP alone and over TLS;
// each row has a stream of its own, so that rows run side by side; "N of N" is printed at
// the end; and timers that a row does not mean are long. Every packet that a viewer gets is
// judged, see bench/rtpsynth.
//
// Items 1 to 77 are the protocol's list; the rows behind them are what this product
// promises besides. What needs real players is in package e2e.
package rtsp
