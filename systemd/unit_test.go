package systemd

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"streampump/engine"
	"streampump/tuning"
)

const (
	unitFile = "stream-pump.service"
	// commandSource is where the program's commands are written; main cannot
	// be imported.
	commandSource = "../cmd/stream-pump"
	// stopReserve is what the process may need beyond the last viewer's end: more
	// than the 3 s after which it ends by force.
	stopReserve = 5 * time.Second
)

// unit is the unit file: for each section and key, the values in order.
type unit map[string][]string

func readUnit(t *testing.T) unit {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	u, err := parseUnit(string(text))
	if err != nil {
		t.Fatalf("%s: %v", unitFile, err)
	}
	return u
}

// parseUnit understands what our unit uses of systemd.syntax(7): sections,
// KEY=VALUE and comments. A line that is none of these is an error.
func parseUnit(text string) (unit, error) {
	u := unit{}
	section := ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch key, value, ok := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = line[1 : len(line)-1]
		case ok && section != "" && key != "" && value != "":
			u[section+"."+key] = append(u[section+"."+key], value)
		default:
			return nil, fmt.Errorf("line %d is no section, setting or comment: %q", i+1, line)
		}
	}
	return u, nil
}

// one is the only value of a key.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if v := u[key]; len(v) == 1 {
		return v[0]
	}
	t.Fatalf("%s has %d values of %s, want 1", unitFile, len(u[key]), key)
	return ""
}

func TestUnitHasOnlyKnownKeys(t *testing.T) {
	known := []string{
		"Unit.Description", "Unit.Documentation", "Unit.Wants", "Unit.After",
		"Service.Type", "Service.ExecStart", "Service.StateDirectory", "Service.StateDirectoryMode", "Service.Restart",
		"Service.RestartSec", "Service.LimitNOFILE", "Service.TimerSlackNSec", "Service.TimeoutStopSec",
		"Install.WantedBy",
	}
	for key := range readUnit(t) {
		if !slices.Contains(known, key) {
			t.Errorf("%s: %s is unknown here: if it is right, add it to this test", unitFile, key)
		}
	}
}

func TestParseUnitRefusesOtherLines(t *testing.T) {
	for _, text := range []string{"Key=value", "[Service]\nType", "[Service]\n=x", "[Service]\nType="} {
		if _, err := parseUnit(text); err == nil {
			t.Errorf("%q was taken for a unit", text)
		}
	}
}

// The unit runs a command that the program has, and the configuration that
// `make install` brings.
func TestUnitServes(t *testing.T) {
	serve := strings.Fields(readUnit(t).one(t, "Service.ExecStart"))
	if len(serve) != 3 {
		t.Fatalf("got %q, want BINARY COMMAND FILE", serve)
	}
	if !path.IsAbs(serve[0]) || path.Base(serve[0]) != "stream-pump" || !path.IsAbs(serve[2]) {
		t.Errorf("%q: systemd wants absolute paths", serve)
	}
	if !regexp.MustCompile(`\bUse:\s+"` + regexp.QuoteMeta(serve[1]) + `\b`).MatchString(readCommands(t)) {
		t.Errorf("%s runs %q, which the program does not have", unitFile, serve[1])
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if file, ok := strings.CutPrefix(serve[2], "/etc/"); !ok || !strings.Contains(string(makefile), "$(SYSCONFDIR)/"+file) {
		t.Errorf("make install does not bring %s", serve[2])
	}
}

// readCommands is the source of the program's command line; each command
// stands there as `Use: "name ARGUMENTS"`.
func readCommands(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(commandSource, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", commandSource, err)
	}
	var all strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// systemd kills what has not ended after TimeoutStopSec, so it must exceed the
// engine's own deadline.
func TestUnitWaitsForTheShutdown(t *testing.T) {
	seconds, err := strconv.Atoi(readUnit(t).one(t, "Service.TimeoutStopSec"))
	if err != nil {
		t.Fatal(err)
	}
	want := engine.DefaultConfig().Timeouts.Shutdown + stopReserve
	if got := time.Duration(seconds) * time.Second; got != want {
		t.Errorf("TimeoutStopSec is %v, want the shutdown deadline and %v: %v", got, stopReserve, want)
	}
}

// The unit says what the table of settings says.
func TestUnitHasTheTimerSlackOfTheTable(t *testing.T) {
	slack, err := time.ParseDuration(readUnit(t).one(t, "Service.TimerSlackNSec"))
	if err != nil || slack != tuning.TimerSlack {
		t.Errorf("TimerSlackNSec is %v, %v; the table of settings says %d ns", slack, err, tuning.TimerSlack)
	}
}

// Every session may be a viewer with a socket.
func TestUnitHasDescriptorsForAllSessions(t *testing.T) {
	limit, err := strconv.Atoi(readUnit(t).one(t, "Service.LimitNOFILE"))
	if err != nil {
		t.Fatal(err)
	}
	if least := engine.DefaultConfig().Limits.Sessions + engine.ReservedDescriptors; limit < least {
		t.Errorf("LimitNOFILE is %d, want at least %d", limit, least)
	}
	if limit != tuning.DescriptorLimit {
		t.Errorf("LimitNOFILE is %d, and the table of settings says %d", limit, tuning.DescriptorLimit)
	}
}
