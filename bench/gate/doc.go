// Package gate holds the promises of a release as numbers: rows, each a figure of
// some scene with its bound, measured against the floor and the rivals in the same
// rounds.
//
//	scene ──contest──► table ──row──► values ──judge──► holds, fell, not measured
//
// There are three kinds of rows. A count is the same on every machine and must
// hold in every round. A ratio is taken within rounds, so that it says something
// on a machine that others use too. A time is what it is on this machine.
//
// The strict form is for a release, on a machine that does nothing else: at least
// five rounds; a row falls when its median is past its bound by more than its own
// spread, of which a tenth counts at most. The short form is for every change, on
// whatever machine there is: a row falls only when it is a count, or when the
// whole interval of a ratio lies past one and a half times its bound. Everything
// is printed in both.
package gate
