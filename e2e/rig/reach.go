package rig

import (
	"os"
	"path/filepath"
	"testing"

	"streampump/internal/account"
)

// Reachable is an empty folder of the test that a pump can look into which was root: the
// test's own folders lie in one that is closed.
func Reachable(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil { //nolint:gosec // see above
			t.Fatal(err)
		}
	}
	return dir
}

// Give gives files to the user that a pump becomes.
func Give(t testing.TB, files ...string) {
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
