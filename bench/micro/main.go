// Command micro looks after the stored results of the micro-benchmarks: what is
// measured on (head), whether two files are of one machine (same), whether
// anything that is counted grew (counts), and the file of a release (store).
// The Makefile calls it; bench/results/README.md says what for. Times are for
// people and for benchstat.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

const usage = `usage: micro head                      print what a results file begins with
       micro same OLD NEW              exit with 1 unless both are of one machine
       micro counts OLD NEW            exit with 1 if anything that is counted grew
       micro store NEW FOLDER VERSION  keep results as those of a release (v1.2.3)
`

var errUsage = errors.New("no such command with that many arguments")

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "micro: %v\n", err)
		if errors.Is(err, errUsage) {
			fmt.Fprint(os.Stderr, usage)
		}
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch {
	case command == "head" && len(args) == 0:
		_, err := io.WriteString(out, head("."))
		return err
	case command == "same" && len(args) == 2:
		return withBoth(args, func(before, now *results) error { return same(before, now) })
	case command == "counts" && len(args) == 2:
		return withBoth(args, func(before, now *results) error { return counts(out, before, now) })
	case command == "store" && len(args) == 3:
		return storeFile(args[0], args[1], args[2])
	}
	return errUsage
}

func withBoth(names []string, f func(before, now *results) error) error {
	before, err := readFile(names[0])
	if err != nil {
		return err
	}
	now, err := readFile(names[1])
	if err != nil {
		return err
	}
	return f(before, now)
}

var versionPattern = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)

// storeFile keeps results under a release's name. A stored file is never
// overwritten: releases were compared with it.
func storeFile(from, folder, version string) error {
	if !versionPattern.MatchString(version) {
		return fmt.Errorf("%q is not a release's version, such as v1.2.3", version)
	}
	r, err := readFile(from)
	if err != nil {
		return err
	}
	text, err := r.stored(version)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	f, err := os.OpenFile(filepath.Join(folder, version+".txt"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
