package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"streampump/access"
	"streampump/config"
)

// guard has the engine ask a configuration's access rules, where there are any. What
// they are made of is secret, and so are the tokens and passwords that come in: from
// now on a crash leaves no core dump.
func guard(c *config.Config) error {
	if c.Access.Open() {
		return nil
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("core dumps, which would hold secrets, cannot be switched off: %w", err)
	}
	c.Engine.Access = access.NewGuard(c.Access)
	return nil
}
