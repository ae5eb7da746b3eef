package config

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"streampump/engine"
)

// parse checks src in a folder that holds clip.wmv, an ASF file as far as
// this package looks, and other.txt.
func parse(t testing.TB, src string) (*Config, []Problem) {
	t.Helper()
	return Parse("pump.json", []byte(src), folder(t))
}

func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "clip.wmv"), asfHeader+"and so on")
	write(t, filepath.Join(dir, "other.txt"), "This is a text of more than sixteen bytes.")
	write(t, filepath.Join(dir, "short.wmv"), asfHeader[:5])
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// good is the Config of a source without mistakes or oddities.
func good(t *testing.T, src string) *Config {
	t.Helper()
	c, ps := parse(t, src)
	if len(ps) > 0 {
		t.Fatalf("not clean:\n%s", text(ps))
	}
	return c
}

// push is a stream that gives nothing to complain about.
const push = `"streams": [{"type": "mmsh_push", "path": "live"}]`

func text(ps []Problem) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

const issueExample = `{
  "port": 8086,
  "use_http_proxy": false, "http_proxy_host": "some_proxy", "http_proxy_port": 8080,
  "use_proxy_for_local_addresses": false,
  "redirect_404_to": "https://somesite.org",
  "ssl": false, "ssl_port": 8089, "ssl_key": "mykey.key", "ssl_cert": "mykey.cert",
  "streams": [
    {"name": "Test Pull", "enabled": false, "type": "mmsh_pull",
     "source_options": {"host": "127.0.0.1", "port": "7070", "path": "/"}, "path": "pulled_video"},
    {"name": "Test Push", "enabled": true, "type": "mmsh_push", "path": "pushed_video"},
    {"name": "Standby clip", "enabled": true, "type": "file", "source_options": {"file": "clip.wmv"}, "path": "clip"}
  ]
}
`

func TestOriginalKeysRunUnchanged(t *testing.T) {
	dir := folder(t)
	c, ps := Parse("pump.json", []byte(issueExample), dir)
	if len(ps) > 0 {
		t.Fatal(text(ps))
	}
	want := Default()
	want.Listen = []netip.AddrPort{netip.MustParseAddrPort("[::]:8086")}
	want.Engine.NotFoundLocation = "https://somesite.org"
	want.Streams = []Stream{
		{Name: "Test Pull", Path: "pulled_video", Type: TypeMMSHPull, Pull: Pull{Host: "127.0.0.1", Port: 7070, Path: "/"}},
		{Name: "Test Push", Path: "pushed_video", Enabled: true, Type: TypeMMSHPush},
		{Name: "Standby clip", Path: "clip", Enabled: true, Type: TypeFile, File: filepath.Join(dir, "clip.wmv")},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestEverythingMayBeText(t *testing.T) {
	c := good(t, `{
  "port": " 8099 ", "use_http_proxy": "true", "http_proxy_host": "proxy", "http_proxy_port": "3128",
  "use_proxy_for_local_addresses": "TRUE",
  "streams": [{"name": 7, "path": 2024, "type": "mmsh_push", "enabled": "true"}],
  "limits": {"sessions": "64"}, "timeouts": {"request": "2.5"}, "backlog": {"bytes": "1048576"},
}`)
	if c.Listen[0].Port() != 8099 || c.Proxy != (Proxy{"proxy:3128", true}) {
		t.Errorf("listen %v, proxy %+v", c.Listen, c.Proxy)
	}
	if s := c.Streams[0]; s.Name != "7" || s.Path != "2024" || !s.Enabled {
		t.Errorf("stream %+v", s)
	}
	e := c.Engine
	if e.Limits.Sessions != 64 || e.Timeouts.Head != 2500*time.Millisecond || e.Backlog.Bytes != 1<<20 {
		t.Errorf("engine %+v", e)
	}
}

func TestNullIsNotGiven(t *testing.T) {
	c := good(t, `{"port": null, "listen": null, "redirect_404_to": null, "timeouts": null, "log": {"level": null}, `+push+`}`)
	want := Default()
	want.Streams = c.Streams
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want the defaults", c)
	}
}

func TestUnitsOfTimeAndSize(t *testing.T) {
	for src, want := range map[string]time.Duration{
		`10`: 10 * time.Second, `0.25`: 250 * time.Millisecond, `"250ms"`: 250 * time.Millisecond,
		`"1m30s"`: 90 * time.Second, `" 24h "`: 24 * time.Hour, `1e1`: 10 * time.Second,
	} {
		if got := good(t, `{"timeouts": {"request": `+src+`}, `+push+`}`).Engine.Timeouts.Head; got != want {
			t.Errorf("%s is %s, want %s", src, got, want)
		}
	}
	for src, want := range map[string]int64{
		`1048576`: 1 << 20, `"64MiB"`: 64 << 20, `"1gib"`: 1 << 30, `"1.5 MiB"`: 3 << 19, `"5120KiB"`: 5 << 20, `"2000000B"`: 2000000,
		`"12MB"`: 12_000_000, `"12 mb"`: 12_000_000, `"1.5GB"`: 1_500_000_000, `"5000kB"`: 5_000_000, `"5000KB"`: 5_000_000,
	} {
		if got := good(t, `{"backlog": {"bytes": `+src+`}, `+push+`}`).Engine.Backlog.Bytes; got != want {
			t.Errorf("%s is %d, want %d", src, got, want)
		}
	}
}

func TestServerSettings(t *testing.T) {
	c := good(t, `{
  "listen": ["192.0.2.1:80", "[2001:db8::1]:80", ":8086", "127.0.0.1:0", "127.0.0.1:0"],
  "admin": {"listen": "[::1]:9000"},
  "log": {"level": "debug", "format": "json"},
  "fanout": {"loops": 3, "pin": true, "notsent_lowat": "16KiB", "latency_budget": 0},
  "limits": {"connections": 5000, "request_head_bytes": 4096},
  `+push+`}`)
	var got []string
	for _, a := range c.Listen {
		got = append(got, a.String())
	}
	if want := "192.0.2.1:80 [2001:db8::1]:80 [::]:8086 127.0.0.1:0 127.0.0.1:0"; strings.Join(got, " ") != want {
		t.Errorf("listen %v, want %s", got, want)
	}
	if c.Admin != (Admin{true, netip.MustParseAddrPort("[::1]:9000")}) || c.Log != (Log{slog.LevelDebug, LogJSON}) {
		t.Errorf("admin %+v, log %+v", c.Admin, c.Log)
	}
	e := c.Engine
	if e.Loops != 3 || !c.Pin || e.Fanout.NotSentLowat != 16<<10 || e.Fanout.Budget != 0 || e.Limits.Connections != 5000 || c.MaxHead != 4096 {
		t.Errorf("engine %+v, head %d", e, c.MaxHead)
	}
	if c := good(t, `{"listen": ":80", "admin": {"enabled": false, "listen": "[::]:80"}, `+push+`}`); c.Admin.Enabled || len(c.Listen) != 1 {
		t.Errorf("admin %+v, listen %v", c.Admin, c.Listen)
	}
	if c := good(t, `{"listen": "[::ffff:192.0.2.1]:80", `+push+`}`); !c.Listen[0].Addr().Is4() {
		t.Errorf("listen %v is not unmapped", c.Listen)
	}
}

func TestRoom(t *testing.T) {
	c := good(t, `{
  "limits": {"viewers": 100, "pumps": 3, "bandwidth": "1.5Gbit/s", "connections_per_second_per_address": 5,
    "joins_per_second_per_address": 6, "connections_per_second_per_network": 7, "joins_per_second_per_network": 8,
    "join_speed": 3, "join_share": 20, "packets_per_second_per_source": 9},
  "redirect_full_to": "http://other:8086/streams/{path}",
  "streams": [
    {"type": "mmsh_push", "path": "a"},
    {"type": "mmsh_push", "path": "b", "redirect_full_to": false, "limits": {"viewers": 10, "pumps": 1, "bandwidth": "500 kbit"}},
    {"type": "mmsh_push", "path": "c", "redirect_full_to": "https://third/{path}/{path}", "limits": {"bandwidth": 64000}},
    {"type": "mmsh_push", "path": "d", "redirect_full_to": "http://localhost:8086/streams/c"},
  ]}`)
	want := Default().Engine.Limits
	want.Viewers = engine.Room{Viewers: 100, Pumps: 3, Bandwidth: 1_500_000_000}
	want.Connects, want.Joins = engine.Pace{Host: 5, Network: 7}, engine.Pace{Host: 6, Network: 8}
	want.JoinSpeed, want.JoinShare, want.Packets = 3, 20, 9
	if c.Engine.Limits != want {
		t.Errorf("limits %+v, want %+v", c.Engine.Limits, want)
	}
	for i, want := range []Stream{
		{FullTo: "http://other:8086/streams/a"},
		{Limits: engine.Room{Viewers: 10, Pumps: 1, Bandwidth: 500_000}},
		{FullTo: "https://third/c/c", Limits: engine.Room{Bandwidth: 64_000}},
		{FullTo: "http://localhost:8086/streams/c"}, // a clip for those who wait, for example
	} {
		if s := c.Streams[i]; s.Limits != want.Limits || s.FullTo != want.FullTo {
			t.Errorf("stream %d: %+v", i, s)
		}
	}
}

func TestProxies(t *testing.T) {
	c := good(t, `{"proxy_protocol_from": ["192.0.2.0/24", "2001:db8::1", "::ffff:198.51.100.7"], `+push+`}`)
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("198.51.100.7/32")}
	if !reflect.DeepEqual(c.Engine.Proxies, want) {
		t.Errorf("%v, want %v", c.Engine.Proxies, want)
	}
	if c = good(t, `{"proxy_protocol_from": "127.0.0.1", `+push+`}`); len(c.Engine.Proxies) != 1 {
		t.Errorf("%v", c.Engine.Proxies)
	}
	if _, ps := parse(t, `{"proxy_protocol_from": "::/0", `+push+`}`); len(ps) != 1 || !ps[0].Warning || !strings.Contains(ps[0].Text, "anybody") {
		t.Errorf("everybody is believed: %v", ps)
	}
}

// The engine's own defaults are for whoever uses it without a configuration.
func TestTableAgreesWithTheEngine(t *testing.T) {
	c, e := Default().Engine, engine.DefaultConfig()
	if c.Fanout.NotSentLowat != e.Fanout.NotSentLowat || c.ReadBuffer != e.ReadBuffer {
		t.Errorf("the table of settings says %d and %d, the engine %d and %d", c.Fanout.NotSentLowat, c.ReadBuffer, e.Fanout.NotSentLowat, e.ReadBuffer)
	}
}

func TestPullSources(t *testing.T) {
	for src, want := range map[string]string{
		`{"host": "media.example.org"}`:                                  "http://media.example.org:80/",
		`{"host": "192.0.2.7", "port": 7070, "path": "video?x=1"}`:       "http://192.0.2.7:7070/video?x=1",
		`{"host": "[2001:db8::7]", "path": "/a%20b"}`:                    "http://[2001:db8::7]:80/a%20b",
		`{"url": "mmsh://media.example.org"}`:                            "http://media.example.org:80/",
		`{"url": "MMS://media_1:1755/streams/Live?WMContentBitrate=99"}`: "http://media_1:1755/streams/Live?WMContentBitrate=99",
		`{"url": "http://[2001:db8::7]:8080/ä b"}`:                       "http://[2001:db8::7]:8080/%C3%A4%20b",
	} {
		c := good(t, `{"streams": [{"type": "mmsh_pull", "path": "p", "source_options": `+src+`}]}`)
		p := c.Streams[0].Pull
		if got := "http://" + net.JoinHostPort(p.Host, strconv.Itoa(p.Port)) + p.Path; got != want {
			t.Errorf("%s is %s, want %s", src, got, want)
		}
	}
}

func TestFilesOfDisabledStreamsAreNotOpened(t *testing.T) {
	c := good(t, `{"streams": [{"type": "mmsh_push", "path": "live"},
  {"type": "file", "path": "f", "enabled": false, "source_options": {"file": "/nowhere/clip.wmv"}}]}`)
	if c.Streams[1].File != "/nowhere/clip.wmv" {
		t.Errorf("file %q", c.Streams[1].File)
	}
}

func TestWindowsEditors(t *testing.T) {
	good(t, bom+strings.ReplaceAll("{\n // one\n "+push+",\n}\n// the last line has no end", "\n", "\r\n"))
}

func TestAutoIsLeftToTheMachine(t *testing.T) {
	if got := good(t, `{"backlog": {"total": "auto"}, `+push+`}`).Engine.Backlog.Total; got != 0 {
		t.Errorf("auto is %d bytes, want 0", got)
	}
	if got := good(t, `{"backlog": {"total": "1GiB"}, `+push+`}`).Engine.Backlog.Total; got != 1<<30 {
		t.Errorf("1GiB is %d bytes", got)
	}
}

func TestSettingsAtTheirBounds(t *testing.T) {
	for _, g := range groups() {
		for _, r := range g.rows {
			if !ranged(r) {
				continue
			}
			unit := int64(1)
			if _, ok := r.into(Default()).(*time.Duration); ok {
				unit = int64(time.Millisecond)
			}
			src := func(v int64) string {
				value := decimalText(v, unit)
				// The backlog's duration and lag bound its burst; nothing else depends on another.
				if r.key == "join_burst" {
					return `{"backlog": {"duration": "1h", "max_lag": ` + decimalText(int64(maxLag), unit) + `, "join_burst": ` + value + `}, ` + push + `}`
				}
				return `{"` + g.name + `": {"` + r.key + `": ` + value + `}, ` + push + `}`
			}
			for _, v := range []int64{r.lo, r.hi} {
				c, ps := parse(t, src(v))
				if short := v < int64(r.least.time); c == nil || (len(ps) > 0) != short {
					t.Fatalf("%s.%s: %d gave %s", g.name, r.key, v, text(ps))
				}
				if got := reflect.ValueOf(r.into(c)).Elem().Int(); got != v {
					t.Errorf("%s.%s: %d became %d", g.name, r.key, v, got)
				}
			}
			for _, v := range []int64{r.lo - unit, r.hi + unit} {
				c, ps := parse(t, src(v))
				if c != nil || len(ps) != 1 || !strings.Contains(ps[0].Text, "must be between") {
					t.Errorf("%s.%s: %d gave %s", g.name, r.key, v, text(ps))
				}
			}
		}
	}
}

// ranged reports whether a setting has bounds; a truth value has none.
func ranged(r row) bool {
	_, truth := r.into(Default()).(*bool)
	return !truth
}

// decimalText writes v as JSON: times in milliseconds, other things as they are.
func decimalText(v, unit int64) string {
	n := itoa(v / unit)
	if unit == 1 {
		return n
	}
	return `"` + n + `ms"`
}

func TestDefaultsAreWithinTheirBounds(t *testing.T) {
	c := Default()
	for _, g := range groups() {
		for _, r := range g.rows {
			if !ranged(r) {
				continue
			}
			v := reflect.ValueOf(r.into(c)).Elem().Int()
			if computed := r.key == "loops" || r.key == "connections" || r.key == "total"; computed && v == 0 {
				continue
			}
			if v < r.lo || v > r.hi {
				t.Errorf("%s.%s: %d is not between %d and %d", g.name, r.key, v, r.lo, r.hi)
			}
		}
	}
}

func TestLoad(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "pump.json")
	write(t, path, issueExample)
	if c, ps := Load(path); c == nil || len(ps) > 0 {
		t.Errorf("got %+v and\n%s", c, text(ps))
	}
	write(t, filepath.Join(dir, "huge.json"), strings.Repeat(" ", maxFile+1))
	for path, want := range map[string]string{
		filepath.Join(dir, "none.json"): ": cannot be opened: no such file or directory",
		dir:                             ": is a folder, not a file",
		filepath.Join(dir, "huge.json"): ": is larger than 4 MiB, too large for a configuration",
		os.DevNull:                      ":1:1: the file is empty",
	} {
		c, ps := Load(path)
		if got := text(ps); c != nil || got != path+want+"\n" {
			t.Errorf("got %q, want %q", got, path+want)
		}
	}
}

// uncomment takes the slashes from every key that the example shows: those
// followed by a bracket or quote, or by two spaces and no third.
func uncomment(src string) string {
	out := strings.Split(src, "\n")
	for i, line := range out {
		code, shown := strings.CutPrefix(strings.TrimSpace(line), "//")
		nested := strings.HasPrefix(code, "  ") && !strings.HasPrefix(code, "   ")
		if shown && (nested || code != "" && strings.Contains(`{}"`, code[:1])) {
			out[i] = code
		}
	}
	return strings.Join(out, "\n")
}

func TestExampleIsCleanAndShowsTheDefaults(t *testing.T) {
	want := Default()
	want.Streams = []Stream{{Name: "Live", Path: "live", Enabled: true, Type: TypeMMSHPush}}
	if got := good(t, Example()); !reflect.DeepEqual(got, want) {
		t.Errorf("as it stands: got  %+v\nwant %+v", got, want)
	}
	got := good(t, uncomment(Example()))
	if len(got.Streams) != len(types) {
		t.Errorf("%d streams, want one of each type", len(got.Streams))
	}
	got.Streams = want.Streams
	if !reflect.DeepEqual(got, want) {
		t.Errorf("without slashes: got  %+v\nwant %+v", got, want)
	}
}

func TestExampleShowsEveryKey(t *testing.T) {
	src := Example()
	for _, k := range Keys() {
		k = k[strings.LastIndexByte(k, '.')+1:]
		if !strings.Contains(src, `"`+k+`":`) {
			t.Errorf("the example does not show %q", k)
		}
	}
	// Every setting must be live without slashes, or its default is not compared.
	w := &walker{report: report{lines: newLines([]byte(src))}}
	n, _ := w.syntax([]byte(uncomment(src)))
	root, _ := w.object(n, rootTable())
	for _, g := range groups() {
		v, _ := root.get(g.name)
		o, _ := w.object(v, g.table())
		for _, r := range g.rows {
			if _, ok := o.get(r.key); !ok {
				t.Errorf("the example without slashes lacks %s.%s", g.name, r.key)
			}
		}
	}
}

// The README names the command that converts the original's configuration; the
// end-to-end tests run it.
func TestReadmeConvertsTheOriginal(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil || !strings.Contains(string(text), "\n"+ConvertScript+" > config.json\n") {
		t.Errorf("README.md does not show %s (%v)", ConvertScript, err)
	}
}
