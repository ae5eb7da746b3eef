package config

import (
	"errors"

	"streampump/internal/account"
)

// Confinement is what the process gives up once its listeners are open.
type Confinement struct {
	// User is whom it becomes if it is started as root, by name or by number.
	User string
	// Group stands in place of the user's own; empty: it does not.
	Group string
	// Sandbox is what else it gives up.
	Sandbox Sandbox
}

// Sandbox says how much of the kernel's confinement a pump wants.
type Sandbox int

// The kinds of sandbox.
const (
	// SandboxAuto is what the kernel has; what it lacks is said in the log.
	SandboxAuto Sandbox = iota
	// SandboxRequired is all of it, or no service.
	SandboxRequired
	// SandboxOff is only another user and no capabilities.
	SandboxOff
)

// confinement reads who the pump becomes. That there is such a user is known only to
// this machine, as whether there is a file.
func (w *walker) confinement(root object, c *Config) {
	f := &c.Confinement
	user, userGiven := root.get("user")
	group, groupGiven := root.get("group")
	good := true
	if userGiven {
		f.User, good = w.filled(user)
	}
	if groupGiven && literal(group) != "" {
		var ok bool
		f.Group, ok = w.filled(group)
		good = good && ok
	}
	if v, ok := root.get("sandbox"); ok {
		if i, ok := w.choice(v, "auto", "required", "off"); ok {
			f.Sandbox = []Sandbox{SandboxAuto, SandboxRequired, SandboxOff}[i]
		}
	}
	if !good {
		return
	}
	a, err := account.Lookup(f.User, f.Group)
	var ofGroup *account.GroupError
	switch {
	case err == nil && a.Root() && userGiven:
		w.warn(user, "the pump stays root, so whoever gets hold of it owns what root owns: leave \"user\" out, or name a user of its own")
	case err == nil && a.GID == 0 && groupGiven:
		w.warn(group, "the pump may read what root's group may: leave \"group\" out, or name a group of its own")
	case err == nil:
	case errors.As(err, &ofGroup) || !userGiven:
		w.fail(group, "%v", err)
	default:
		w.fail(user, "%v", err)
	}
}
