package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"streampump/bench/report/result"
	"streampump/cmd/internal/cli"
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
	code := run(t.Context(), args, &stdout, &stderr)
	return output{code, stdout.String(), stderr.String()}
}

func (o output) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if want := (output{code, stdout, stderr}); o != want {
		t.Errorf("got exit code %d, output\n%s\nand errors\n%s\nwant exit code %d, output\n%s\nand errors\n%s",
			o.code, o.stdout, o.stderr, want.code, want.stdout, want.stderr)
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ args, want, help string }{
		{"playres x", "there is no command \"playres\"; did you mean players?", ""},
		{"players", "URL is missing", " players"},
		{"encoder", "URL is missing", " encoder"},
		{"floor x", "unexpected argument \"x\"", " floor"},
		{"players ftp://h/x", "a URL begins with http://, https://, mmsh:// or mms://, and \"ftp://h/x\" does not", " players"},
		{"players mmsh://h", "the URL \"mmsh://h\" has no stream, as in /streams/live", " players"},
		{"players mmsh://h/x --protocol rtsp", "--protocol must be mmsh or http, not \"rtsp\"", " players"},
		{"players mmsh://h/x --verify most", "--verify takes a number, all or auto, not \"most\"", " players"},
		{"players mmsh://h/x --verify 101", "101 of 100 players cannot be verified", " players"},
		{"players mmsh://h/x --verify all --churn 1", "only players that are not verified can be replaced", " players"},
		{"players mmsh://h/x --stall 5%", "a stall is a share of the players and a time, as in \"5%:20s\"", " players"},
		{"players mmsh://h/x --stall 5%:20s", "a stall of 20s does not end within a measurement of 10s", " players"},
		{"players mmsh://h/x --throttle 5%", "a throttle is a share of the players and a bitrate of 1k to 1000M, as in \"5%:300k\"", " players"},
		{"players mmsh://h/x --stall 60%:1s --throttle 50%:300k", "no player can both stall and be throttled: the two shares add up to more than 100%", " players"},
		{"players http://h/x --protocol http --describe", "only MMSH has Describe", " players"},
		{"compare x", "unexpected argument \"x\"", " compare"},
		{"compare --servers apache", "there is no server \"apache\", only pump, cubemap, icecast, vlc, nginx, stunnel, live555, go2rtc, nginx-rtmp, mediamtx, lal, srs", " compare"},
		{"compare --protocol rtmps", "--protocol is mmsh, rtsp or rtmp, not \"rtmps\"", " compare"},
		{"compare --protocol rtmp --tls", "--tls is not measured with --protocol rtmp", " compare"},
		{"compare --protocol rtmp --packet-size 1000", "--packet-size is not for RTMP, where a picture is a packet", " compare"},
		{"compare --protocol rtmp --servers pump,lal", "--servers lal: lal has no RTMP", " compare"},
		{"encoder rtmp://h/x --audio", "--audio and --multiple are not for RTMP, where there is sound in any case", " encoder"},
		{"encoder rtmp://h", "the URL \"rtmp://h\" has no stream, as in /streams/live", " encoder"},
		{"players RTMP://h/x --protocol mmsh", "--protocol has no effect on a URL with rtmp://", " players"},
		{"players rtmp://h/x --tls", "--tls is not measured over RTMP", " players"},
		{"players rtmp://h/x --bitrate 60k", "a source with sound and 25 pictures a second has at least 75 kbit/s", " players"},
		{"compare --protocol rtsp --tls", "--tls is not measured with --protocol rtsp", " compare"},
		{"compare --protocol rtsp --fps 30", "over RTSP there are 25 pictures a second, not --fps 30", " compare"},
		{"encoder rtsp://h/x --tls", "--tls is not measured over RTSP", " encoder"},
		{"encoder rtsp://h/x --ca x", "--ca has no effect without --tls", " encoder"},
		{"encoder rtsp://h/x --audio", "--audio and --multiple are not for RTSP, where there is sound in any case", " encoder"},
		{"encoder rtsp://h/x --strip", "--no-video, --script and --strip are not for RTSP", " encoder"},
		{"encoder rtsp://h/x --duration=-1s", "--duration must be 0 or more, not -1s", " encoder"},
		{"encoder rtsp://h", "the URL \"rtsp://h\" has no stream, as in /live", " encoder"},
		{"players rtsp://h/x --gop 0", "no source has 0 pictures from key frame to key frame and packets of 1400 bytes", " players"},
		{"players rtsp://h/x --protocol mmsh", "--protocol has no effect on a URL with rtsp://", " players"},
		{"players mmsh://h/x --bitrate 1M", "--bitrate has no effect without a URL with rtsp:// or rtmp://", " players"},
		{"compare --protocol rtsp --bitrate 60k", "a source with sound and 25 pictures a second has at least 72 kbit/s", " compare"},
		{"compare --protocol rtsp --throttle 5%:300k", "players over RTSP speak no HTTP and no TLS, cannot be throttled, and ask for the description in any case", " compare"},
		{"compare --protocol rtsp --servers pump,cubemap", "--servers cubemap: cubemap has no RTSP", " compare"},
		{"compare --servers pump,lal", "--servers lal: lal takes part over RTSP alone", " compare"},
		{"compare --servers vlc", "the floor needs the pump, whose packets per call it takes: without the pump, use --floor=false", " compare"},
		{"compare --servers vlc --floor=false --pump x", "--pump needs the pump among --servers", " compare"},
		{"compare --servers vlc --floor=false --profile x", "--profile needs the pump among --servers", " compare"},
		{"compare --servers vlc --floor=false --latency-budget 0", "--latency-budget needs the pump among --servers", " compare"},
		{"compare --latency-budget 90ms,1001ms", "--latency-budget must be from 0 to 1s, not 1.001s", " compare"},
		{"compare --latency-budget=-1ms", "--latency-budget must be from 0 to 1s, not -1ms", " compare"},
		{"compare --latency-budget 0,90ms,0s", "--latency-budget has 0s twice", " compare"},
		{"compare --servers pump,vlc --tls", "--servers vlc: vlc has no TLS", " compare"},
		{"compare --servers pump,nginx", "--servers nginx: nginx stands in front of a pump for TLS alone", " compare"},
		{"players mmsh://h/x --ca x.pem", "--ca has no effect without --tls", " players"},
		{"encoder http://h/x --server-name y", "--server-name has no effect without --tls", " encoder"},
		{"encoder http://h/x --tls --ca /nowhere/x.pem", "--ca /nowhere/x.pem: no such file or directory", " encoder"},
		{"players https://h/x --ca /dev/null", "--ca /dev/null: there is no certificate in PEM in it", " players"},
		{"capacity --ca x.pem", "--ca has no effect without a URL", " capacity"},
		{"compare --rounds 0", "--rounds must be 1 to 1000, not 0", " compare"},
		{"compare --cores 1-", "\"1-\" is not a list of processors, such as 0,2-3", " compare"},
		{"compare --stall 5%:5s", "a stall of 5s does not end within a measurement of 5s", " compare"},
		{"compare --stall 5", "a stall is a share of the players and a time, as in \"5%:20s\"", " compare"},
		{"compare --throttle 5", "a throttle is a share of the players and a bitrate of 1k to 1000M, as in \"5%:300k\"", " compare"},
		{"compare --head-start=-1s", "--head-start must be 0 or more, not -1s", " compare"},
		{"compare -n 0", "--number (-n) must be 1 or more, not 0", " compare"},
		{"compare --packet-size 74", "--packet-size must be from 75 to 65000 bytes for such a stream, not 74", " compare"},
		{"compare --fps 0", "--fps must be above 0 and at most 1000", " compare"},
		{"players mmsh://h/x -n 0", "--number (-n) must be 1 or more, not 0", " players"},
		{"players mmsh://h/x --pid -1", "--pid must be 0 or more, not -1", " players"},
		{"capacity mmsh://h", "the URL \"mmsh://h\" has no stream, as in /streams/live", " capacity"},
		{"capacity mmsh://h/x --cores 0", "--cores has no effect with a URL", " capacity"},
		{"capacity --pid 1", "--pid has no effect without a URL", " capacity"},
		{"capacity mmsh://h/x --pid -1", "--pid must be 0 or more, not -1", " capacity"},
		{"capacity mmsh://h/x --verify -1", "--verify must be 0 or more, not -1", " capacity"},
		{"capacity mmsh://h/x --protocol rtsp", "--protocol must be mmsh or http, not \"rtsp\"", " capacity"},
		{"capacity --cores 1-0", "\"1-0\" is not a list of processors, such as 0,2-3", " capacity"},
		{"capacity --gop 0", "--gop must be 1 or more", " capacity"},
		{"capacity --precision 0", "--precision must be more than 0 and less than 100, not 0", " capacity"},
		{"capacity --from 10 --most 5", "--most must be 0, or at least --from (10), not 5", " capacity"},
		{"capacity --step 0s", "--step must be more than 0, not 0s", " capacity"},
		{"capacity --precision -1", "--precision must be more than 0 and less than 100, not -1", " capacity"},
		{"capacity --from 0", "--from must be 1 or more, not 0", " capacity"},
		{"capacity --delay 0", "--delay must be more than 0, not 0s", " capacity"},
		{"capacity --joins 0", "--joins must be more than 0, not 0", " capacity"},
		{"capacity --from x", "--from takes a whole number, not \"x\"", " capacity"},
		{"capacity --step 5", "--step takes a time such as 500ms or 20s, not \"5\"", " capacity"},
		{"players mmsh://h/x --threads 65", "--threads must be 1 to 64, not 65", " players"},
		{"players mmsh://h/x --duration 0", "--duration must be more than 0, not 0s", " players"},
		{"players mmsh://h:x/y", "\"mmsh://h:x/y\" is not a URL: invalid port \":x\" after host", " players"},
		{"players mmsh://h:99999/y", "a port is a number from 1 to 65535, but \"mmsh://h:99999/y\" has 99999", " players"},
		{"players mmsh://h/y --nothing", "there is no flag --nothing", " players"},
		{"floor -k 0", "--coalesce (-k) must be 1 to 1024, not 0", " floor"},
		{"floor -n 0", "--number (-n) must be 1 or more, not 0", " floor"},
		{"floor --duration -1s", "--duration must be more than 0, not -1s", " floor"},
		{"encoder http://h/x --fps 0", "--fps must be above 0 and at most 1000", " encoder"},
		{"encoder http://h/x --gop 0", "--gop must be 1 or more", " encoder"},
		{"encoder http://h/x --packet-size 74", "--packet-size must be from 75 to 65000 bytes for such a stream, not 74", " encoder"},
		{"encoder http://h/x --packet-size 96 --audio", "--packet-size must be from 97 to 65000 bytes for such a stream, not 96", " encoder"},
		{"encoder http://h/x --packet-size 162 --script", "--packet-size must be from 163 to 65000 bytes for such a stream, not 162", " encoder"},
		{"encoder http://h/x --packet-size 65001", "--packet-size must be from 75 to 65000 bytes for such a stream, not 65001", " encoder"},
		{
			"encoder http://h/x --bitrate 64k --audio",
			"64 kbit/s is asked for, but the smallest such stream sends 409 kbit/s, packets and padding included; a lower bitrate takes --multiple, or a smaller --packet-size, or a lower --fps, or no --audio", " encoder",
		},
		{
			"encoder http://h/x --no-video --bitrate 24k",
			"24 kbit/s is asked for, but the smallest such stream sends 121 kbit/s, packets and padding included; a lower bitrate takes --multiple, or a smaller --packet-size", " encoder",
		},
		{
			"encoder http://h/x --no-video --multiple --bitrate 10M",
			"10000 kbit/s is asked for, but the largest such stream sends 3042 kbit/s, packets and padding included", " encoder",
		},
		{"encoder http://h/x --duration -1s", "--duration must be 0 or more, not -1s", " encoder"},
	} {
		start(t, strings.Fields(c.args)...).want(t, cli.ExitUsage, "",
			"pump-bench: "+c.want+"\nTry 'pump-bench"+c.help+" --help'.\n")
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
	add(newRootCommand(env{io.Discard, io.Discard}))
	return all
}

func TestHelpOfEveryCommand(t *testing.T) {
	all := commands(t)
	if len(all) < 10 {
		t.Fatalf("only %d commands", len(all))
	}
	for _, c := range all {
		path := strings.Fields(c.CommandPath())[1:]
		o := start(t, append(path, "--help")...)
		if o.code != cli.ExitOK || o.stderr != "" {
			t.Errorf("%q: exit code %d, errors %s", path, o.code, o.stderr)
		}
		for _, part := range []string{"Usage:\n  " + c.CommandPath(), "\nExamples:\n  pump-bench "} {
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

func TestVersion(t *testing.T) {
	o := start(t, "version")
	if o.code != cli.ExitOK || !strings.HasPrefix(o.stdout, "pump-bench "+cli.Version) || o.stderr != "" {
		t.Errorf("%+v", o)
	}
	if flag := start(t, "--version"); flag != o {
		t.Errorf("--version: %+v", flag)
	}
}

// unused is an address where nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestRefusedConnections(t *testing.T) {
	url := "http://" + unused(t) + "/streams/x"
	o := start(t, "encoder", url+"_push")
	if o.code != cli.ExitFailed || o.stdout != "" || !strings.HasPrefix(o.stderr, "pump-bench: no connection to the pump: ") ||
		!strings.Contains(o.stderr, "connection refused") {
		t.Errorf("encoder: %+v", o)
	}
	o = start(t, "players", url, "-n", "4", "--ramp", "0", "--json")
	var report map[string]any
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
		t.Fatalf("%v: %+v", err, o)
	}
	if o.code != cli.ExitFailed || !strings.Contains(o.stderr, "pump-bench: 4 lost: connection refused\n") {
		t.Errorf("players: %+v", o)
	}
	for _, absent := range []string{"measured", "delay", "join", "server"} {
		if _, there := report[absent]; there {
			t.Errorf("%s is in the report of players that never connected", absent)
		}
	}
	start(t, "players", url, "-n", "4", "--pid", "2147483647").want(t, cli.ExitFailed, "", "pump-bench: there is no process 2147483647\n")
}

func TestFloor(t *testing.T) {
	o := start(t, "floor", "-n", "4", "-k", "2", "--duration", "200ms", "--json")
	var r result.Floor
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != cli.ExitOK || o.stderr != "" {
		t.Fatalf("%v: %+v", err, o)
	}
	if r.Result.Calls == 0 || r.Result.NsPerCall <= 0 || r.Viewers != 4 || r.Coalesce != 2 || r.Machine.Cores < 1 || r.Machine.Usable < 1 {
		t.Errorf("%+v", r)
	}
	if o = start(t, "floor", "-n", "4", "--duration", "300ms", "--segment", "1460"); o.code != cli.ExitOK || !strings.Contains(o.stdout, " ns a call, ") ||
		!strings.Contains(o.stdout, "in a call, in segments of 1460 bytes, ") {
		t.Errorf("%+v", o)
	}
}

func TestBits(t *testing.T) {
	for text, want := range map[string]bits{"64k": 64_000, "1M": 1_000_000, "2.5M": 2_500_000, "800": 800, "1000M": maxBits} {
		var b bits
		if err := b.Set(text); err != nil || b != want {
			t.Errorf("%s: %d, %v", text, b, err)
		}
		var again bits
		if err := again.Set(b.String()); err != nil || again != b {
			t.Errorf("%s becomes %s, and that %d, %v", text, b.String(), again, err)
		}
	}
	for _, text := range []string{"", "k", "0", "-1", "x", "NaN", "1001M", "1G", "0.0001k"} {
		var b bits
		if err := b.Set(text); err == nil {
			t.Errorf("%q is taken for %d", text, b)
		}
	}
}

func TestTargets(t *testing.T) {
	for text, want := range map[string]target{
		"mmsh://h/streams/x":        {"h:8086", "h", "/streams/x", false},
		"http://192.0.2.1:80/x?y=1": {"192.0.2.1:80", "192.0.2.1", "/x?y=1", false},
		"mms://[2001:db8::1]:81/x":  {"[2001:db8::1]:81", "2001:db8::1", "/x", false},
		"https://h/x":               {"h:8089", "h", "/x", true},
		"https://h:443/x":           {"h:443", "h", "/x", true},
	} {
		if got, err := parseTarget(text, false); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if got, err := parseTarget("mmsh://h/x", true); err != nil || got != (target{"h:8089", "h", "/x", true}) {
		t.Errorf("with --tls: %+v, %v", got, err)
	}
	for _, text := range []string{"", "x", "http://", "http:///x", "http://h/", "http://u:p@h/x", "http://h:x/y"} {
		if got, err := parseTarget(text, false); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

// manual is a manual page without its font changes.
func manual(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("man", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(src), `\-`, "-")
}

func TestManualNamesEveryCommandAndFlag(t *testing.T) {
	text := manual(t, "pump-bench.1")
	for _, c := range commands(t) {
		if !regexp.MustCompile(`(?m)\b` + regexp.QuoteMeta(c.Name()) + `\b`).MatchString(text) {
			t.Errorf("pump-bench.1 does not name the command %s", c.CommandPath())
		}
		c.InitDefaultHelpFlag()
		c.InitDefaultVersionFlag()
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(text, "--"+f.Name) {
				t.Errorf("pump-bench.1 does not name the flag --%s of %s", f.Name, c.CommandPath())
			}
		})
	}
}
