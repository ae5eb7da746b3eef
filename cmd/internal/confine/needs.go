package confine

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Needs are what of the file system a process must still reach.
type Needs struct {
	// Read are files that are read again. They may be replaced, by a file of the same
	// name or by a symbolic link that points elsewhere: what is beside them and beside
	// each link on the way can be read too.
	Read []string
	// Folders can be read with all that is in them. They may be files, too.
	Folders []string
	// Write are folders in which files and folders are made, replaced and removed.
	Write []string
}

// What the program and Go's library read at any time, whatever it does. Each may be
// missing.
var (
	always = []string{
		"/proc", "/sys/fs/cgroup", "/sys/devices/system", "/sys/kernel/mm/transparent_hugepage",
		"/etc/localtime", "/usr/share/zoneinfo",
	}
	// resolverFiles are those of Go's own resolver, which sees it when they are replaced.
	resolverFiles = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols"}
	// rootFolders are where Linux systems have the certificates that everybody trusts.
	rootFolders = []string{"/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/system/etc/security/cacerts"}
)

// all are the needs with those of the program itself. env is its environment.
func (n Needs) all(connects bool, env func(string) string) Needs {
	n.Folders = slices.Concat(n.Folders, always)
	if program, err := os.Executable(); err == nil {
		n.Folders = append(n.Folders, program) // profiles name the build that they are of
	}
	if !connects {
		return n
	}
	n.Read = slices.Concat(n.Read, resolverFiles)
	n.Folders = append(n.Folders, rootFolders...)
	if file := env("SSL_CERT_FILE"); file != "" {
		n.Read = append(n.Read, file)
	}
	for _, dir := range filepath.SplitList(env("SSL_CERT_DIR")) {
		if dir != "" {
			n.Folders = append(n.Folders, dir)
		}
	}
	return n
}

// maxLinks bounds the symbolic links on the way to a file, as the kernel does.
const maxLinks = 40

// way is how a name leads to a file.
type way struct {
	// passed are the folders that the name leads through, in order.
	passed []string
	// beside are those of them in which a new file or link may well change what the name
	// stands for: that of the file, and those of links; but not of links that belong to
	// the system, such as /bin and /var/run, and never the root of all.
	beside []string
	// end is what is there in the end, without links; there may be nothing.
	end string
}

// follow finds the way to a file. It needs the right to look up each folder.
func follow(name string) way {
	var w way
	name, err := filepath.Abs(name)
	if err != nil {
		return w
	}
	at, rest, links := "/", strings.TrimPrefix(name, "/"), 0
	for {
		w.passed = append(w.passed, at)
		part, left, more := strings.Cut(rest, "/")
		next := filepath.Join(at, part)
		st, err := os.Lstat(next)
		switch {
		case err == nil && st.Mode()&fs.ModeSymlink != 0 && links < maxLinks:
			target, err := os.Readlink(next)
			if err != nil {
				w.end = next
				return w
			}
			links++
			if !more || strings.Count(at, "/") > 1 {
				w.note(at)
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(at, target)
			}
			at, rest = "/", strings.TrimPrefix(filepath.Join(target, left), "/")
		case more && err == nil:
			at, rest = next, left
		default: // the file, or where the way ends
			w.note(at)
			w.end = filepath.Join(next, left)
			return w
		}
	}
}

func (w *way) note(dir string) {
	if dir != "/" {
		w.beside = append(w.beside, dir)
	}
}
