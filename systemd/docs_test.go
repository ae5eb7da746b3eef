package systemd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// page is the document that shows the units, the examples.
const page = "../docs/systemd.md"

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shown is the block of the page behind a comment.
func shown(t *testing.T, name string) string {
	t.Helper()
	_, block, found := strings.Cut(read(t, page), "<!-- "+name+" -->\n```\n")
	block, _, closed := strings.Cut(block, "```\n")
	if !found || !closed {
		t.Fatalf("%s does not show %s", page, name)
	}
	return block
}

// What the page has to copy is what was tried.
func TestPageShowsTheExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		if shown(t, filepath.Base(file)) != read(t, file) {
			t.Errorf("%s shows another %s", page, file)
		}
	}
}
