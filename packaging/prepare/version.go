package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"streampump/packaging/changelog"
)

// described is what `git describe` says: a tag, and how far behind it we are.
var described = regexp.MustCompile(`^v?(\d+\.\d+\.\d+)(?:-((?:alpha|beta|rc|dev)[.0-9]*))?(?:-(\d+)-(g[0-9a-f]+))?(-dirty)?$`)

// debianVersion turns a version of ours into one whose order dpkg and rpm understand:
// v1.2.3-rc1 is before 1.2.3, and v1.2.3-5-gabc after it.
func debianVersion(version string) (string, error) {
	m := described.FindStringSubmatch(version)
	if m == nil {
		return "", fmt.Errorf("%q is no version such as v1.2.3, v1.2.3-rc1 or v1.2.3-5-g1234567", version)
	}
	out := m[1]
	if m[2] != "" {
		out += "~" + m[2]
	}
	if m[3] != "" {
		out += "+" + m[3] + "." + m[4]
	}
	if m[5] != "" {
		out += "+dirty"
	}
	return out, nil
}

func version(args []string) error {
	v, err := debianVersion(args[0])
	if err != nil {
		return err
	}
	fmt.Println(v)
	return nil
}

// sections are those of our changelog.
func sections() ([]changelog.Section, error) {
	const name = "CHANGELOG.md"
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, err := changelog.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func notes(args []string) error {
	s, err := sections()
	if err != nil {
		return err
	}
	text, err := changelog.Notes(s, strings.TrimPrefix(args[0], "v"))
	if err != nil {
		return fmt.Errorf("CHANGELOG.md: %w", err)
	}
	fmt.Print(text)
	return nil
}

func debianChangelog(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("a version and a maintainer are wanted")
	}
	s, err := sections()
	if err != nil {
		return err
	}
	v, err := debianVersion(args[0])
	if err != nil {
		return err
	}
	when, err := built()
	if err != nil {
		return err
	}
	fmt.Print(changelog.Debian(s, changelog.Package{
		Name: "stream-pump", Maintainer: args[1], Version: v + "-1", Upstream: v, Built: when,
	}))
	return nil
}
