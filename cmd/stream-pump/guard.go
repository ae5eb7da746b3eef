package main

import (
	"fmt"
	"log/slog"

	"golang.org/x/sys/unix"

	"streampump/access"
	"streampump/access/callback"
	"streampump/config"
)

// guard has the engine ask a configuration's access rules, where there are any. What
// they are made of is secret, and so are the tokens and passwords that come in: from
// now on a crash leaves no core dump.
func guard(c *config.Config, log *slog.Logger) error {
	if c.Access.Open() {
		return nil
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("core dumps, which would hold secrets, cannot be switched off: %w", err)
	}
	callBack(&c.Access.Default[access.View], "all streams without rules of their own", log)
	for path, own := range c.Access.Streams {
		if own.View != nil {
			callBack(own.View, "stream "+path, log)
		}
	}
	c.Engine.Access = access.NewGuard(c.Access)
	return nil
}

// callBack gives rules the backend that they want. The log says when it is down; its
// address, which may have a secret in it, is not shown.
func callBack(r *access.Rules, of string, log *slog.Logger) {
	if r.Callback == nil {
		return
	}
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
