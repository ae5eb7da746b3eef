package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"streampump/internal/account"
)

// shut are the folders on a way that a may not pass, in order, and whether the file in
// the end is closed as well. Root opens each first, so that one that is closed does not
// hide what is behind it.
func shut(a account.Account, w way) (folders []string, file bool) {
	seen := map[string]int{}
	for _, path := range append(slices.Clone(w.passed), w.end) {
		if _, ok := seen[path]; ok {
			continue
		}
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		defer unix.Close(fd) //nolint:errcheck // nothing was written
		seen[path] = fd
	}
	try := func() {
		for _, dir := range w.passed {
			if fd, ok := seen[dir]; ok && !slices.Contains(folders, dir) && refused(unix.Openat(fd, ".", unix.O_PATH|unix.O_CLOEXEC, 0)) {
				folders = append(folders, dir)
			}
		}
		if fd, ok := seen[w.end]; ok {
			file = refused(unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0))
		}
	}
	if os.Geteuid() != 0 {
		try()
	} else if err := as(a, try); err != nil {
		return nil, false
	}
	return folders, file
}

// refused reports whether opening failed for lack of a right. What was opened is closed.
func refused(fd int, err error) bool {
	if err == nil {
		_ = unix.Close(fd)
	}
	return errors.Is(err, fs.ErrPermission)
}

// sentence is what is closed on the way to a file that cannot be read, with the commands
// that open all of it.
func sentence(a account.Account, name string, w way) string {
	folders, file := shut(a, w)
	if len(folders) == 0 { // or what refuses is no matter of rights on files
		return fmt.Sprintf("the file %q cannot be read by %s; open it with: %s", name, who(a), open(a, "r", w.end))
	}
	var commands, names []string
	for _, dir := range folders {
		commands, names = append(commands, open(a, "x", dir)), append(names, strconv.Quote(dir))
	}
	what, verb := "the folder ", "is"
	if len(folders) > 1 {
		what, verb = "the folders ", "are"
	}
	what += strings.Join(names, " and ")
	if file {
		what, verb = what+" and the file itself", "are"
		commands = append(commands, open(a, "r", w.end))
	}
	return fmt.Sprintf("the file %q cannot be read by %s, to whom %s %s closed; open it with: %s", name, who(a), what, verb, strings.Join(commands, " && "))
}

// open is the command that gives a right on a path to an account and takes nothing from
// anybody. Usually that is a matter of the group. Where the path's group has rights of
// its own, or the account's group stands for many, it takes an access control list.
func open(a account.Account, right, path string) string {
	name := quoted(path)
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	gid := int(st.Gid)
	switch {
	case err == nil && int(st.Uid) == a.UID:
		return fmt.Sprintf("chmod u+%s %s", right, name)
	case err == nil && (gid == a.GID || slices.Contains(a.Groups, gid)):
		return fmt.Sprintf("chmod g+%s %s", right, name)
	case err != nil || ofMany(a) || gid != 0 && st.Mode&0o070 != 0:
		return fmt.Sprintf("setfacl -m u:%s:%s %s", a.User, right, name)
	case st.Mode&0o070 != 0: // what only root's group may do
		return fmt.Sprintf("chgrp %s %s && chmod g=%s %s", a.Group, name, right, name)
	}
	return fmt.Sprintf("chgrp %s %s && chmod g+%s %s", a.Group, name, right, name)
}

// ofMany reports whether an account's group is one that systems give to users who have
// nothing to do with each other.
func ofMany(a account.Account) bool {
	return a.User == account.Nobody || slices.Contains([]string{"nobody", "nogroup", "users"}, a.Group)
}
