// Package conform is the conformance suite: what players and encoders may
// expect of the pump, a row for each thing, asked of the real program over
// real sockets.
//
//	row ── requests, packets ──► the pump under test
//	    ◄── answers, packets ──
//
// Everything is asked twice: over TCP alone, and over TLS with a certificate that each
// peer checks; the rows that say nothing over TLS are listed with the reason.
//
// Items 1 to 68 are the protocol's list; the rows behind them are what this
// product promises besides. Each row has a stream of its own, so rows run side
// by side, and "N of N" is printed at the end. Rows that need real players are
// behind the build tag e2e and are run by `make e2e`.
//
// Timers are settings: the rows about one run against a pump that has it at
// its floor. All other pumps have long ones, so that no row measures the
// machine. The defaults are tested in virtual time, in package engine.
package conform
