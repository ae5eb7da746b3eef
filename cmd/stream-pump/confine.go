package main

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"

	"streampump/cmd/internal/confine"
	"streampump/cmd/internal/issuance"
	"streampump/config"
	"streampump/internal/account"
	"streampump/tuning"
)

// confinement is what the process of a configuration gives up. Nothing happens in tests
// that run the program in their own process: apply is nil there.
type confinement struct {
	apply  func(confine.Policy) (confine.Report, error)
	policy confine.Policy
	needs  confine.Needs // without what only a reload reads
	later  confine.Needs // that
}

// confinementOf reads who the process becomes. file is the configuration's, which is
// read again when the operator asks for it; empty if it came from somewhere else.
func (e env) confinementOf(c *config.Config, file string) (confinement, error) {
	x := confinement{apply: e.confine}
	if e.confine == nil {
		return x, nil
	}
	a, err := account.Lookup(c.Confinement.User, c.Confinement.Group)
	if err != nil {
		return x, err // the machine has changed since the configuration was read
	}
	x.needs, x.later = needsOf(c), confine.Needs{Read: reloaded(c, file)}
	x.policy = confine.Policy{
		Account: a, Named: c.Confinement.User != account.Nobody,
		Required: c.Confinement.Sandbox == config.SandboxRequired,
		Off:      c.Confinement.Sandbox == config.SandboxOff,
		Needs:    x.needs, Connects: connects(c), Hears: hears(c),
	}
	x.policy.Read = slices.Concat(x.needs.Read, x.later.Read)
	return x, nil
}

// reloaded are the files that only a reload reads again: the configuration and what it
// was made of.
func reloaded(c *config.Config, file string) []string {
	return filled(append([]string{file, c.TLS.Automatic.CAFile}, c.Secrets...))
}

// needsOf is what a configuration's pump reads and writes while it runs.
func needsOf(c *config.Config) (n confine.Needs) {
	for _, f := range c.TLS.Certificates {
		n.Read = append(n.Read, f.Cert, f.Key)
	}
	n.Read = filled(append(n.Read, filesOfStreams(c)...))
	if auto := c.TLS.Automatic; len(auto.Domains) > 0 {
		n.Write = append(n.Write, issuance.Place(auto.Folder, auto.Directory))
	}
	return n
}

// filled are the files among some that a configuration may name, each once.
func filled(files []string) (out []string) {
	for _, f := range files {
		if f != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// connects reports whether a configuration's pump makes connections by itself.
func connects(c *config.Config) bool {
	for range calling(&c.Access) {
		return true
	}
	return len(c.TLS.Automatic.Domains) > 0 || slices.ContainsFunc(c.Streams, func(s config.Stream) bool { return s.Enabled && s.Type.Pulled() })
}

// hears reports whether encoders, or sources that it pulls from, may send to a
// configuration's pump over UDP.
func hears(c *config.Config) bool {
	return c.Engine.Datagrams.First != 0 && slices.ContainsFunc(c.Streams, func(s config.Stream) bool {
		return s.Enabled && (s.Type == config.TypeRTSPPush || s.Type == config.TypeRTSPPull && s.Pull.TLS == nil)
	})
}

// enter confines the process, and says what it has given up. The listeners are open by
// then.
func (x confinement) enter(c *config.Config, sec *security, timers *tuning.Timers, log *slog.Logger) error {
	if x.apply == nil {
		return nil
	}
	if err := sec.handOver(c, x.policy.Account); err != nil {
		log.Error("what automatic certificates are kept in stays root's", "why", err)
	}
	for _, b := range x.barred(x.later) {
		log.Warn("a reload will not be able to read a file", "why", b.Text)
	}
	streams := filesOfStreams(c)
	for _, b := range x.barred(x.needs) {
		if x.policy.Required {
			return fmt.Errorf(`"sandbox" is "required": %s`, b.Text)
		}
		if !b.Write && slices.Contains(streams, b.Path) {
			log.Error("a file is closed to the pump once it is no longer root, and its stream cannot run", "why", b.Text)
			continue
		}
		log.Error("a file is closed to the pump once it is no longer root", "why", b.Text, "until_then", "what was read of it holds")
		sec.bar(b)
	}
	if timers != nil {
		if err := timers.Again(); err != nil {
			log.Info(finerTimers, "why", err)
		}
	}
	// The system's own resolver would want far more of the machine than Go's.
	net.DefaultResolver.PreferGo = true
	done, err := x.apply(x.policy)
	if err != nil {
		return err
	}
	sayConfined(done, log)
	return nil
}

// sayConfined writes what the process has given up to the log.
func sayConfined(r confine.Report, log *slog.Logger) {
	a := r.Account
	landlock, missing := "none", "nothing"
	if r.Landlock > 0 {
		landlock = "version " + strconv.Itoa(r.Landlock)
	}
	say := log.Info
	if len(r.Missing) > 0 {
		missing = strings.Join(r.Missing, "; ")
	}
	if a.Root() || len(r.Missing) > 0 {
		say = log.Warn
	}
	say("confined", "user", a.User, "uid", a.UID, "group", a.Group, "gid", a.GID, "groups", fmt.Sprint(a.Groups),
		"capabilities", "none", "no_new_privs", true, "landlock", landlock, "seccomp", r.Seccomp, "missing", missing)
}
