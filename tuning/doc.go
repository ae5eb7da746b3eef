// Package tuning fits the program to the machine it runs on, and says what to
// change on the machine.
//
//	affinity mask, cores, NUMA ─┐            ┌─► Decide     how many event loops
//	quota, memory limit        ─┼─► Machine ─┼─► Pins       on which processors
//	CPUID, network cards       ─┘      │     └─► SoftLimit  how much memory for Go
//	                                   ▼
//	table of settings (Row) ────────► Check ──► Finding: what is, what should be, the cost
//	        └───────────────────────► Documents: the file for sysctl.d, SETTINGS.md
//
// [Look] looks, everything else is a function of what was seen, so that every
// kind of machine can be tried in a test. What is read of the system comes
// from a file system that is passed in. The package knows nothing of the
// engine, and only [RaiseDescriptors] changes anything.
//
// A setting is one [Row] of the table and is said nowhere else. To add one, add
// its row to one of the rows_*.go files and run go generate.
package tuning

//go:generate go run ./generate
