// Pump-bench puts load on a running Stream Pump, or on a server like it, and
// says what came of it: an encoder that pushes a synthetic stream, thousands of
// players, and the floor that no server can be below on this machine.
//
// The command only reads its command line and prints; the work is done in
// bench/live, bench/load and bench/floor.
//
//	encoder ──► pump ──► players
//
// Exit codes: 0 all went well, 1 something failed or a player was lost, 2 the
// command line was not understood. Results go to standard output, everything
// else to standard error.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for what was measured so far; a second one finds the default
	// action again and ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
