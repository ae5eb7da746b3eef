package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestLinksOfAKeeper has a user to whom root has given the folder for automatic
// certificates put a link to what only root may read in a key's place.
func TestLinksOfAKeeper(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("STREAMPUMP_NOSKIP") == "1" {
			t.Fatal("this takes root, and nothing may be skipped")
		}
		t.Skip("this takes root")
	}
	const keeper, ca = 4123456, "https://ca.example/dir"
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "root's")
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		owner int
		mode  os.FileMode // of the folder around the keeper's
		want  error
	}{
		{"given away", keeper, 0o755, fs.ErrPermission},
		{"root's", 0, 0o755, nil},
		{"given away, and out of reach", keeper, 0o700, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			around := t.TempDir()
			folder := filepath.Join(around, "acme")
			if err := errors.Join(os.Mkdir(folder, 0o700), os.Symlink(secret, filepath.Join(folder, "account.key")), os.Chown(folder, c.owner, c.owner),
				os.Chmod(filepath.Dir(around), 0o755), os.Chmod(around, c.mode)); err != nil {
				t.Fatal(err)
			}
			runs := 0
			var err error
			asKeeper(folder, ca, func() {
				runs++
				_, err = os.ReadFile(filepath.Join(folder, "account.key"))
			})
			if runs != 1 || !errors.Is(err, c.want) {
				t.Errorf("it ran %d times, and reading the link ended with %v, not %v", runs, err, c.want)
			}
			if b, err := os.ReadFile(secret); err != nil || string(b) != "root's" {
				t.Errorf("afterwards root reads %q, %v", b, err)
			}
		})
	}
}
