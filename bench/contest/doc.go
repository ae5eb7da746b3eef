// Package contest measures servers side by side: the pump, its rivals and the
// floor, each in its turn on the same cores, with the same source bytes and the
// same players.
//
//	round 1:  pump  cubemap  floor
//	round 2:        cubemap  floor  pump        each a heat: start the server,
//	round 3:                 floor  pump …      feed it, load it, stop it
//
// A shared machine is never equally fast for long. So heats are short, the servers
// take turns, another begins each round, and ratios within a round are compared
// ([streampump/bench/stat]).
//
// What a heat measures becomes a row of figures with names ([Figures]); what
// could not be measured is not there.
package contest
