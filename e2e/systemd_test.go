//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// systemdTime is how long one run of systemd/try may take: it builds a small Debian, boots
// it and ends by itself after three minutes at the latest.
const systemdTime = 6 * time.Minute

// The units do what docs/systemd.md says under the systemd of Debian 12, the oldest that
// they are for, and of Debian 13, which knows notify-reload.
func TestSystemd(t *testing.T) {
	if os.Getuid() != 0 {
		missing(t, "takes root")
	}
	need(t, "debootstrap", "systemd-nspawn", "openssl", "unshare")
	_, mirror := debianMirror(t)
	for _, c := range []struct{ suite, kind string }{
		{"bookworm", "Type=notify\n"},
		{"trixie", "Type=notify-reload\n"},
	} {
		t.Run(c.suite, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), systemdTime)
			defer cancel()
			cmd := exec.CommandContext(ctx, "../systemd/try", c.suite)
			cmd.Env = append(os.Environ(), "MIRROR="+mirror)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) } // it cleans up
			cmd.WaitDelay = 20 * time.Second
			out, err := cmd.CombinedOutput()
			said := string(out)
			if err != nil || !strings.HasSuffix(said, "\nAll is as it should be.\n") {
				t.Fatalf("%v\n%s", err, said)
			}
			for _, want := range []string{
				c.kind,                              // the generator knows the version
				"\nok: verify has nothing to say\n", // that version's own systemd-analyze
				"viewers, ",                         // the status line
				" answered, 0 refused, ",            // while it was restarted, twice
				"Watchdog timeout",                  // and another pump after it
				"\nok: the MMSH viewer has the end of the stream\n",
				"\nok: now it does\n", // started by a connection
				"\nok: port 80 answers\n",
				"\nok: the log, and stream-pump doctor, say the same with the sandbox and without\n",
			} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not in what it printed", want)
				}
			}
			if t.Failed() {
				t.Log(said)
			}
		})
	}
}
