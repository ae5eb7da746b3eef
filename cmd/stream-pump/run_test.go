package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"streampump/admin"
	"streampump/cmd/internal/cli"
	"streampump/config"
	"streampump/engine"
	"streampump/engine/reason"
)

// output is what one run of the program left behind.
type output struct {
	code           int
	stdout, stderr string
}

// start runs the program in this process, in an empty folder.
func start(t *testing.T, args ...string) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), newRootCommand(world(&stdout, &stderr)), args, &stderr)
	return output{code, stdout.String(), stderr.String()}
}

func (o output) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if want := (output{code, stdout, stderr}); o != want {
		t.Errorf("got exit code %d, output\n%s\nand errors\n%s\nwant exit code %d, output\n%s\nand errors\n%s",
			o.code, o.stdout, o.stderr, want.code, want.stdout, want.stderr)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCheckGood(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "pump.json", `{
  "listen": ["192.0.2.1:80", ":8086"],
  "streams": [
    {"type": "mmsh_push", "path": "live"},
    {"type": "mmsh_pull", "path": "far", "enabled": false, "source_options": {"url": "mmsh://192.0.2.7/"}},
  ],
}`)
	start(t, "check", "pump.json").want(t, cli.ExitOK,
		"pump.json is valid: 2 streams, 1 enabled, on 192.0.2.1:80, [::]:8086\n", "")
}

func TestCheckWarnsAndIsContent(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "pump.json", "{}")
	start(t, "check", "pump.json").want(t, cli.ExitOK,
		"pump.json is valid: 0 streams, 0 enabled, on [::]:8086\n",
		"pump.json:1:1: warning: there are no \"streams\": every request will be answered 404\n")
}

func TestCheckShowsEveryMistake(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "pump.json", `{
  "prot": 8086,
  "ssl": true,
  "streams": [
    {"type": "file", "path": "clip", "source_options": {"file": "none.wmv"}},
    {"type": "mmsh_push", "path": "a b"},
    {"type": "mmsh_pull", "path": "CLIP", "source_options": {"port": 0}},
  ],
  "timeouts": {"request": "ten"},
}`)
	start(t, "check", "pump.json").want(t, cli.ExitFailed, "",
		`pump.json:2:3: /prot: the key "prot" is unknown here; did you mean "port"?
pump.json:3:10: /ssl: TLS needs a certificate: give "ssl_cert" and "ssl_key", or "certificates", or "ssl_domains"
pump.json:5:65: /streams/0/source_options/file: the file "none.wmv" cannot be opened: no such file or directory
pump.json:6:35: /streams/1/path: a path may contain only letters (a to z), digits, _ and -, not ' '
pump.json:7:35: /streams/2/path: the path "CLIP" is also that of the stream in line 5 (case makes no difference)
pump.json:7:61: /streams/2/source_options: a stream of type mmsh_pull needs a "url", or a "host"
pump.json:7:70: /streams/2/source_options/port: the number must be between 1 and 65535, not 0
pump.json:9:27: /timeouts/request: a time is expected here, as a number of seconds or as a text like "10s", "250ms" or "1m30s", not "ten"
pump.json cannot be used: 8 mistakes
`)
}

func TestServeRefusesMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "pump.json", `{"streams": [{"type": "mmsh_push"}]}`)
	start(t, "serve", "pump.json").want(t, cli.ExitFailed, "",
		"pump.json:1:14: /streams/0: this stream has no \"path\"\npump.json cannot be used: 1 mistake\n")
}

func TestServeWithAdminAddressInUse(t *testing.T) {
	t.Chdir(t.TempDir())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	write(t, "pump.json", fmt.Sprintf(`{
  "listen": ["127.0.0.1:0"], "admin": {"listen": %q}, "log": {"level": "error"},
  "streams": [{"type": "mmsh_push", "path": "live"}],
}`, taken.Addr()))
	o := start(t, "serve", "pump.json")
	for _, part := range []string{
		"level=ERROR", "the pump cannot run", fmt.Sprintf("the admin listener cannot listen on %s: address already in use", taken.Addr()),
		"a second pump, perhaps", `set another with \"listen\" in \"admin\"`,
	} {
		if !strings.Contains(o.stderr, part) {
			t.Errorf("no %q in %+v", part, o)
		}
	}
	if o.code != cli.ExitFailed || o.stdout != "" {
		t.Errorf("%+v", o)
	}
}

func TestMissingFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, command := range []string{"check", "serve"} {
		start(t, command, "none.json").want(t, cli.ExitFailed, "",
			"none.json: cannot be opened: no such file or directory\nnone.json cannot be used: 1 mistake\n")
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"chekc x", "there is no command \"chekc\"; did you mean check?\nTry 'stream-pump --help'."},
		{"nothing", "there is no command \"nothing\"\nTry 'stream-pump --help'."},
		{"check", "CONFIG is missing\nTry 'stream-pump check --help'."},
		{"serve", "CONFIG is missing\nTry 'stream-pump serve --help'."},
		{"check a b", "unexpected argument \"b\"\nTry 'stream-pump check --help'."},
		{"example a", "unexpected argument \"a\"\nTry 'stream-pump example --help'."},
		{"profile a b", "unexpected argument \"b\"\nTry 'stream-pump profile --help'."},
		{"profile ftp://h", "the URL of an admin listener begins with http://, and \"ftp://h\" does not\nTry 'stream-pump profile --help'."},
		{"profile --kind threads", "--kind: a profile is one of cpu, heap, allocs, goroutine, block or mutex\nTry 'stream-pump profile --help'."},
		{"profile --kind heap --seconds 5", "a heap profile shows the moment and takes no --seconds\nTry 'stream-pump profile --help'."},
		{"profile --seconds 0", "--seconds must be from 1 to 3600, not 0\nTry 'stream-pump profile --help'."},
		{"profile --seconds 3601", "--seconds must be from 1 to 3600, not 3601\nTry 'stream-pump profile --help'."},
		{"profile --rows -1", "--rows must be 0 or more, not -1\nTry 'stream-pump profile --help'."},
		{"profile --block-rate 1us", "--block-rate needs --kind block\nTry 'stream-pump profile --help'."},
		{"profile -k block --block-rate 2s", "--block-rate must be from 1ns to 1s, not 2s\nTry 'stream-pump profile --help'."},
		{"profile --mutex-fraction 5", "--mutex-fraction needs --kind mutex\nTry 'stream-pump profile --help'."},
		{"profile -k mutex --mutex-fraction 0", "--mutex-fraction must be from 1 to 1000000, not 0\nTry 'stream-pump profile --help'."},
		{"profile --http 9000", "--http takes an address such as :0 or 127.0.0.1:9000, not \"9000\"\nTry 'stream-pump profile --help'."},
		{"version --long", "there is no flag --long\nTry 'stream-pump version --help'."},
		{"--nothing", "there is no flag --nothing\nTry 'stream-pump --help'."},
		{"help nothing", "there is no command \"nothing\"\nTry 'stream-pump --help'."},
		{"help check nothing", "unexpected argument \"nothing\"\nTry 'stream-pump help --help'."},
		{"completion tcsh", "there is no command \"tcsh\"\nTry 'stream-pump completion --help'."},
		{"completion bash x", "unexpected argument \"x\"\nTry 'stream-pump completion bash --help'."},
	} {
		start(t, strings.Fields(c.args)...).want(t, cli.ExitUsage, "", "stream-pump: "+c.want+"\n")
	}
	for _, args := range [][]string{nil, {"completion"}} {
		o := start(t, args...)
		if o.code != cli.ExitUsage || o.stdout != "" || !strings.Contains(o.stderr, "Usage:") || !strings.Contains(o.stderr, "a command is missing") {
			t.Errorf("%q: %+v", args, o)
		}
	}
}

// commands are all commands of the program, cobra's included.
func commands(t *testing.T) []*cobra.Command {
	t.Helper()
	var all []*cobra.Command
	var add func(*cobra.Command)
	add = func(c *cobra.Command) {
		all = append(all, c)
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	add(newRootCommand(env{stdout: io.Discard, stderr: io.Discard}))
	return all
}

func TestHelpOfEveryCommand(t *testing.T) {
	all := commands(t)
	if len(all) < 12 {
		t.Fatalf("only %d commands", len(all))
	}
	for _, c := range all {
		path := strings.Fields(c.CommandPath())[1:]
		o := start(t, append(path, "--help")...)
		if o.code != cli.ExitOK || o.stderr != "" {
			t.Errorf("%q: exit code %d, errors %s", path, o.code, o.stderr)
		}
		for _, part := range []string{"Usage:\n  " + c.CommandPath(), "\nExamples:\n  stream-pump "} {
			if !strings.Contains(o.stdout, part) {
				t.Errorf("%q: the help lacks %q:\n%s", path, part, o.stdout)
			}
		}
		if len(path) > 0 && path[0] != "help" {
			if help := start(t, append([]string{"help"}, path...)...); help != o {
				t.Errorf("help %q differs from %q --help:\n%s", path, path, help.stdout)
			}
		}
	}
}

func TestExample(t *testing.T) {
	o := start(t, "example")
	o.want(t, cli.ExitOK, config.Example(), "")
	t.Chdir(t.TempDir())
	write(t, "pump.json", o.stdout)
	start(t, "check", "pump.json").want(t, cli.ExitOK, "pump.json is valid: 1 stream, 1 enabled, on [::]:8086\n", "")
}

func TestVersion(t *testing.T) {
	o := start(t, "version")
	form := regexp.MustCompile(`^stream-pump ` + regexp.QuoteMeta(cli.Version) + `( \w+(\+changes)?)? ` +
		regexp.QuoteMeta(runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH) + "\n$")
	if o.code != cli.ExitOK || o.stderr != "" || !form.MatchString(o.stdout) {
		t.Errorf("%+v", o)
	}
	if flag := start(t, "--version"); flag != o {
		t.Errorf("--version: %+v", flag)
	}
}

func TestCompletion(t *testing.T) {
	for shell, part := range map[string]string{
		"bash": "complete -o default -F __start_stream-pump stream-pump",
		"fish": "complete -c stream-pump", "zsh": "#compdef stream-pump", "powershell": "Register-ArgumentCompleter",
	} {
		o := start(t, "completion", shell)
		if o.code != cli.ExitOK || o.stderr != "" || !strings.Contains(o.stdout, part) {
			t.Errorf("%s: exit code %d, errors %q, %d bytes without %q", shell, o.code, o.stderr, len(o.stdout), part)
		}
	}
	// What the script asks when the tab key is pressed.
	if o := start(t, "__complete", "che"); !strings.HasPrefix(o.stdout, "check\tShow every mistake") {
		t.Errorf("che<tab>: %+v", o)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatCanNotBeWritten(t *testing.T) {
	for _, command := range []string{"example", "version"} {
		var stderr bytes.Buffer
		code := run(t.Context(), []string{command}, fullDisk{}, &stderr)
		if code != cli.ExitFailed || stderr.String() != "stream-pump: no space left on device\n" {
			t.Errorf("%s: exit code %d, errors %q", command, code, stderr.String())
		}
	}
}

// page is a manual page without its font changes.
func page(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("man", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(src), `\-`, "-")
}

func TestManualNamesEveryCommandAndFlag(t *testing.T) {
	text := page(t, "stream-pump.1")
	for _, c := range commands(t) {
		if !regexp.MustCompile(`(?m)\b` + regexp.QuoteMeta(c.Name()) + `\b`).MatchString(text) {
			t.Errorf("stream-pump.1 does not name the command %s", c.CommandPath())
		}
		c.InitDefaultHelpFlag()
		c.InitDefaultVersionFlag()
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(text, "--"+f.Name) {
				t.Errorf("stream-pump.1 does not name the flag --%s of %s", f.Name, c.CommandPath())
			}
		})
	}
}

// A key is documented by a line that begins an entry and names it.
func TestManualNamesEveryKey(t *testing.T) {
	text := page(t, "stream-pump-config.5")
	for _, key := range config.Keys() {
		name := key[strings.LastIndexByte(key, '.')+1:]
		if !regexp.MustCompile(`(?m)^\.B[RI]? (.* )?` + regexp.QuoteMeta(name) + `( |$)`).MatchString(text) {
			t.Errorf("stream-pump-config.5 has no entry for %s", key)
		}
	}
}

// Every field of the status is documented, by a line that begins an entry.
func TestManualNamesEveryFieldOfTheStatus(t *testing.T) {
	text := page(t, "stream-pump-status.5")
	_, text, _ = strings.Cut(text, ".SH STATUS")
	text, reasons, _ := strings.Cut(text, ".SS Reasons")
	text, stream, _ := strings.Cut(text, ".SS A stream")
	pump, certificate, _ := strings.Cut(text, ".SS A certificate")
	for _, part := range []struct {
		of    any
		text  string
		least int
	}{
		{&admin.Status{}, pump, 10},
		{&admin.StreamStatus{StreamSnapshot: engine.StreamSnapshot{Problem: "x", Media: "x", Client: "x"}}, stream, 10},
		{&admin.CertificateStatus{Problem: "x"}, certificate, 6},
	} {
		of, c := part.of, part.text
		names := fieldsOf(t, of)
		if len(names) < part.least {
			t.Errorf("%T has only %q", of, names)
		}
		for _, name := range names {
			if !regexp.MustCompile(`(?m)^\.B[RI]? (.* )?` + regexp.QuoteMeta(name) + `( |$)`).MatchString(c) {
				t.Errorf("stream-pump-status.5 has no entry for %s of %T", name, of)
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^\.BR? ([a-z_]+)(?: ", " ([a-z_]+))?(?: ", " ([a-z_]+))?$`).FindAllStringSubmatch(c, -1) {
			for _, name := range m[1:] {
				if name != "" && !slices.Contains(names, name) && !slices.Contains(states(), name) {
					t.Errorf("stream-pump-status.5 names %s, which %T does not have", name, of)
				}
			}
		}
	}
	checkReasons(t, reasons)
	for _, state := range states() {
		if !strings.Contains(stream, ".B "+state+"\n") {
			t.Errorf("stream-pump-status.5 does not name the state %s", state)
		}
	}
}

// checkReasons wants an entry for each reason.
func checkReasons(t *testing.T, text string) {
	t.Helper()
	for r := reason.None + 1; r < reason.Count; r++ {
		if !strings.Contains(text, ".TP\n.B "+r.String()+"\n") {
			t.Errorf("stream-pump-status.5 has no entry for the reason %s", r)
		}
	}
}

// states are those of a source.
func states() (names []string) {
	for _, s := range []engine.SourceState{engine.SourceDown, engine.SourceHeld, engine.SourceUp, engine.SourceDialing} {
		names = append(names, s.String())
	}
	return names
}

// fieldsOf are the names in a value's JSON.
func fieldsOf(t *testing.T, v any) []string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(fields))
}
