// Pump-bench puts load on a running Stream Pump, or on a server like it, and says
// what came of it: an encoder that pushes a synthetic stream, thousands of players,
// how many of them a server carries, and the floor below which no server can get on
// this machine. It also starts the pump and its rivals itself, and compares them.
//
// The command only reads its command line and joins: the work is done in
// bench/live, bench/load, bench/climb, bench/floor and bench/contest, and what came
// of it is told by bench/report/result.
//
//	encoder ──► pump ──► players
//
// Exit codes: 0 all went well, 1 something failed, a player was lost, or nothing was
// measured, 2 the command line cannot be carried out as it is. Results go to standard output, everything
// else to standard error.
package main

import "streampump/cmd/internal/cli"

func main() { cli.Main(run) }
