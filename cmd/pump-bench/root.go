package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// slips is how many letters of a command may be wrong for it to be suggested.
const slips = 2

// errTold ends a command that has already said what went wrong.
var errTold = errors.New("already told")

// usageError is a mistake in the command line.
type usageError struct {
	cmd *cobra.Command
	err error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// env is what a command may touch of the world outside: it prints nowhere
// else, so that tests run the program in their own process. What ends it
// early is the command's context.
type env struct {
	stdout, stderr io.Writer
}

// run runs the program and returns its exit code. Cancelling ctx ends a
// command that would run for ever.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand(env{stdout, stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "pump-bench: %v\nTry '%s --help'.\n", err, usage.cmd.CommandPath())
		return exitUsage
	case !errors.Is(err, errTold):
		fmt.Fprintf(stderr, "pump-bench: %v\n", err)
	}
	return exitFailed
}

func newRootCommand(e env) *cobra.Command {
	root := &cobra.Command{
		Use:   "pump-bench",
		Short: "Puts load on a stream server and measures it",
		Long: `Pump-bench puts load on a running Stream Pump, or on a server like it, and says
what came of it.`,
		Example: `  pump-bench encoder http://localhost:8086/streams/live_push
  pump-bench players mmsh://localhost:8086/streams/live -n 1000 --pid $(pidof stream-pump)
  pump-bench floor -n 1000`,
		Version:                    Version,
		SuggestionsMinimumDistance: slips,

		SilenceErrors: true, // run prints them, once
		SilenceUsage:  true,
		Args:          known,
		RunE:          noCommand,
	}
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.SetVersionTemplate(versionText())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{cmd, err} })
	root.AddCommand(
		newEncoderCommand(e), newPlayersCommand(e), newFloorCommand(e), newVersionCommand(e),
	)
	addCobraCommands(root)
	return root
}

// known refuses what is no command, and names the nearest one.
func known(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
	}
	return &usageError{cmd, err}
}

// noCommand shows who calls without a command what there is.
func noCommand(cmd *cobra.Command, _ []string) error {
	cmd.SetOut(cmd.ErrOrStderr())
	if err := cmd.Help(); err != nil {
		return err
	}
	return &usageError{cmd, errors.New("a command is missing")}
}

// arguments makes a command ask for exactly the named arguments.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return &usageError{cmd, fmt.Errorf("%s is missing", names[len(args)])}
		case len(args) > len(names):
			return &usageError{cmd, fmt.Errorf("%q is too much", args[len(names)])}
		}
		return nil
	}
}

// addCobraCommands adds what cobra brings, with examples, and with our words
// and exit codes for what they do not know.
func addCobraCommands(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  pump-bench help players"
			cmd.RunE, cmd.Run = helpOn, nil
		case "completion":
			cmd.Example = "  pump-bench completion bash > /etc/bash_completion.d/pump-bench"
			cmd.Args, cmd.RunE = known, noCommand
			for _, shell := range cmd.Commands() {
				shell.Args = arguments()
				shell.Example = "  pump-bench completion " + shell.Name()
			}
		}
	}
}

// helpOn prints the help of the command that args name.
func helpOn(cmd *cobra.Command, args []string) error {
	about, rest, err := cmd.Root().Find(args)
	switch {
	case err != nil:
		return &usageError{cmd, err}
	case len(rest) > 0 && about.HasSubCommands():
		return known(about, rest)
	case len(rest) > 0:
		return arguments()(cmd, rest)
	}
	about.InitDefaultHelpFlag()
	return about.Help()
}
