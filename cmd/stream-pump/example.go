package main

import (
	"io"

	"github.com/spf13/cobra"

	"streampump/cmd/internal/cli"
	"streampump/config"
)

func newExampleCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "example",
		Short: "Print a commented configuration",
		Long: `Print a commented configuration to start from. It runs as it stands, with one
stream for an encoder, and shows every other key with its default.`,
		Example: `  stream-pump example > pump.json`,
		Args:    cli.Arguments(),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(e.stdout, config.Example())
			return err
		},
	}
}
