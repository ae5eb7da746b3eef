package rival

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
)

// Version is the first line that the program at path tells of itself, or, of one
// that does not tell, its name with the version of its Debian package. It is
// empty where neither is known.
func (k *Kind) Version(ctx context.Context, path string) string {
	if len(k.version) > 0 {
		return firstLine(ctx, path, k.version...)
	}
	// Only what is there belongs to the package.
	if dir := filepath.Dir(path); k.Package == "" || dir != "/usr/bin" && dir != "/usr/sbin" {
		return ""
	}
	name, _, _ := strings.Cut(k.Package, " ")
	if v := firstLine(ctx, "dpkg-query", "-W", "-f", "${Version}\n", name); v != "" {
		return name + " " + v
	}
	return ""
}

// firstLine is the first line that a program prints; empty if it cannot be run,
// or prints none on standard output.
func firstLine(ctx context.Context, path string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = askFor // what it has started may hold its output
	out, _ := cmd.Output() // some exit with an error and tell all the same
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(line)
}
