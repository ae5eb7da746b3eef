// Package attack does to a pump what a peer must not get away with, within bounds
// and in the same way each time, so that a test can say what it cost the others.
//
//	Beside ──► load.Run: healthy viewers, every byte verified, delay measured
//	   └─────► Attack.Run(ctx, Target, Bounds): one of the table, from an address
//	           of its own ──► Did: bytes, connections, answers
//
// An [Attack] ends when its context or its [Bounds] say so, whatever the pump does,
// and closes all it has opened. One that is turned away comes back, as an attacker
// would. It aims at loopback addresses only: it is for your own pump. A stranger can
// make any of these attacks: only [Attack.Needs] asks for more, and then of the
// attacker's own machine.
//
// The package judges nothing. Whoever runs an attack says what it may cost
// (e2e/attack_test.go).
package attack
