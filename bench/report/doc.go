// Package report writes what was measured as one HTML page that people pass
// on: a verdict, the few numbers that matter, plots, tables, and where and with
// what it was measured.
//
//	Page ──► Write ──► one file: HTML, style, script, plots' numbers as JSON
//
// The page needs nothing but itself. It opens from a file, without a network
// (its own policy forbids it one), in light and in dark, on a phone and on
// paper. Plots are drawn by uPlot 1.6.32 (MIT, by Leon Sorokin), whose files
// are in the folder uplot as npm has them, and are part of each page. Without
// JavaScript the numbers remain, in a table under each plot.
//
// What was not measured is absent: a gap in a plot, an empty cell, never 0. The
// package knows neither players nor servers; bench/report/result makes a [Page] of
// each result. Nothing in a Page is taken for HTML.
package report
