// Package climb finds out how many players a server can carry, and what gave
// out first. It loads the server with more and more players until a step fails,
// then halves what is left between the most that were carried and the fewest
// that were not.
//
//	players
//	  │            ✗
//	  │                ✗       100, 200, 400 … until a step fails, then halves
//	  │       ✓    │   │ ✓     until the gap is within the precision
//	  │   ✓   │    │   │ │
//	  └───┴───┴────┴───┴─┴──► steps, each a run of load with players of its own
//
// A step fails when the added delay's 99th percentile is above its bound, when a
// player was lost, skipped ahead or had less than the stream, or when the load
// itself could not be made: see [Step.Why].
//
// What gave out is read off the step that failed, with one table of reasons
// ([Reason]). The caller says how much there is of each resource ([Room]); an unknown
// one is not blamed.
package climb
