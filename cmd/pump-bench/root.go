package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"streampump/cmd/internal/cli"
)

// env is what a command may touch of the world outside: it prints nowhere
// else, so that tests run the program in their own process. What ends it
// early is the command's context.
type env struct {
	stdout, stderr io.Writer
}

// run runs the program and returns its exit code. Cancelling ctx ends a
// command that would run forever.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return cli.Run(ctx, newRootCommand(env{stdout, stderr}), args, stderr)
}

func newRootCommand(e env) *cobra.Command {
	root := &cobra.Command{
		Use:   "pump-bench",
		Short: "Puts load on a stream server and measures it",
		Long: `Pump-bench puts load on a running Stream Pump, or on a server like it, and says
how that went.`,
		Example: `  pump-bench encoder http://localhost:8086/streams/live_push
  pump-bench players mmsh://localhost:8086/streams/live -n 1000 --pid $(pidof stream-pump)
  pump-bench capacity --html capacity.html
  pump-bench floor -n 1000
  pump-bench compare`,
	}
	cli.Dress(root, e.stdout, e.stderr, "players",
		newEncoderCommand(e), newPlayersCommand(e), newFloorCommand(e), newCompareCommand(e),
		newGateCommand(e), newCapacityCommand(e))
	return root
}
