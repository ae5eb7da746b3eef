// Package capacity computes how many viewers a machine can carry, and what gives out
// first. It is a function of numbers: what was measured, what the limits are, what
// the streams are like. Measuring and reading is done above (cmd).
//
//	streams, shares ──┐
//	a call's price  ──┤
//	the engine's rule ┼─► Estimate ──► a number of viewers for each resource, the least first
//	limits read     ──┘
//
// The processors' share is the only part that is a model rather than a division. Each
// loop has its part of the viewers. How often a full loop comes to each of them
// (FullTurn, or the engine's rule where that is longer, Plan.Turn) says how many
// packets are in a call; the price of a call was measured by one that writes as many
// packets to as many sockets and does nothing else; and PumpFactor is what the pump
// does besides. `pump-bench capacity` measures what is estimated here, and shows how
// far off it was.
package capacity
