package main

import (
	"fmt"
	"os"
	"slices"

	"streampump/cmd/internal/confine"
	"streampump/config"
	"streampump/internal/account"
)

// closedTo are the problems with files of a configuration that are closed to the user that
// the pump becomes. file is the configuration's own name, and name what it is called.
//
// Who will start the pump is not known here: root, or systemd as the user. So what only
// the user could not read at the start is a warning that says both. Files of streams are
// read as that user in either case.
func (e env) closedTo(c *config.Config, file, name string) (problems []config.Problem) {
	note := func(p config.Problem, format string, args ...any) {
		p.File, p.Text = name, fmt.Sprintf(format, args...)
		problems = append(problems, p)
	}
	warning, mistake := config.Problem{Warning: true}, config.Problem{}
	x, err := e.confinementOf(c, file)
	if err != nil {
		note(mistake, "%v", err)
		return problems
	}
	if x.foreign() {
		note(warning, `"sandbox" is "required", and only root and the user %s itself can start such a pump: started as you, it does not start`, x.policy.Account.User)
	}
	streams := filesOfStreams(c)
	for _, b := range x.barred(x.needs) {
		switch {
		case x.policy.Required:
			note(mistake, `"sandbox" is "required": %s`, b.Text)
		case !b.Write && slices.Contains(streams, b.Path):
			note(config.Problem{OneStream: true}, "a stream cannot run: %s", b.Text)
		case !b.Write && x.policy.Named:
			note(warning, "%s: %s", x.atStart(), b.Text)
		default:
			note(warning, "%s", b.Text)
		}
	}
	for _, b := range x.barred(x.later) {
		when := "for a reload"
		if x.policy.Named {
			when = x.atStart()
		}
		note(warning, "%s: %s", when, b.Text)
	}
	return problems
}

// closedBesides is the same for a configuration with mistakes, which do not hide what else
// has to be done.
func (e env) closedBesides(path string) []config.Problem {
	file := source{path: path}.file()
	if file == "" {
		return nil // it cannot be read twice
	}
	c := config.Partial(file)
	if c == nil {
		return nil
	}
	if _, err := e.confinementOf(c, file); err != nil {
		return nil // that is one of the mistakes
	}
	return e.closedTo(c, file, configName(path))
}

// foreign reports whether the process, as it is, could not become whom the configuration
// names, where it must.
func (x confinement) foreign() bool {
	uid := os.Geteuid()
	return x.apply != nil && x.policy.Required && x.policy.Named && uid != 0 && uid != x.policy.Account.UID
}

// atStart is what follows if a file that is read at the start is closed to the user.
func (x confinement) atStart() string {
	return fmt.Sprintf("a pump that is started as the user %s, as the systemd unit does, does not start; one that is started as root only cannot read this file again later", x.policy.Account.User)
}

// filesOfStreams are the files that are read again whenever a stream's source is tried.
func filesOfStreams(c *config.Config) (files []string) {
	for _, s := range c.Streams {
		if !s.Enabled {
			continue
		}
		files = append(files, s.File)
		if s.Pull.TLS != nil {
			files = append(files, s.Pull.TLS.CA, s.Pull.TLS.Cert, s.Pull.TLS.Key)
		}
	}
	return filled(files)
}

// barred are the files that the pump could not read as the user that it becomes; none if
// the process is not root. A pump that starts with a file keeps what is in it, so that
// this is no reason not to start: whoever restarts a machine at night would be without
// all streams.
func (x confinement) barred(n confine.Needs) []confine.Barred {
	if x.apply == nil || os.Geteuid() != 0 {
		return nil
	}
	out, err := confine.Reach(x.policy.Account, n)
	if err != nil {
		return nil // it cannot become that user, which is said when it tries
	}
	return out
}

// closed are sentences for doctor: the same, but for what only a reload of root's pump
// cannot read.
func (e env) closed(c *config.Config, file string) []string {
	out := []string{}
	for _, p := range e.closedTo(c, file, "") {
		if !p.Warning || c.Confinement.User != account.Nobody {
			out = append(out, p.Text)
		}
	}
	return out
}
