// Package result is what came of each kind of run, as people and programs get it:
// the value itself is the JSON, Text is what is printed, and Page is the page that
// package report writes.
//
//	load.Result ──► Players  ─┐
//	climb.Climb ──► Capacity  │
//	contest.Table ► Contest   ├──► JSON, Text, Page
//	gate.Result ──► Gate      │
//	floor.Result ─► Floor    ─┘
//
// Each carries the settings of its run and [About], which says where and with what
// it was measured. It measures nothing, and reads no command line: who ran it fills
// it in. What was not measured has no line, no cell and no point, but a note.
package result
