// Command prepare makes the texts that a release is packed with: versions, notes, the
// package's changelog, the licences of what is linked in, the last touches of the bill
// of materials, and the documents. packaging/artifacts runs it from the root of the tree.
package main

import (
	"fmt"
	"os"
	"time"
)

// commands are what can be prepared; each writes to standard output, or
// into the folder it is given.
var commands = []struct {
	name, arguments string
	run             func(args []string) error
}{
	{"version", "VERSION", version},
	{"notes", "VERSION", notes},
	{"changelog", "VERSION MAINTAINER", debianChangelog},
	{"licences", "BINARY...", licenceTexts},
	{"sbom", "FILE", bill},
	{"documents", "FOLDER", documents},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	for _, c := range commands {
		if len(args) > 1 && args[0] == c.name {
			if err := c.run(args[1:]); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			return nil
		}
	}
	usage := "one of these is wanted:"
	for _, c := range commands {
		usage += "\n  prepare " + c.name + " " + c.arguments
	}
	return fmt.Errorf("%s", usage)
}

// built is the time that goes into everything: that of the commit, not of the clock.
func built() (time.Time, error) {
	var seconds int64
	if _, err := fmt.Sscanf(os.Getenv("SOURCE_DATE_EPOCH"), "%d", &seconds); err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q, not a time in seconds since 1970", os.Getenv("SOURCE_DATE_EPOCH"))
	}
	return time.Unix(seconds, 0).UTC(), nil
}
