// Package account knows the users and groups of this machine, by name or by number, as
// the configuration names them. It changes nothing and knows nothing of what they are
// for.
//
// What was found once is found again, though the process may by then have given up the
// right to look.
//
// A program without cgo knows only what is in /etc/passwd and /etc/group: users of a
// directory service are named by their numbers.
package account

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/user"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// Nobody is the user without rights that every machine has.
const Nobody = "nobody"

// nobody is that user's and its group's number where there is no /etc/passwd, as in
// containers without a system: the kernel's overflow id.
const nobody = 65534

// Account is whom a process can become. The numbers are what counts, the names are for
// people.
type Account struct {
	User, Group string // the number in decimal digits, where it has no name
	UID, GID    int
	// Groups are the user's others, sorted, without GID.
	Groups []int
}

// Root reports whether it is the user that may do everything.
func (a Account) Root() bool { return a.UID == 0 }

// UserError is a user that cannot be used; GroupError is a group. Their texts are
// sentences.
type (
	UserError  struct{ text string }
	GroupError struct{ text string }
)

// Error implements error.
func (e *UserError) Error() string { return e.text }

// Error implements error.
func (e *GroupError) Error() string { return e.text }

// Lookup finds a user, and a group that stands in place of the user's own unless it is
// empty. Either may be a number. The error is a [*UserError] or a [*GroupError].
func Lookup(name, group string) (Account, error) {
	asked := [2]string{name, group}
	if f, err := os.Open(passwdFile); err == nil {
		_ = f.Close()
	} else if errors.Is(err, fs.ErrPermission) {
		if a, ok := found.Load(asked); ok {
			return a.(Account), nil
		}
		return Account{}, &UserError{fmt.Sprintf("whether there is a user %q cannot be seen any more: %s is closed to this process", name, passwdFile)}
	}
	a, err := lookup(name, group)
	if err == nil {
		found.Store(asked, a)
	}
	return a, err
}

// passwdFile is where users are found.
const passwdFile = "/etc/passwd"

// found are the accounts that were found, by the names that were asked for. It grows by
// no more than an operator writes into configurations.
var found sync.Map

func lookup(name, group string) (Account, error) {
	a, gid, err := lookupUser(name)
	if err != nil {
		return Account{}, err
	}
	if group != "" {
		if a.Group, a.GID, err = lookupGroup(group); err != nil {
			return Account{}, err
		}
	} else {
		if gid < 0 {
			return Account{}, &UserError{fmt.Sprintf("the user %s is not in /etc/passwd, so its group is not known: give \"group\" too", name)}
		}
		a.GID, a.Group = gid, groupName(gid)
	}
	a.Groups = slices.DeleteFunc(a.Groups, func(g int) bool { return g == a.GID })
	return a, nil
}

// lookupUser finds a user, its groups and its own group, -1 if that is not known.
func lookupUser(name string) (a Account, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return unlisted(name)
		}
	}
	uid, err := number(u.Uid)
	if err == nil {
		gid, err = number(u.Gid)
	}
	if err != nil {
		return a, 0, &UserError{fmt.Sprintf("the user %q cannot be used: %v", name, err)}
	}
	groups, err := u.GroupIds()
	if err != nil {
		return a, 0, &UserError{fmt.Sprintf("the groups of the user %q cannot be read: %v", name, err)}
	}
	a = Account{User: u.Username, UID: uid}
	for _, text := range groups {
		if g, err := number(text); err == nil {
			a.Groups = append(a.Groups, g)
		}
	}
	slices.Sort(a.Groups)
	a.Groups = slices.Compact(a.Groups)
	return a, gid, nil
}

// unlisted is a user that no file names: a number, or nobody.
func unlisted(name string) (a Account, gid int, err error) {
	if name == Nobody {
		return Account{User: Nobody, UID: nobody}, nobody, nil
	}
	if uid, err := number(name); err == nil {
		return Account{User: name, UID: uid}, -1, nil
	}
	return a, 0, &UserError{fmt.Sprintf("there is no user %q on this machine%s", name, made("useradd --system --shell /usr/sbin/nologin", name))}
}

func lookupGroup(name string) (string, int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		if g, err = user.LookupGroupId(name); err != nil {
			gid, err := number(name)
			if err != nil {
				return "", 0, &GroupError{fmt.Sprintf("there is no group %q on this machine%s", name, made("groupadd --system", name))}
			}
			return name, gid, nil
		}
	}
	gid, err := number(g.Gid)
	if err != nil {
		return "", 0, &GroupError{fmt.Sprintf("the group %q cannot be used: %v", name, err)}
	}
	return g.Name, gid, nil
}

// made is the end of a sentence on what there is not: how to make it. A shell, and useradd,
// might make something else of an unusual name.
func made(command, name string) string {
	if !usual.MatchString(name) {
		return "; name one that there is"
	}
	return "; make one with: " + command + " " + name
}

// usual are the names that need no care.
var usual = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,30}$`)

func groupName(gid int) string {
	text := strconv.Itoa(gid)
	if g, err := user.LookupGroupId(text); err == nil {
		return g.Name
	}
	return text
}

// number reads the number of a user or a group. The largest of 32 bits stands for "leave
// it as it is" in system calls; what is above an int of this machine is not used either.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	switch {
	case err != nil:
		return 0, errors.New("it is no number")
	case n >= math.MaxInt32:
		return 0, fmt.Errorf("the number %d is too large", n)
	}
	return int(n), nil
}

// Name is a user's name, or its number in digits where it has none.
func Name(uid int) string {
	text := strconv.Itoa(uid)
	if u, err := user.LookupId(text); err == nil {
		return u.Username
	}
	return text
}

// GroupName is the same for a group.
func GroupName(gid int) string { return groupName(gid) }
