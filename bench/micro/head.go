package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// changed marks a commit with changes that are in no commit.
const changed = "+changes"

// head is what go test does not say of the machine and the source that a
// benchmark ran on, as the first lines of a results file. What cannot be read
// is said to be unknown, and why.
func head(tree string) string {
	var b strings.Builder
	for _, l := range []struct{ key, value string }{
		{"commit", commit(tree)},
		{"date", time.Now().UTC().Format(time.DateOnly)},
		{"go", runtime.Version()},
		{"kernel", kernel()},
		{"processors", fmt.Sprint(runtime.NumCPU())},
	} {
		fmt.Fprintf(&b, "%s: %s\n", l.key, l.value)
	}
	return b.String()
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return unknown(err)
	}
	return "Linux " + strings.TrimSpace(string(release))
}

func commit(tree string) string {
	id, err := exec.Command("git", "-C", tree, "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return unknown(err)
	}
	changes, err := exec.Command("git", "-C", tree, "status", "--porcelain").Output()
	if err != nil {
		return unknown(err)
	}
	c := strings.TrimSpace(string(id))
	if len(changes) > 0 {
		c += changed
	}
	return c
}

func unknown(err error) string {
	return "unknown (" + strings.ReplaceAll(err.Error(), "\n", " ") + ")"
}
