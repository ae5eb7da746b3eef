package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"streampump/internal/account"
)

// Barred is a file or folder that an account cannot use.
type Barred struct {
	Path string
	// Write says that it was to be written to.
	Write bool
	// Text is the operator's sentence: what is closed to whom, and the command that opens
	// it.
	Text string
}

// Reach tries as a, and not as root, to read what the needs name, and to write where they
// say. What is missing altogether is not barred. The process must be root, and able to
// become a; any other process asks for itself.
func Reach(a account.Account, n Needs) (out []Barred, err error) {
	// Root looks the ways up: a may not be able to.
	ways := map[string]way{}
	for _, name := range n.Read {
		ways[name] = follow(name)
	}
	for _, name := range n.Write {
		ways[name] = follow(name)
	}
	look := func() {
		for _, name := range n.Read {
			if unreadable(name) {
				out = append(out, Barred{Path: name})
			}
		}
		for _, name := range n.Write {
			if text := unwritable(a, name, ways[name]); text != "" {
				out = append(out, Barred{Path: name, Write: true, Text: text})
			}
		}
	}
	if os.Geteuid() != 0 {
		look()
	} else {
		err = as(a, look)
	}
	for i, b := range out {
		if !b.Write {
			out[i].Text = sentence(a, b.Path, ways[b.Path])
		}
	}
	return out, err
}

// unreadable reports whether a file cannot be read. That it is not there is said elsewhere.
// The way from the root counts, and not where the process happens to stand: a relative
// name would lead past folders that are closed.
func unreadable(name string) bool {
	if full, err := filepath.Abs(name); err == nil {
		name = full
	}
	return refused(unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0))
}

// unwritable is the sentence on a folder in which no files can be made; empty for others.
func unwritable(a account.Account, name string, w way) string {
	err := unix.Faccessat2(unix.AT_FDCWD, name, unix.R_OK|unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if !errors.Is(err, fs.ErrPermission) {
		return "" // it may be written to, is not there, or the kernel cannot tell
	}
	give := fmt.Sprintf("chown -R %d:%d %s", a.UID, a.GID, quoted(w.end))
	if dir := closed(w); dir != "" {
		return closedFolder(a, name, dir) + " && " + give
	}
	return fmt.Sprintf("the folder %q cannot be written to by %s; give it away with: %s", name, who(a), give)
}

// closed is the first folder on the way that may not be passed.
func closed(w way) string {
	for _, dir := range w.passed {
		fd, err := unix.Open(dir+"/.", unix.O_PATH|unix.O_CLOEXEC, 0)
		if errors.Is(err, fs.ErrPermission) {
			return dir
		}
		if err == nil {
			_ = unix.Close(fd)
		}
	}
	return ""
}

func closedFolder(a account.Account, name, dir string) string {
	return fmt.Sprintf("the folder %q cannot be written to by %s, to whom the folder %q is closed; open it with: %s", name, who(a), dir, open(a, "x", dir))
}

// who is an account in a sentence.
func who(a account.Account) string {
	return fmt.Sprintf("the user %s (group %s)", a.User, a.Group)
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.IndexFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+@%:,=", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
