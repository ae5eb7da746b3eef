package issuance

import (
	"io/fs"
	"os"
	"path"
	"syscall"
)

// HandOver gives a CA's folder, with what is in it, to a user that is to keep it from
// now on, and the folder that it is in if that is there for CAs only. Only root can do
// that, and only what is root's is given away: where another user could make files,
// their names may stand for files of the system.
func HandOver(folder, directory string, uid, gid int) error {
	outer, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer outer.Close()
	inner, err := outer.OpenRoot(path.Base(Place(folder, directory)))
	if err != nil {
		return err
	}
	defer inner.Close()
	if isRoots(inner) {
		entries, err := fs.ReadDir(inner.FS(), ".")
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := inner.Lchown(e.Name(), uid, gid); err != nil {
				return err
			}
		}
		if err := inner.Chown(".", uid, gid); err != nil {
			return err
		}
	}
	if isRoots(outer) && forCAs(outer) {
		return outer.Chown(".", uid, gid)
	}
	return nil
}

// isRoots reports whether a folder belongs to root, and nobody else makes files there.
func isRoots(dir *os.Root) bool {
	st, err := dir.Stat(".")
	if err != nil {
		return false
	}
	owner, ok := st.Sys().(*syscall.Stat_t)
	return ok && owner.Uid == 0 && st.Mode().Perm()&0o022 == 0
}

// Keeper is the user, other than root, to whom a CA's folder or the one around it
// belongs, and its group. Whatever is there is that user's word: root must look at it as
// that user, or it would open for them what only root may open.
func Keeper(folder, directory string) (uid, gid int, ok bool) {
	for _, dir := range []string{folder, Place(folder, directory)} {
		st, err := os.Stat(dir)
		if err != nil {
			continue
		}
		if owner, is := st.Sys().(*syscall.Stat_t); is && owner.Uid != 0 {
			return int(owner.Uid), int(owner.Gid), true
		}
	}
	return 0, 0, false
}

// forCAs reports whether a folder is closed to others and holds nothing but folders of
// CAs, as [New] makes it: an operator may have named another.
func forCAs(dir *os.Root) bool {
	st, err := dir.Stat(".")
	if err != nil || st.Mode().Perm() != 0o700 {
		return false
	}
	entries, err := fs.ReadDir(dir.FS(), ".")
	if err != nil || len(entries) == 0 {
		return false
	}
	for _, e := range entries {
		if _, err := dir.Lstat(path.Join(e.Name(), accountFile)); err != nil {
			return false
		}
	}
	return true
}
