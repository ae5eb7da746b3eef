package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// shipped are the documents of a package and what they link to that is of use there, as
// patterns from the root of the tree.
var shipped = []string{"README.md", "CHANGELOG.md", "docs/*.md", "tuning/SETTINGS.md", "bench/LEDGER.md", "bench/results/README.md", "systemd/90-stream-pump.conf"}

// documents copies what is shipped from the tree into a folder, laid out as it is here:
// links from one to another lead there too. A link to what stays behind, such as
// source, becomes its text.
func documents(args []string) error { return copyDocuments(".", args[0]) }

func copyDocuments(root, folder string) error {
	var names []string
	for _, pattern := range shipped {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			return fmt.Errorf("there is no %s (%v)", pattern, err)
		}
		for _, name := range found {
			name, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			names = append(names, name)
		}
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		if path.Ext(name) == ".md" {
			text = []byte(unlink(name, string(text), names))
		}
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// link is a link of Markdown: its text and its target.
var link = regexp.MustCompile(`\[([^]]*)\]\(([^)\s]+)\)`)

// unlink takes the links out of a document that lead to none of the named files. What is
// between two fences is no link, whatever it looks like.
func unlink(from, text string, names []string) string {
	parts := strings.Split(text, "```")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = link.ReplaceAllStringFunc(parts[i], func(whole string) string {
			m := link.FindStringSubmatch(whole)
			target, _, _ := strings.Cut(m[2], "#")
			if target == "" || strings.Contains(target, "://") || slices.Contains(names, path.Join(path.Dir(from), target)) {
				return whole
			}
			return m[1]
		})
	}
	return strings.Join(parts, "```")
}
