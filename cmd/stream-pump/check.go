package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"streampump/cmd/internal/cli"
	"streampump/config"
	"streampump/tuning"
)

func newCheckCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "check CONFIG",
		Short: "Show every mistake in a configuration",
		Long: `Check a configuration without running it, and show every mistake at once, each
as FILE:LINE:COLUMN: /JSON/POINTER: what is wrong. For streams that are pulled with
TLS it says what their sources must prove. CONFIG may be - for standard input.

For each certificate of a listener over TLS it says whose it is, for which names and
until when, and as root which files are closed to the user that the pump becomes. The
exit code is 0 if all of the configuration can be served, and 1 if not.
Warnings are shown but do not count. No socket is opened. A configuration that does
not fit into this machine's memory is a mistake too.`,
		Example: `  stream-pump check pump.json
  stream-pump check pump.json && systemctl restart stream-pump`,
		Args: cli.Arguments("CONFIG"),
		RunE: func(_ *cobra.Command, args []string) error {
			return e.check(args[0])
		},
	}
}

// check says all that it can of a configuration. What is wrong with it comes before what
// is good, so that nothing of that looks like a verdict.
func (e env) check(path string) error {
	name := configName(path)
	c, problems := e.read(path)
	if c == nil {
		problems = append(problems, e.closedBesides(path)...)
		e.print(problems)
		return e.refuse(path, problems)
	}
	if err := e.fits(c); err != nil {
		problems = append(problems, config.Problem{File: name, Text: err.Error()})
	}
	problems = append(problems, e.closedTo(c, fileOf(path), name)...)
	mistakes := e.print(problems)
	var out strings.Builder
	if mistakes == 0 {
		fmt.Fprintf(&out, "%s is valid: %s\n", name, summary(c))
	}
	for _, line := range pullsOverTLS(c) {
		fmt.Fprintln(&out, line)
	}
	err := e.checkCertificates(&out, c, time.Now())
	if _, failed := io.WriteString(e.stdout, out.String()); failed != nil {
		return failed
	}
	if mistakes > 0 {
		return e.refuse(path, problems)
	}
	return err
}

// checkCertificates says what certificates there are. That they can be read and that
// each key fits has been checked with the configuration.
func (e env) checkCertificates(out io.Writer, c *config.Config, now time.Time) error {
	list, err := certificatesOf(c)
	if err != nil {
		return err // the files have changed since
	}
	for _, x := range list {
		text := "certificate of " + certificateText(x, now)
		if !x.Automatic {
			text += "; its key fits"
		}
		fmt.Fprintln(out, text)
		if worry, _ := x.Worry(now); worry != "" {
			fmt.Fprintf(e.stderr, "warning: %s: %s\n", strings.Join(x.Names, ", "), worry)
		}
	}
	return nil
}

// fits is why a configuration does not fit into this machine's memory; nil if it does.
func (e env) fits(c *config.Config) error {
	m := e.box(tuning.Self).Machine
	soft, _ := tuning.SoftLimit(m)
	return budgetOf(c, enabled(c), m, soft).Check()
}

// stdinName stands for standard input on the command line.
const stdinName = "-"

// configName is what a configuration is called in sentences.
func configName(path string) string {
	if path == stdinName {
		return "standard input"
	}
	return path
}

// fileOf is the name of a configuration's file; empty if it is on standard input.
func fileOf(name string) string {
	if name == stdinName {
		return ""
	}
	return name
}

// read reads a configuration from a file, or from standard input.
func (e env) read(path string) (*config.Config, []config.Problem) {
	if path == stdinName {
		return config.Read(e.stdin, configName(path), ".")
	}
	return config.Load(path)
}

// print prints what is wrong with a configuration, and counts the mistakes.
func (e env) print(problems []config.Problem) (mistakes int) {
	for _, p := range problems {
		fmt.Fprintln(e.stderr, p)
		if !p.Warning {
			mistakes++
		}
	}
	return mistakes
}

// refuse says that a configuration cannot be used, after what is wrong with it. If
// that may pass, serve would not refuse it.
func (e env) refuse(path string, problems []config.Problem) error {
	mistakes, passing := 0, 0
	for _, p := range problems {
		switch {
		case p.Warning:
		case p.OneStream:
			passing++
			mistakes++
		default:
			mistakes++
		}
	}
	if mistakes == passing {
		fmt.Fprintf(e.stderr, "%s can be served only in part: %s (serve runs the other streams)\n", configName(path), count(mistakes, "mistake"))
	} else {
		fmt.Fprintf(e.stderr, "%s cannot be used: %s\n", configName(path), count(mistakes, "mistake"))
	}
	return cli.ErrTold
}

// summary says in half a sentence what a configuration does.
func summary(c *config.Config) string {
	var where []string
	for _, a := range c.Listen {
		where = append(where, a.String())
	}
	for _, a := range c.TLS.Listen {
		where = append(where, a.String()+" (TLS)")
	}
	return fmt.Sprintf("%s, %d enabled, on %s", count(len(c.Streams), "stream"), enabled(c), strings.Join(where, ", "))
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
