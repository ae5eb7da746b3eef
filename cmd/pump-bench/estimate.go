package main

import (
	"fmt"
	"io"
	"os"

	"streampump/bench/climb"
	"streampump/cmd/internal/cli"
)

// maxEstimate bounds what is read of an estimate: some hundred streams.
const maxEstimate = 1 << 20

// readEstimate reads an estimate from a file, or from standard input if that is
// "-"; an empty name is none.
func readEstimate(file string) (*climb.Estimate, error) {
	if file == "" {
		return nil, nil
	}
	in := io.Reader(os.Stdin)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("no estimate in %s: %w", file, cli.Bare(err))
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxEstimate))
	if err != nil {
		return nil, fmt.Errorf("no estimate in %s: %w", file, cli.Bare(err))
	}
	e, err := climb.ParseEstimate(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not a result of stream-pump doctor --capacity --json: %w", file, err)
	}
	return e, nil
}
