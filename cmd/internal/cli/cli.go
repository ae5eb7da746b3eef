// Package cli is what our programs' command lines have in common: exit codes, how
// mistakes are reported, help with examples, shell completion and the version. What a
// program does stays with it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2 // the command line cannot be carried out as it is
)

// slips is how many letters of a command may be wrong for it still to be suggested.
const slips = 2

// ErrTold ends a command that has already said what went wrong.
var ErrTold = errors.New("already told")

// UsageError is a mistake in the command line of Cmd.
type UsageError struct {
	Cmd *cobra.Command
	Err error
}

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap is the mistake itself.
func (e *UsageError) Unwrap() error { return e.Err }

// Main runs a program until its end and exits with its code. The first signal
// ends the context, which asks for a clean end; a second one finds the default
// action again and ends the process at once.
func Main(run func(ctx context.Context, args []string, stdout, stderr io.Writer) int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Run runs a program's root command, tells what went wrong on stderr, once,
// and returns the exit code.
func Run(ctx context.Context, root *cobra.Command, args []string, stderr io.Writer) int {
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage *UsageError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v\nTry '%s --help'.\n", root.Name(), err, usage.Cmd.CommandPath())
		return ExitUsage
	case !errors.Is(err, ErrTold):
		fmt.Fprintf(stderr, "%s: %v\n", root.Name(), err)
	}
	return ExitFailed
}

// Dress makes a root command ours: it gets its output, its commands, the
// version, help and completion, and our words for what it does not know.
// helped is the command that the help's own example asks about.
func Dress(root *cobra.Command, stdout, stderr io.Writer, helped string, commands ...*cobra.Command) {
	root.Version = Version
	root.SuggestionsMinimumDistance = slips
	root.SilenceErrors = true // Run prints them, once
	root.SilenceUsage = true
	root.Args, root.RunE = known, noCommand
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetVersionTemplate(VersionText(root.Name()))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &UsageError{cmd, flagMistake(err)} })
	root.AddCommand(commands...)
	root.AddCommand(versionCommand(root.Name(), stdout))
	addCobraCommands(root, helped)
}

// known refuses an unknown command, and names the nearest one.
func known(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
	}
	return &UsageError{cmd, err}
}

// noCommand lists the commands when none was given.
func noCommand(cmd *cobra.Command, _ []string) error {
	cmd.SetOut(cmd.ErrOrStderr())
	if err := cmd.Help(); err != nil {
		return err
	}
	return &UsageError{cmd, errors.New("a command is missing")}
}

// Arguments makes a command ask for exactly the named arguments. Those in
// brackets, as in "[CONFIG]", may be left out; they come last.
func Arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names) && names[len(args)][0] != '[':
			return &UsageError{cmd, fmt.Errorf("%s is missing", names[len(args)])}
		case len(args) > len(names):
			return &UsageError{cmd, fmt.Errorf("unexpected argument %q", args[len(names)])}
		}
		return nil
	}
}

// addCobraCommands adds what cobra brings, with examples, and with our words
// and exit codes for what they do not know.
func addCobraCommands(root *cobra.Command, helped string) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  " + root.Name() + " help " + helped
			cmd.RunE, cmd.Run = helpOn, nil
		case "completion":
			cmd.Example = "  " + root.Name() + " completion bash > /etc/bash_completion.d/" + root.Name()
			cmd.Args, cmd.RunE = known, noCommand
			for _, shell := range cmd.Commands() {
				shell.Args = Arguments()
				shell.Example = "  " + root.Name() + " completion " + shell.Name()
			}
		}
	}
}

// helpOn prints the help of the command that args name.
func helpOn(cmd *cobra.Command, args []string) error {
	about, rest, err := cmd.Root().Find(args)
	switch {
	case err != nil:
		return &UsageError{cmd, err}
	case len(rest) > 0 && about.HasSubCommands():
		return known(about, rest)
	case len(rest) > 0:
		return Arguments()(cmd, rest)
	}
	about.InitDefaultHelpFlag()
	return about.Help()
}
