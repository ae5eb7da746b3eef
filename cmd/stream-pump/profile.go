package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"streampump/admin"
	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/fetch"
	"streampump/config"
)

// profileFlags are the flags of the command profile.
type profileFlags struct {
	kind          kindFlag
	seconds, rows int
	http, output  string
	blockRate     time.Duration
	mutexFraction int
	cum           bool
}

func newProfileCommand(e env) *cobra.Command {
	o := profileFlags{kind: kindFlag(fetch.Kinds()[0])}
	cmd := &cobra.Command{
		Use:   "profile [URL]",
		Short: "Show what a running pump spends its time on",
		Long: `Measure a running pump, and show which functions cost most; in CPU and
goroutine profiles also which streams and loops. (none) is what is
done for no stream, such as waiting for sockets. URL is the address of the pump's
admin listener, ` + defaultAdmin() + ` by default. The pump runs on as usual.

` + kindsHelp() + `
With --http the profile can be browsed as a flame graph and in other forms, until
Ctrl-C.`,
		Example: `  stream-pump profile
  stream-pump profile --seconds 30 --http :0
  stream-pump profile http://127.0.0.1:8087 --kind mutex --output mutex.pb.gz`,
		Args:              oneURL,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			url := defaultAdmin()
			if len(args) > 0 {
				url = args[0]
			}
			from, err := fetch.Parse(url)
			if err == nil {
				err = o.check(cmd.Flags().Changed)
			}
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			return e.profile(cmd.Context(), from, &o)
		},
	}
	f := cmd.Flags()
	f.VarP(&o.kind, "kind", "k", "what to measure: "+kindNames())
	f.IntVarP(&o.seconds, "seconds", "s", 10, "how long to measure")
	f.IntVarP(&o.rows, "rows", "n", 20, "the most rows to show of each table; 0: all")
	f.BoolVar(&o.cum, "cum", false, "order functions by their cost including all that they call")
	f.StringVarP(&o.output, "output", "o", "", "save the profile in a file, for go tool pprof")
	f.StringVar(&o.http, "http", "", "show the profile in a browser from this address, as in :0 or 127.0.0.1:9000")
	f.DurationVar(&o.blockRate, "block-rate", admin.DefaultBlockRate, "with --kind block: take a sample for this much waiting")
	f.IntVar(&o.mutexFraction, "mutex-fraction", admin.DefaultMutexFraction, "with --kind mutex: take a sample for this many contended locks")
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc("kind", completeKind)
	return cmd
}

// oneURL lets the URL be left out.
func oneURL(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return cli.Arguments("URL")(cmd, args)
}

// defaultAdmin is where a pump listens that was not told where.
func defaultAdmin() string { return "http://" + config.Default().Admin.Listen.String() }

// check looks at the flags together. changed says whether a flag was given.
func (o *profileFlags) check(changed func(string) bool) error {
	k := fetch.Kind(o.kind)
	switch {
	case !k.Measured && changed("seconds"):
		return fmt.Errorf("a %s profile shows the moment and takes no --seconds", k.Name)
	case o.seconds < 1 || o.seconds > admin.MaxSeconds:
		return fmt.Errorf("--seconds must be from 1 to %d, not %d", admin.MaxSeconds, o.seconds)
	case k.Name != "block" && changed("block-rate"):
		return errors.New("--block-rate needs --kind block")
	case k.Name != "mutex" && changed("mutex-fraction"):
		return errors.New("--mutex-fraction needs --kind mutex")
	case o.blockRate < 1 || o.blockRate > admin.MaxBlockRate:
		return fmt.Errorf("--block-rate must be from 1ns to %v, not %v", time.Duration(admin.MaxBlockRate), o.blockRate)
	case o.mutexFraction < 1 || o.mutexFraction > admin.MaxMutexFraction:
		return fmt.Errorf("--mutex-fraction must be from 1 to %d, not %d", admin.MaxMutexFraction, o.mutexFraction)
	case o.rows < 0:
		return fmt.Errorf("--rows must be 0 or more, not %d", o.rows)
	case o.http != "":
		if _, _, err := net.SplitHostPort(o.http); err != nil {
			return fmt.Errorf("--http takes an address such as :0 or 127.0.0.1:9000, not %q", o.http)
		}
	}
	return nil
}

// order is what the pump is asked for.
func (o *profileFlags) order() fetch.Order {
	order := fetch.Order{Kind: fetch.Kind(o.kind), Seconds: o.seconds}
	switch o.kind.Name {
	case "block":
		order.Rate = int(o.blockRate)
	case "mutex":
		order.Rate = o.mutexFraction
	}
	return order
}

// profile measures, saves, prints and shows. What can fail at once does so before
// the measurement.
func (e env) profile(ctx context.Context, from fetch.Admin, o *profileFlags) error {
	status, err := from.Status(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	var door net.Listener
	if o.http != "" {
		if door, err = listenHTTP(o.http); err != nil {
			return err
		}
		defer door.Close()
	}
	packed, r, err := e.measure(ctx, from, o.order())
	if err != nil {
		return err
	}
	unsaved := o.save(packed) // told last: what was measured is shown all the same
	fmt.Fprintf(e.stdout, "%s profile of stream-pump %s at %s, %s\n", r.kind.Name, status.Version, from, count(int(status.Viewers), "viewer"))
	if r.total == 0 {
		fmt.Fprintf(e.stdout, "the profile is empty: %s\n", emptiness[r.kind.Name])
		return unsaved
	}
	if _, err := e.stdout.Write(r.appendText(nil, o.rows, o.cum)); err != nil {
		return err
	}
	if unsaved != nil || door == nil {
		return unsaved
	}
	return e.showFlames(ctx, door, r)
}

// measure gets a profile, as it came and as it is read.
func (e env) measure(ctx context.Context, from fetch.Admin, order fetch.Order) (packed []byte, r *report, err error) {
	done := e.waiting(order)
	packed, err = from.Profile(ctx, order)
	done()
	if err != nil {
		return nil, nil, interrupted(ctx, err)
	}
	raw, err := unpack(packed)
	if err == nil {
		r, err = readReport(raw, order.Kind)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the profile of %s cannot be read: %w", from, err)
	}
	return packed, r, nil
}

// save keeps a profile in the file that was asked for, if any.
func (o *profileFlags) save(packed []byte) error {
	if o.output == "" {
		return nil
	}
	if err := os.WriteFile(o.output, packed, 0o644); err != nil {
		return fmt.Errorf("the profile cannot be saved: %w", err)
	}
	return nil
}

// interrupted is err, or what to say when Ctrl-C is behind it.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted; nothing was measured")
	}
	return err
}

// emptiness is what it means when nothing was found.
var emptiness = map[string]string{
	"cpu":       "the pump did too little to be sampled, which happens once for every 10 ms of processor time",
	"heap":      "no sampled memory is in use; a sample is taken once for every half megabyte",
	"allocs":    "too little was allocated to be sampled, which happens once for every half megabyte",
	"goroutine": "there are no goroutines",
	"block":     "nobody waited, or not long enough to be sampled (see --block-rate)",
	"mutex":     "no lock was contended, or too rarely to be sampled (see --mutex-fraction)",
}

// kindFlag is a kind of profile on the command line.
type kindFlag fetch.Kind

func (k *kindFlag) String() string { return k.Name }

// Type implements [pflag.Value].
func (k *kindFlag) Type() string { return "kind" }

// Set implements [pflag.Value].
func (k *kindFlag) Set(s string) error {
	kind, ok := fetch.KindOf(s)
	if !ok {
		return fmt.Errorf("a profile is one of %s", kindNames())
	}
	*k = kindFlag(kind)
	return nil
}

// kindNames are the kinds in a row.
func kindNames() string {
	var names []string
	for _, k := range fetch.Kinds() {
		names = append(names, k.Name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// kindsHelp is a line for each kind.
func kindsHelp() string {
	var b strings.Builder
	for _, k := range fetch.Kinds() {
		when := "at the moment"
		if k.Measured {
			when = "during --seconds"
		}
		fmt.Fprintf(&b, "  %-10s %s, %s\n", k.Name, k.About, when)
	}
	return b.String()
}

// completeKind offers the kinds to the shell.
func completeKind(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, k := range fetch.Kinds() {
		out = append(out, cobra.CompletionWithDesc(k.Name, k.About))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
