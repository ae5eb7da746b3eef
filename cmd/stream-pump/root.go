package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"streampump/bench/floor"
	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/confine"
	"streampump/cmd/internal/fetch"
	"streampump/cmd/internal/journal"
	"streampump/tuning"
)

// env is what a command may touch of the world outside: it prints nowhere
// else, so that tests run the program in their own process. What ends it
// early is the command's context.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	// journal is the path of the journal's socket.
	journal string
	// exit ends the process where it is, if it cannot end in peace.
	exit func(code int)
	// box is the machine as a process sees it, floor measures the price of write calls on
	// it, and cipher what encrypting a byte costs, in seconds; all are for doctor.
	box    func(process string) *tuning.Box
	floor  func(context.Context, floor.Options) (*floor.Result, error)
	cipher func() float64
	// status asks the pump with an admin listener there.
	status func(ctx context.Context, address string) (fetch.Status, error)
	// confine takes from the process what a pump does not need, for good. It is nil in
	// tests that run the program in their own process.
	confine func(confine.Policy) (confine.Report, error)
}

// run runs the program and returns its exit code. Cancelling ctx ends a
// command that would run forever.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	e := world(stdout, stderr)
	e.confine = confine.Apply
	return cli.Run(ctx, newRootCommand(e), args, stderr)
}

// world is the world outside, but for what would change this process for good.
func world(stdout, stderr io.Writer) env {
	return env{
		stdin: os.Stdin, stdout: stdout, stderr: stderr, journal: journal.Socket, exit: os.Exit,
		box: thisBox, floor: floor.Run, cipher: measureCipher, status: askPump,
	}
}

func newRootCommand(e env) *cobra.Command {
	root := &cobra.Command{
		Use:   "stream-pump",
		Short: "Takes in live streams and gives them to thousands of viewers",
		Long: `Stream Pump takes in live streams, from encoders that push to it, from servers
that it pulls from and from files, and gives them to thousands of viewers.`,
		Example: `  stream-pump demo                      a test stream, at once
  stream-pump example > pump.json       a configuration to start from
  stream-pump check pump.json           every mistake in it
  stream-pump serve pump.json           run it
  stream-pump doctor                    whether the machine is ready for it`,
	}
	cli.Dress(root, e.stdout, e.stderr, "serve",
		newServeCommand(e), newDemoCommand(e), newCheckCommand(e), newExampleCommand(e), newPasswdCommand(e), newTokenCommand(e), newProfileCommand(e), newDoctorCommand(e))
	return root
}
