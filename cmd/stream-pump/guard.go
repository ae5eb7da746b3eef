package main

import (
	"fmt"
	"iter"
	"log/slog"
	"slices"

	"golang.org/x/sys/unix"

	"streampump/access"
	"streampump/access/callback"
	"streampump/config"
)

// noCore sees to it that a crash leaves no core dump, from now on, where there are
// secrets: what access rules are made of, the tokens and passwords that come in, private
// keys, and what a pull shows its source.
func noCore(c *config.Config) error {
	pulls := slices.ContainsFunc(c.Streams, func(s config.Stream) bool { return s.Type.Pulled() })
	if c.Access.Open() && len(c.TLS.Listen) == 0 && !pulls {
		return nil
	}
	// A limit of 0 holds for files, and one of 1 for programs that take dumps as well
	// (core(5)): it is too small for any file.
	var now unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_CORE, &now)
	if most := min(1, now.Max); err == nil {
		err = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: most, Max: most})
	}
	if err != nil {
		return fmt.Errorf("core dumps, which would hold secrets, cannot be switched off: %w", err)
	}
	return nil
}

// guard has the engine ask a configuration's access rules, where there are any.
func guard(c *config.Config, log *slog.Logger) {
	if c.Access.Open() {
		return
	}
	for r, of := range calling(&c.Access) {
		callBack(r, of, log)
	}
	c.Engine.Access = access.NewGuard(c.Access)
}

// calling are the rules that want a web site asked about viewers, and whose they are.
func calling(a *access.Config) iter.Seq2[*access.Rules, string] {
	return func(yield func(*access.Rules, string) bool) {
		if r := &a.Default[access.View]; r.Callback != nil && !yield(r, "all streams without rules of their own") {
			return
		}
		for path, own := range a.Streams {
			if own.View != nil && own.View.Callback != nil && !yield(own.View, "stream "+path) {
				return
			}
		}
	}
}

// callBack gives such rules their backend. The log says when it is down; its
// address, which may have a secret in it, is not shown.
func callBack(r *access.Rules, of string, log *slog.Logger) {
	log = few(log) // a site that comes and goes
	then := "viewers are refused"
	if r.Callback.AllowWhenDown {
		then = "viewers are let in"
	}
	r.Backend = callback.New(callback.Options{Callback: *r.Callback, Changed: func(err error) {
		if err != nil {
			log.Warn("the callback is down", "of", of, "why", err, "until_it_is_back", then)
			return
		}
		log.Info("the callback is back", "of", of)
	}})
}
