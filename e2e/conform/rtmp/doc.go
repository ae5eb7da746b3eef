// Package rtmp is the conformance suite of streams over RTMP: what players, encoders and
// other servers may expect of the pump, a row for each thing, asked of the real program
// over real sockets.
//
//	row ── chunks, commands ──► the pump under test ── commands ──► a station of the row's
//	    ◄── chunks, answers ──                      ◄── messages ──
//
// It is made as package conform is: everything is asked twice, over TCP alone and over TLS;
// each row has a stream of its own, so that rows run side by side; "N of N" is printed at
// the end; and timers that a row does not mean are long. What a row's encoder sends is a
// film, each of whose messages is another one, and every message that a viewer gets is
// compared with it: body, time, place and form.
//
// Items 1 to 84 are the protocol's list; the rows behind them are what this product
// promises besides. What needs real players is in package e2e.
package rtmp
