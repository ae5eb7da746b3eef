// Package attack does to a pump what a peer must not get away with, within bounds
// and in the same way each time, so that a test can say what it cost the others.
//
//	Beside ──► load.Run: healthy viewers, every byte verified, delay measured
//	   └─────► Attack.Run(ctx, Target, Bounds): one of the table, from an address
//	           of its own ──► Did: bytes, connections, answers
//
// An [Attack] ends when its context or its [Bounds] say so, whatever the pump
// does, and closes all it has opened. One that is turned away comes back, as an
// attacker would. It aims at loopback addresses only: this is for a pump of one's
// own. What the attacks have in common is that a stranger can make them: only what
// is said in [Attack.Needs] asks for more, and then of the attacker's own machine.
//
// The package judges nothing. What an attack may cost is said by who runs it
// (e2e/attack_test.go).
package attack
