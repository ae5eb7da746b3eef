package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// shares is how viewers divide over streams, on the command line: PATH=PARTS,…
type shares map[string]int

// String implements [pflag.Value].
func (s shares) String() string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(s)) {
		out = append(out, fmt.Sprintf("%s=%d", path, s[path]))
	}
	return strings.Join(out, ",")
}

// Type implements [pflag.Value].
func (s shares) Type() string { return "PATH=PARTS,..." }

// Set implements [pflag.Value]. The flag may be given more than once; of one path
// the last counts.
func (s *shares) Set(text string) error {
	if *s == nil {
		*s = shares{}
	}
	for part := range strings.SplitSeq(text, ",") {
		path, number, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(number)
		if err != nil || path == "" {
			return errors.New("the shares are written as PATH=PARTS,…, such as live=3,clip=1")
		}
		(*s)[path] = n
	}
	return nil
}
