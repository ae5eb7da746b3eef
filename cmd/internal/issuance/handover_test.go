package issuance

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// owner is whose a file is; it must be there.
func owner(t *testing.T, name string) int {
	t.Helper()
	st, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return int(st.Sys().(*syscall.Stat_t).Uid)
}

func TestHandOver(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("STREAMPUMP_NOSKIP") == "1" {
			t.Fatal("this takes root, and nothing may be skipped")
		}
		t.Skip("this takes root")
	}
	const uid, gid, ca = 4123456, 4123457, "https://ca.example/dir"
	for _, c := range []struct {
		name         string
		prepare      func(t *testing.T, folder, place string)
		outer, inner int // whose they are in the end
	}{
		{"made", func(*testing.T, string, string) {}, uid, uid},
		{"shared", func(t *testing.T, folder, _ string) {
			must(t, os.WriteFile(filepath.Join(folder, "other"), nil, 0o600))
		}, 0, uid},
		{"open", func(t *testing.T, folder, _ string) { must(t, os.Chmod(folder, 0o755)) }, 0, uid},
		{"open to others", func(t *testing.T, _, place string) { must(t, os.Chmod(place, 0o777)) }, uid, 0},
		{"anothers", func(t *testing.T, _, place string) { must(t, os.Chown(place, 7, 7)) }, uid, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "acme")
			place := Place(folder, ca)
			must(t, makeFolder(place))
			if _, err := accountKey(place); err != nil {
				t.Fatal(err)
			}
			target := filepath.Join(t.TempDir(), "target")
			must(t, os.WriteFile(target, nil, 0o600))
			must(t, os.Symlink(target, filepath.Join(place, "link")))
			c.prepare(t, folder, place)
			must(t, HandOver(folder, ca, uid, gid))
			if who, _, ok := Keeper(folder, ca); ok != (c.outer != 0 || c.inner != 0) || ok && who != c.outer && who != c.inner {
				t.Errorf("the keeper is %d, %v", who, ok)
			}
			key := uid
			if c.inner != uid {
				key = 0
			}
			if owner(t, folder) != c.outer || owner(t, place) != c.inner || owner(t, filepath.Join(place, accountFile)) != key {
				t.Errorf("they belong to %d, %d and %d", owner(t, folder), owner(t, place), owner(t, filepath.Join(place, accountFile)))
			}
			if owner(t, target) != 0 {
				t.Error("a file behind a link was given away")
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
