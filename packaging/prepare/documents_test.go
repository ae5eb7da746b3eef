package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every link of the documents that are shipped leads to a file that is shipped with them.
func TestShippedLinksResolve(t *testing.T) {
	folder := t.TempDir()
	if err := copyDocuments("../..", folder); err != nil {
		t.Fatal(err)
	}
	followed := 0
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".md" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for i, part := range strings.Split(string(text), "```") {
			if i%2 == 1 {
				continue
			}
			for _, m := range link.FindAllStringSubmatch(part, -1) {
				target, _, _ := strings.Cut(m[2], "#")
				if target == "" || strings.Contains(target, "://") {
					continue
				}
				followed++
				if _, err := os.Stat(filepath.Join(filepath.Dir(name), target)); err != nil {
					t.Errorf("%s links to %s: %v", name, m[2], err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if followed == 0 {
		t.Error("no link was followed: this test is blind")
	}
	for _, name := range []string{"README.md", "docs/systemd.md", "tuning/SETTINGS.md", "systemd/90-stream-pump.conf"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestLinksThatLeadNowhereBecomeText(t *testing.T) {
	const text = "[a](../README.md#x) [b](../x.go) [c](#c) [d](https://example.org/) [e](../x)\n```\n[f](../x.go)\n```\n[g](b.md)\n"
	const want = "[a](../README.md#x) b [c](#c) [d](https://example.org/) e\n```\n[f](../x.go)\n```\n[g](b.md)\n"
	if got := unlink("docs/a.md", text, []string{"README.md", "docs/a.md", "docs/b.md"}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
