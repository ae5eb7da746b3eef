package cli

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestFlagMistakes(t *testing.T) {
	for arg, want := range map[string]string{
		"--count=x":    `--count takes a whole number, not "x"`,
		"--count=1.5":  `--count takes a whole number, not "1.5"`,
		"--part=x":     `--part takes a number, not "x"`,
		"--length=5":   `--length takes a time such as 500ms or 20s, not "5"`,
		"--yes=maybe":  `--yes takes true or false, not "maybe"`,
		"--each=1,x":   `--each takes times such as 90ms,0, not "1,x"`,
		"--bitrate=1G": "--bitrate: a bitrate is a number of bits per second up to 1000M, such as 64k or 1.5M",
		"-z":           "there is no flag -z",
		"--nothing":    "there is no flag --nothing",
	} {
		f := pflag.NewFlagSet("x", pflag.ContinueOnError)
		f.SetOutput(io.Discard)
		f.Int("count", 0, "")
		f.Float64("part", 0, "")
		f.Duration("length", time.Second, "")
		f.Bool("yes", false, "")
		f.DurationSlice("each", nil, "")
		f.Var(new(Bits), "bitrate", "")
		if got := flagMistake(f.Parse([]string{arg})); got == nil || got.Error() != want {
			t.Errorf("%s: %v, want %s", arg, got, want)
		}
	}
}

func TestBare(t *testing.T) {
	_, file := os.Open("/nowhere/x")
	port := "x"
	_, address := url.Parse("http://h:" + port + "/y")
	_, refused := net.Dial("tcp", "127.0.0.1:0")
	for want, err := range map[string]error{
		"no such file or directory":    file,
		`invalid port ":x" after host`: address,
		"connection refused":           refused,
		"no such host":                 &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "h"}},
		"no answer in time":            &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded},
		"something of ours":            errors.New("something of ours"),
	} {
		if got := Bare(err); got.Error() != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
	if Bare(nil) != nil {
		t.Error("no error is one")
	}
}
