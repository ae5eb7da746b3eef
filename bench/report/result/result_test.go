package result

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"streampump/bench/report"
)

// shown is a page as Write writes it, without style and script.
func shown(t *testing.T, p *report.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return bare(b.String())
}

func bare(page string) string {
	return regexp.MustCompile(`(?s)<(style|script)\b.*?</(style|script)>`).ReplaceAllString(page, "")
}

// ptr is for the fields that may be nil.
func ptr[T any](v T) *T { return &v }

// checkPage wants some things in a page, and others not.
func checkPage(t *testing.T, page string, wanted, absent []string) {
	t.Helper()
	for _, part := range wanted {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	for _, part := range absent {
		if strings.Contains(page, part) {
			t.Errorf("the page has %q", part)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}
