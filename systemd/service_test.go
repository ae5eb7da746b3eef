package systemd

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"streampump/config"
	"streampump/engine"
	"streampump/tuning"
	"streampump/tuning/capacity"
)

const (
	// commandSource is where the program's commands are written; main cannot
	// be imported.
	commandSource = "../cmd/stream-pump"
	// stopReserve is what the process may need beyond the last viewer's end: more
	// than the 3 s after which it ends by force.
	stopReserve = 5 * time.Second
)

// The unit runs a command that the program has, and the configuration that
// `make install` brings.
func TestUnitServes(t *testing.T) {
	serve := strings.Fields(readUnit(t, unitFile).one(t, "Service.ExecStart"))
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
	seconds, err := strconv.Atoi(readUnit(t, unitFile).one(t, "Service.TimeoutStopSec"))
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
	slack, err := time.ParseDuration(readUnit(t, unitFile).one(t, "Service.TimerSlackNSec"))
	if err != nil || slack != tuning.TimerSlack {
		t.Errorf("TimerSlackNSec is %v, %v; the table of settings says %d ns", slack, err, tuning.TimerSlack)
	}
}

// Every session may be a viewer with a socket.
func TestUnitHasDescriptorsForAllSessions(t *testing.T) {
	limit, err := strconv.Atoi(readUnit(t, unitFile).one(t, "Service.LimitNOFILE"))
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

// seconds is a setting in seconds.
func (u unit) seconds(t *testing.T, key string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(u.one(t, key))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return time.Duration(n) * time.Second
}

// The watchdog ends only what has lost its viewers anyway: players wait at least as long
// for a source that has gone quiet. What has hung does not keep the next pump waiting
// for longer than one that ends in peace.
func TestUnitIsPatientWithThePump(t *testing.T) {
	u := readUnit(t, unitFile)
	if got, least := u.seconds(t, "Service.WatchdogSec"), engine.DefaultConfig().Timeouts.Stall; got < least {
		t.Errorf("WatchdogSec is %v, and a viewer may stall for %v", got, least)
	}
	if got, most := u.seconds(t, "Service.TimeoutAbortSec"), u.seconds(t, "Service.TimeoutStopSec"); got > most {
		t.Errorf("TimeoutAbortSec is %v, and TimeoutStopSec %v", got, most)
	}
}

// Whatever the size of the machine, its system keeps some memory, and a pump as it comes
// finds room in what the unit leaves it.
func TestUnitLeavesMemoryForBoth(t *testing.T) {
	percent, err := strconv.Atoi(strings.TrimSuffix(readUnit(t, unitFile).one(t, "Service.MemoryMax"), "%"))
	if err != nil {
		t.Fatal(err)
	}
	const (
		mib    = 1 << 20
		system = 64 * mib // a small Debian, without what it can write back or drop
	)
	e := engine.DefaultConfig()
	for _, machine := range []int64{512 * mib, 1024 * mib, 4096 * mib, 65536 * mib} {
		limit := machine * int64(percent) / 100
		if machine-limit < system {
			t.Errorf("of %s the system keeps %s", tuning.SizeText(machine), tuning.SizeText(machine-limit))
		}
		soft, _ := tuning.SoftLimit(tuning.Machine{Memory: machine, MemoryLimit: limit})
		b := capacity.Budget{
			Memory: limit, Of: "the control group's limit", Streams: 4, Backlog: e.Backlog.Bytes, Most: soft / 3 * 2,
			Sessions: e.Limits.Sessions, Viewers: 1000, Asked: "this test", Encrypted: true, Handshakes: e.Limits.Handshakes,
		}
		if err := b.Check(); err != nil {
			t.Errorf("on a machine of %s: %v", tuning.SizeText(machine), err)
		}
	}
}

// A pump whose streams all read from a dead disk has a thread for each.
func TestUnitHasThreadsForAllStreams(t *testing.T) {
	most, err := strconv.Atoi(readUnit(t, unitFile).one(t, "Service.TasksMax"))
	if err != nil || most < 1024 {
		t.Errorf("TasksMax is %d, %v: Go ends a program that cannot have one thread more", most, err)
	}
}

// The unit's user is the one that sysusers makes, and lives where its state is.
func TestUnitRunsAsTheUserOfSysusers(t *testing.T) {
	u := readUnit(t, unitFile)
	text, err := os.ReadFile("sysusers.conf")
	if err != nil {
		t.Fatal(err)
	}
	want := "u " + u.one(t, "Service.User") + ` - "Stream Pump" /var/lib/` + u.one(t, "Service.StateDirectory") + " -"
	if !strings.Contains(string(text), "\n"+want+"\n") {
		t.Errorf("sysusers.conf has no line %q", want)
	}
	// An account that was there before may have another group, and the package gives the
	// configuration to this one, which sysusers makes with the user.
	if user, group := u.one(t, "Service.User"), u.one(t, "Service.Group"); group != user {
		t.Errorf("the group is %q, want %q", group, user)
	}
}

// The sockets are those of the configuration as it comes, and wait as the table of
// settings says.
func TestSocketsAreThoseOfTheConfiguration(t *testing.T) {
	c, d := config.Default(), tlsPort(t)
	for _, s := range []struct{ file, name, listen string }{
		{socketFile, "plain", strconv.Itoa(int(c.Listen[0].Port()))},
		{"examples/stream-pump-tls.socket", "tls", d},
		{"examples/stream-pump-admin.socket", "admin", c.Admin.Listen.String()},
	} {
		u := readUnit(t, s.file)
		if got := u.one(t, "Socket.ListenStream"); got != s.listen {
			t.Errorf("%s listens on %s, and the configuration has %s", s.file, got, s.listen)
		}
		if got := u.one(t, "Socket.FileDescriptorName"); got != s.name {
			t.Errorf("%s is named %s, want %s", s.file, got, s.name)
		}
		if s.name == "admin" {
			continue
		}
		if got := u.one(t, "Socket.Backlog"); got != setting(t, "net.core.somaxconn") {
			t.Errorf("%s has a backlog of %s, and the table of settings %s", s.file, got, setting(t, "net.core.somaxconn"))
		}
	}
}

// tlsPort is "ssl_port" as it comes, which stands in the example.
func tlsPort(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../config/example.json")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"ssl_port": (\d+)`).FindSubmatch(text)
	if found == nil {
		t.Fatal("config/example.json has no ssl_port")
	}
	return string(found[1])
}

// setting is a value of the table of settings.
func setting(t *testing.T, name string) string {
	t.Helper()
	for _, r := range tuning.Rows() {
		if r.Name == name {
			return r.Value
		}
	}
	t.Fatalf("the table of settings has no %s", name)
	return ""
}
