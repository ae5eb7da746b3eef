package systemd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	unitFile   = "stream-pump.service"
	socketFile = "stream-pump.socket"
)

// unit is a unit file: for each section and key, the values in order.
type unit map[string][]string

func readUnit(t *testing.T, file string) unit {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	u, err := parseUnit(string(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return u
}

// parseUnit understands what our units use of systemd.syntax(7): sections,
// KEY=VALUE and comments. A line that is none of these is an error. An empty value,
// which resets a setting, is kept as one.
func parseUnit(text string) (unit, error) {
	u := unit{}
	section := ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch key, value, ok := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = line[1 : len(line)-1]
		case ok && section != "" && key != "":
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
	t.Fatalf("there are %d values of %s, want 1", len(u[key]), key)
	return ""
}

// known are the settings of each file; what they mean is for systemd.unit(5).
var known = map[string]string{
	"stream-pump.service": `Unit: Description Documentation Wants After StartLimitIntervalSec
		Service: Type NotifyAccess ExecReload ExecStart Restart RestartSec WatchdogSec TimeoutAbortSec TimeoutStopSec
		FileDescriptorStoreMax User Group StateDirectory StateDirectoryMode LimitNOFILE LimitCORE TimerSlackNSec
		MemoryMax MemorySwapMax OOMPolicy TasksMax CapabilityBoundingSet AmbientCapabilities NoNewPrivileges
		PrivateUsers SecureBits UMask KeyringMode LockPersonality MemoryDenyWriteExecute RestrictRealtime
		RestrictSUIDSGID RestrictNamespaces RemoveIPC ProtectSystem ProtectHome PrivateMounts PrivateTmp
		NoExecPaths ExecPaths PrivateDevices DevicePolicy ProtectClock ProtectControlGroups ProtectHostname
		ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc ProcSubset
		RestrictAddressFamilies SystemCallArchitectures SystemCallErrorNumber SystemCallFilter
		Install: WantedBy`,
	"stream-pump.socket":                `Unit: Description Documentation Socket: ListenStream FileDescriptorName Backlog Install: WantedBy`,
	"examples/stream-pump-tls.socket":   `Unit: Description Socket: ListenStream FileDescriptorName Service Backlog Install: WantedBy`,
	"examples/stream-pump-admin.socket": `Unit: Description Socket: ListenStream FileDescriptorName Service Install: WantedBy`,
	"examples/low-ports.conf":           `Service: AmbientCapabilities CapabilityBoundingSet PrivateUsers`,
	"examples/credentials.conf":         `Service: LoadCredential`,
}

// A setting that systemd does not know is only a line in the journal, so each is listed
// here once it was looked up.
func TestUnitsHaveOnlyKnownKeys(t *testing.T) {
	files, err := filepath.Glob("examples/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, unitFile, socketFile) {
		if known[file] == "" {
			t.Errorf("%s is unknown here", file)
			continue
		}
		keys, section := map[string]bool{}, ""
		for word := range strings.FieldsSeq(known[file]) {
			if name, ok := strings.CutSuffix(word, ":"); ok {
				section = name
				continue
			}
			keys[section+"."+word] = true
		}
		for key := range readUnit(t, file) {
			if !keys[key] {
				t.Errorf("%s: %s is unknown here: if it is right, add it to this test", file, key)
			}
		}
	}
}

func TestParseUnitRefusesOtherLines(t *testing.T) {
	for _, text := range []string{"Key=value", "[Service]\nType", "[Service]\n=x"} {
		if _, err := parseUnit(text); err == nil {
			t.Errorf("%q was taken for a unit", text)
		}
	}
}
