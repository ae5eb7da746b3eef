package main

import (
	"os"
	"path/filepath"
	"testing"

	"streampump/internal/account"
)

// reachable is an empty folder that the pump can look into after it was root: the test's
// own lies in one that is closed.
func reachable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// give gives files to whom the pump becomes.
func give(t *testing.T, files ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	a, err := account.Lookup(account.Nobody, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Chown(f, a.UID, a.GID); err != nil {
			t.Fatal(err)
		}
	}
}
