package confine

import (
	"errors"
	"fmt"
	"os"

	"streampump/internal/account"
)

// Policy is what a process becomes and what it may still do.
type Policy struct {
	// Account is whom it becomes if it is root, and Named says that the operator asked
	// for that one.
	Account account.Account
	Named   bool
	// Required makes a missing mechanism an error. Off leaves landlock and seccomp out.
	Required, Off bool
	Needs
	// Connects says that it makes connections of its own: it may open sockets for the
	// network, read what name look-ups and certificates of others need, and connect by TCP.
	Connects bool
	// Hears says that it opens sockets for the datagrams of its peers, or of those that it
	// connects to: it may open such for
	// the network and give them addresses of its own.
	Hears bool
}

// Report is what was done.
type Report struct {
	Account account.Account // who the process is now
	// Landlock is the version of the kernel's interface that is used, 0 for none; Seccomp
	// says that there is a filter of system calls.
	Landlock int
	Seccomp  bool
	// Missing are sentences on what could not be done, most important first.
	Missing []string
}

// steps carries out one policy.
type steps struct {
	Policy
	Report
}

// Apply confines the process; there is no way back. It may be called once, from any
// goroutine, before the process has anything to fear. After an error the process is
// partly confined and should end.
func Apply(p Policy) (Report, error) {
	s := &steps{Policy: p}
	change, err := s.decide()
	if err != nil {
		return s.Report, err
	}
	for _, step := range []func() error{s.dropBounding, s.landlock, func() error { return s.become(change) }, dropCapabilities, noNewPrivileges, s.seccomp} {
		if err := step(); err != nil {
			return s.Report, err
		}
	}
	if p.Required && len(s.Missing) > 0 {
		return s.Report, fmt.Errorf("%w: %s", errMissing, s.Missing[0])
	}
	return s.Report, s.verify()
}

var errMissing = errors.New(`"sandbox" is "required", and not all of it can be had`)

// miss notes what could not be done; where all is required it is an error at once.
func (s *steps) miss(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	s.Missing = append(s.Missing, text)
	if s.Required {
		return fmt.Errorf("%w: %s", errMissing, text)
	}
	return nil
}

// decide says whether the process becomes another user.
func (s *steps) decide() (change bool, err error) {
	s.Report.Account, err = current()
	if err != nil {
		return false, err
	}
	switch uid := os.Geteuid(); {
	case uid != 0 && uid == s.Policy.Account.UID:
		return false, nil
	case uid != 0 && s.Named:
		return false, s.miss("the user stays %s: only root could become %s", s.Report.Account.User, s.Policy.Account.User)
	case uid != 0:
		return false, nil
	}
	if err := canBecome(s.Policy.Account); err != nil {
		return false, s.miss("the user stays root: %v", err)
	}
	return true, nil
}
