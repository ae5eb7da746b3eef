package licences

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every part of our programs has a licence that is known, parts with a licence of
// their own within a module too, and what only tests need is not there.
func TestLinkedIntoOurPrograms(t *testing.T) {
	parts, err := Linked("../..", []string{"amd64", "arm64"}, "./cmd/stream-pump", "./cmd/pump-bench")
	if err != nil {
		t.Fatal(err)
	}
	find := func(name, file string) bool {
		return slices.ContainsFunc(parts, func(p Part) bool {
			return p.Name == name && slices.ContainsFunc(p.Texts, func(t Text) bool { return t.File == file && t.Body != "" })
		})
	}
	for _, want := range [][2]string{
		{"Go", "LICENSE"},
		{"bench/report/uplot", "LICENSE"},
		{"github.com/spf13/cobra", "LICENSE.txt"},
		{"github.com/google/pprof", "LICENSE"},
		{"github.com/google/pprof", "third_party/svgpan/LICENSE"},
	} {
		if !find(want[0], want[1]) {
			t.Errorf("%s has no %s", want[0], want[1])
		}
	}
	for _, p := range parts {
		if strings.Contains(p.Name, "pebble") {
			t.Errorf("%s is for tests only", p.Name)
		}
	}
}

func TestKinds(t *testing.T) {
	for text, want := range map[string]string{
		"Permission is hereby granted,\nfree of charge, to any person":                                        "MIT",
		"   Apache License\n   Version 2.0, January 2004":                                                     "Apache-2.0",
		"Redistributions in binary form must reproduce the above. Neither the name of Google":                 "BSD-3-Clause",
		"Redistributions in binary form must reproduce the above.":                                            "BSD-2-Clause",
		"Redistributions in binary form must reproduce. 3. The name of any author may not be used to endorse": "BSD-3-Clause",
		"All rights reserved.": "",
	} {
		if got := KindOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestUnknownLicenceIsRefused(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "a")
	if err := os.Mkdir(below, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(dir, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(root, "LICENSE", "You may do nothing.")
	write(below, "license.go", "permission is hereby granted, free of charge, to any person")
	check := func() error {
		parts := map[string]*Part{}
		if err := gather(parts, "m", "v1", root, below); err != nil {
			return err
		}
		_, err := finish(parts)
		return err
	}
	if err := check(); err == nil || !strings.Contains(err.Error(), "m has no licence that is known") {
		t.Errorf("an unknown licence: %v", err)
	}
	write(below, "COPYING", "Permission is hereby granted, free of charge, to any person")
	if err := check(); err != nil {
		t.Error(err)
	}
}
