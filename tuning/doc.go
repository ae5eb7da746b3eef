// Package tuning fits the program to the machine it runs on: how many event
// loops, how many processors for the Go scheduler, how many descriptors.
//
//	affinity mask ─┐
//	SMT siblings  ─┼─► Machine ──► Decide ──► loops, and why
//	CPU quota     ─┘
//
// [ReadMachine] looks, [Decide] is a function of what was seen, so that every
// kind of machine can be tried in a test. The package knows nothing of the
// engine, and only [RaiseDescriptors] changes anything.
//
// The table of settings for kernel, network card and process, with the checks
// and files that are made from it, comes with an issue of its own.
package tuning
