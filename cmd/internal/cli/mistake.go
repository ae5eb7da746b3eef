package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"syscall"

	"github.com/spf13/pflag"
)

// flagMistake says what is wrong with a flag's value as the command line has it, where
// pflag and strconv speak of parsing.
func flagMistake(err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return fmt.Errorf("there is no flag %s%s", dashes, unknown.GetSpecifiedName())
	}
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	f := invalid.GetFlag()
	takes, known := map[string]string{
		"int": "a whole number", "float64": "a number", "bool": "true or false",
		"duration": "a time such as 500ms or 20s", "durationSlice": "times such as 90ms,0",
	}[f.Value.Type()]
	if !known {
		return fmt.Errorf("--%s: %w", f.Name, invalid.Unwrap())
	}
	return fmt.Errorf("--%s takes %s, not %q", f.Name, takes, invalid.GetValue())
}

// Bare is an error without what Go says around the system's own words: which call it
// was, and for which address or file, which the caller knows better.
func Bare(err error) error {
	var errno syscall.Errno
	var dns *net.DNSError
	var address *url.Error
	var path *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &dns):
		return errors.New(dns.Err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("no answer in time")
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("it is not on the PATH")
	case errors.As(err, &errno):
		return errno
	case errors.As(err, &address):
		return address.Err
	case errors.As(err, &path):
		return path.Err
	}
	return err
}
