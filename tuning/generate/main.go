// Generate writes the files that are made from the table of settings. It runs
// in the folder of package tuning, by `go generate ./tuning`, and writes
// nothing else.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"streampump/tuning"
)

// root is the repository's root, seen from the package's folder.
const root = ".."

func main() {
	for _, d := range tuning.Documents() {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(d.Name)), []byte(d.Text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}
