package confine

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"streampump/internal/account"
)

// current is who the process is now.
func current() (account.Account, error) {
	groups, err := os.Getgroups()
	if err != nil {
		return account.Account{}, fmt.Errorf("the groups of this process cannot be read: %w", err)
	}
	a := account.Account{UID: os.Geteuid(), GID: os.Getegid()}
	a.User, a.Group = account.Name(a.UID), account.GroupName(a.GID)
	slices.Sort(groups)
	a.Groups = slices.DeleteFunc(slices.Compact(groups), func(g int) bool { return g == a.GID })
	return a, nil
}

// become makes the process somebody else, for good.
func (s *steps) become(change bool) error {
	if !change {
		return nil
	}
	a := s.Policy.Account
	if err := syscall.Setgroups(a.Groups); err != nil {
		return fmt.Errorf("the groups of the user %s cannot be had: %w", a.User, err)
	}
	if err := syscall.Setresgid(a.GID, a.GID, a.GID); err != nil {
		return fmt.Errorf("the group %s cannot be had: %w", a.Group, err)
	}
	if err := syscall.Setresuid(a.UID, a.UID, a.UID); err != nil {
		return fmt.Errorf("the process cannot become the user %s: %w", a.User, err)
	}
	s.Report.Account = a
	return nil
}

// canBecome says why this process cannot become somebody else. It must be root.
func canBecome(a account.Account) error { return as(a, func() {}) }

// As runs f with somebody's rights on files, and nobody else's; all other goroutines keep
// theirs. The error says why the process, which must be root, cannot become a; f has not
// run then. f must not start goroutines.
func As(a account.Account, f func()) error { return as(a, f) }

// as is that. The process may lack capabilities.
func as(a account.Account, f func()) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		back, err := masked(a)
		if err == nil {
			f()
		}
		restored := back()
		if restored == nil {
			runtime.UnlockOSThread()
		} // otherwise the thread ends with this goroutine
		if err == nil {
			err = restored // or the first says it all
		}
		done <- err
	}()
	return <-done
}

// masked gives the calling thread somebody's rights on files. back undoes it, and must be
// called in any case. The calls are those of one thread: syscall's would be for all.
func masked(a account.Account) (back func() error, err error) {
	groups, err := unix.Getgroups()
	if err != nil {
		return func() error { return nil }, fmt.Errorf("its groups cannot be read: %w", err)
	}
	uid, gid := os.Geteuid(), os.Getegid()
	caps, err := getCapabilities()
	if err != nil {
		return func() error { return nil }, err
	}
	back = func() error {
		err := setOwnCapabilities(caps)
		for _, undo := range []error{setOwnUser(uid), setOwnGroup(gid), unix.Setgroups(groups)} {
			if err == nil {
				err = undo
			}
		}
		return err
	}
	if err := unix.Setgroups(a.Groups); err != nil { // nothing is changed, and nothing can be
		return func() error { return nil }, fmt.Errorf("its groups cannot be changed, which takes CAP_SETGID: %w", err)
	}
	if err := setOwnGroup(a.GID); err != nil {
		return back, err
	}
	if err := setOwnUser(a.UID); err != nil {
		return back, err
	}
	none := caps
	none[0].Effective, none[1].Effective = 0, 0
	return back, setOwnCapabilities(none)
}

// setOwnUser changes as whom the calling thread opens files. The kernel says nothing of
// a refusal: what it is then tells.
func setOwnUser(uid int) error {
	_, err := unix.SetfsuidRetUid(uid)
	if now, _ := unix.SetfsuidRetUid(-1); err == nil && now != uid {
		err = unix.EPERM
	}
	if err != nil {
		return fmt.Errorf("it cannot become number %d, which takes CAP_SETUID and that number in its user namespace: %w", uid, err)
	}
	return nil
}

// setOwnGroup is the same for the group.
func setOwnGroup(gid int) error {
	_, err := unix.SetfsgidRetGid(gid)
	if now, _ := unix.SetfsgidRetGid(-1); err == nil && now != gid {
		err = unix.EPERM
	}
	if err != nil {
		return fmt.Errorf("its group cannot become number %d, which takes CAP_SETGID and that number in its user namespace: %w", gid, err)
	}
	return nil
}
