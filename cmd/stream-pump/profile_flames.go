package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"
)

// listenHTTP opens the address for a browser; without a host it is the loopback,
// because a profile is nobody else's business.
func listenHTTP(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil && host == "" {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	door, err := net.Listen("tcp", address)
	if err != nil {
		var call *os.SyscallError
		if errors.As(err, &call) {
			err = call.Err // without the address, which our sentence has
		}
		return nil, fmt.Errorf("the profile cannot be shown from %s: %w", address, err)
	}
	return door, nil
}

// browserHead bounds how long a browser may take for the head of a request.
const browserHead = 10 * time.Second

// showFlames serves pprof's own pages about a profile from door until ctx ends.
// The flame graph is drawn by the browser; only the page /graph needs graphviz.
func (e env) showFlames(ctx context.Context, door net.Listener, r *report) error {
	flags := &driverFlags{FlagSet: flag.NewFlagSet("profile", flag.ContinueOnError), args: []string{
		"-http=" + door.Addr().String(), "-no_browser", "-symbolize=none", "-sample_index=" + r.kind.Sample,
	}}
	if r.labels("stream") != nil {
		flags.args = append(flags.args, "-tagroot=stream") // the lowest row of the graph
	}
	flags.SetOutput(io.Discard) // its mistakes are returned
	err := driver.PProf(&driver.Options{
		Flagset: flags,
		Fetch:   inHand{named(r.profile)},
		UI:      driverUI{e.stderr},
		HTTPServer: func(args *driver.HTTPServerArgs) error {
			fmt.Fprintf(e.stdout, "\nflame graph: http://%s/flamegraph (Ctrl-C ends)\n", door.Addr())
			s := &http.Server{Handler: pages(args.Handlers), ReadHeaderTimeout: browserHead}
			stop := context.AfterFunc(ctx, func() { _ = s.Close() })
			defer stop()
			if err := s.Serve(door); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("the profile cannot be shown: %w", err)
	}
	return nil
}

// pages are the driver's handlers without those that write its settings file: they
// do so for a mere link, which any page in the same browser may hold.
func pages(handlers map[string]http.Handler) http.Handler {
	mux := http.NewServeMux()
	for path, h := range handlers {
		switch path {
		case "/saveconfig", "/deleteconfig":
		case "/":
			mux.Handle("/{$}", h)
		default:
			mux.Handle(path, h)
		}
	}
	return mux
}

// named is a copy of p, because the driver changes it, in which what works for no
// stream says so.
func named(p *profile.Profile) *profile.Profile {
	p = p.Copy()
	for _, s := range p.Sample {
		if len(s.Label["stream"]) == 0 {
			if s.Label == nil {
				s.Label = map[string][]string{}
			}
			s.Label["stream"] = []string{unlabelled}
		}
	}
	return p
}

// inHand gives the driver the profile that was fetched. It names no source, so
// that the driver does not keep a copy in the home directory.
type inHand struct{ p *profile.Profile }

// Fetch implements [driver.Fetcher].
func (h inHand) Fetch(string, time.Duration, time.Duration) (*profile.Profile, string, error) {
	return h.p, "", nil
}

// driverFlags are a command line for the driver, which takes its options only from
// one.
type driverFlags struct {
	*flag.FlagSet
	args []string
}

// StringList implements [driver.FlagSet].
func (f *driverFlags) StringList(name, def, usage string) *[]*string {
	return &[]*string{f.String(name, def, usage)}
}

// ExtraUsage implements [driver.FlagSet]; nobody sees the driver's usage.
func (f *driverFlags) ExtraUsage() string { return "" }

// AddExtraUsage implements [driver.FlagSet].
func (f *driverFlags) AddExtraUsage(string) {}

// Parse implements [driver.FlagSet].
func (f *driverFlags) Parse(func()) []string {
	if err := f.FlagSet.Parse(f.args); err != nil {
		return nil
	}
	return []string{"the pump's profile"}
}

// driverUI passes the driver's complaints on; the rest would only repeat what was
// said.
type driverUI struct{ stderr io.Writer }

// ReadLine implements [driver.UI]: there is nobody to talk to.
func (driverUI) ReadLine(string) (string, error) { return "", io.EOF }

// Print implements [driver.UI].
func (driverUI) Print(...any) {}

// PrintErr implements [driver.UI].
func (u driverUI) PrintErr(args ...any) { fmt.Fprintln(u.stderr, fmt.Sprint(args...)) }

// IsTerminal implements [driver.UI].
func (driverUI) IsTerminal() bool { return false }

// WantBrowser implements [driver.UI].
func (driverUI) WantBrowser() bool { return false }

// SetAutoComplete implements [driver.UI].
func (driverUI) SetAutoComplete(func(string) string) {}
