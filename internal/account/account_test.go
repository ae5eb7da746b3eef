package account

import (
	"errors"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	root, err := Lookup("root", "")
	if err != nil || root.UID != 0 || root.GID != 0 || !root.Root() || root.User != "root" || slices.Contains(root.Groups, 0) {
		t.Errorf("%+v, %v", root, err)
	}
	if byNumber, err := Lookup("0", ""); err != nil || byNumber.User != "root" || byNumber.UID != 0 {
		t.Errorf("%+v, %v", byNumber, err)
	}
	n, err := Lookup(Nobody, "")
	if err != nil || n.UID == 0 || n.Root() || n.User != Nobody || n.Group == "" {
		t.Errorf("%+v, %v", n, err)
	}
	if g, err := Lookup(Nobody, "0"); err != nil || g.GID != 0 || g.UID != n.UID {
		t.Errorf("%+v, %v", g, err)
	}
	if g, err := Lookup("4123456", "4123457"); err != nil || g.UID != 4123456 || g.GID != 4123457 || g.User != "4123456" || g.Group != "4123457" {
		t.Errorf("%+v, %v", g, err)
	}
}

// Somebody's groups are those that the system's own tools would give.
func TestGroups(t *testing.T) {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	ids, err := u.GroupIds()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Lookup(u.Username, "4123457")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		n, _ := strconv.Atoi(id)
		if !slices.Contains(a.Groups, n) {
			t.Errorf("%v lacks %d", a.Groups, n)
		}
	}
}

func TestUnknown(t *testing.T) {
	var u *UserError
	var g *GroupError
	for _, c := range []struct {
		user, group string
		as          any
		want        string
	}{
		{"no-such-user", "", &u, `there is no user "no-such-user" on this machine; make one with: useradd --system --shell /usr/sbin/nologin no-such-user`},
		{Nobody, "no-such-group", &g, `there is no group "no-such-group" on this machine; make one with: groupadd --system no-such-group`},
		{"our pump", "", &u, `there is no user "our pump" on this machine; name one that there is`},
		{"x;reboot", "", &u, `there is no user "x;reboot" on this machine; name one that there is`},
		{Nobody, "our group", &g, `there is no group "our group" on this machine; name one that there is`},
		{"4123456", "", &u, `give "group" too`},
		{"4294967295", "", &u, `there is no user "4294967295"`},
		{"-1", "", &u, `there is no user "-1"`},
		{Nobody, "4294967295", &g, `there is no group "4294967295"`},
	} {
		_, err := Lookup(c.user, c.group)
		if !errors.As(err, c.as) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q: %v, want %q", c.user, c.group, err, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	if Name(0) != "root" || Name(4123456) != "4123456" || GroupName(0) != "root" || GroupName(4123457) != "4123457" {
		t.Error(Name(0), Name(4123456), GroupName(0), GroupName(4123457))
	}
}
