package tuning

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stale names the documents that differ from what read has.
func stale(documents []Document, read func(name string) ([]byte, error)) (names []string) {
	for _, d := range documents {
		if text, err := read(d.Name); err != nil || string(text) != d.Text {
			names = append(names, d.Name)
		}
	}
	return names
}

func TestDocumentsAreFresh(t *testing.T) {
	for _, name := range stale(Documents(), func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join("..", filepath.FromSlash(name)))
	}) {
		t.Errorf("%s is not what the table says: run go generate ./tuning", name)
	}
}

func TestStaleDocumentsAreCaught(t *testing.T) {
	documents := []Document{{"same", "a\n"}, {"changed", "a\n"}, {"missing", "a\n"}}
	got := stale(documents, func(name string) ([]byte, error) {
		switch name {
		case "same":
			return []byte("a\n"), nil
		case "changed":
			return []byte("a \n"), nil
		}
		return nil, os.ErrNotExist
	})
	if strings.Join(got, " ") != "changed missing" {
		t.Errorf("got %q", got)
	}
}

// Each row that is a sysctl stands in the file as its place says.
func TestSysctlFile(t *testing.T) {
	lines := map[string]bool{}
	text := sysctlText(Rows())
	for line := range strings.Lines(text) {
		lines[strings.TrimSpace(line)] = true
		if len(line) > lineWidth+1 {
			t.Errorf("%q is too long", line)
		}
	}
	for _, r := range Rows() {
		assignment := r.Name + " = " + r.Value
		if got := lines["-"+assignment]; got != (r.File == Written) {
			t.Errorf("%s set: %v, and its place is %q", r.Name, got, r.File)
		}
		if got := lines["#"+assignment]; got != (r.File == Offered) {
			t.Errorf("%s offered: %v, and its place is %q", r.Name, got, r.File)
		}
		if r.File == Left && !strings.Contains(text, r.Name) {
			t.Errorf("%s is not named", r.Name)
		}
	}
}
