package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"streampump/cmd/internal/cli"
	"streampump/config"
)

func newCheckCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "check CONFIG",
		Short: "Show every mistake in a configuration",
		Long: `Check a configuration without running it, and show every mistake at once, each
as FILE:LINE:COLUMN: /JSON/POINTER: what is wrong.

The exit code is 0 if the configuration can be served, and 1 if not. Warnings
are shown and do not count. No socket is opened.`,
		Example: `  stream-pump check pump.json
  stream-pump check pump.json && systemctl restart stream-pump`,
		Args: cli.Arguments("CONFIG"),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := e.load(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "%s is good: %s\n", args[0], summary(c))
			return nil
		},
	}
}

// load reads a configuration and prints whatever is wrong with it. The error
// is cli.ErrTold if it can not be used.
func (e env) load(path string) (*config.Config, error) {
	c, problems := config.Load(path)
	mistakes := 0
	for _, p := range problems {
		fmt.Fprintln(e.stderr, p)
		if !p.Warning {
			mistakes++
		}
	}
	if c == nil {
		fmt.Fprintf(e.stderr, "%s can not be used: %s\n", path, count(mistakes, "mistake"))
		return nil, cli.ErrTold
	}
	return c, nil
}

// summary says in half a sentence what a configuration does.
func summary(c *config.Config) string {
	enabled := 0
	for _, s := range c.Streams {
		if s.Enabled {
			enabled++
		}
	}
	var where []string
	for _, a := range c.Listen {
		where = append(where, a.String())
	}
	return fmt.Sprintf("%s, %d enabled, on %s", count(len(c.Streams), "stream"), enabled, strings.Join(where, ", "))
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
