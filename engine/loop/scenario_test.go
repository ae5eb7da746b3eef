package loop

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"streampump/engine/settings"
	"streampump/engine/stream"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/*.txt")

// TestScenarios plays the conversations in testdata. A file is blocks of prose
// (#), commands, ---- and what they gave; after each command every peer shows
// what it received. The commands are the methods of play.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := playFile(t, string(text))
			if *overTLS {
				compareTLS(t, f, string(text), got)
				return
			}
			if *update {
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("%s", firstDifference(string(text), got))
			}
		})
	}
}

// compareTLS compares what a scenario gives over TLS: the same, or what stands beside
// it in testdata/tls, where a socket that takes a part of a record makes a difference.
func compareTLS(t *testing.T, file, plain, got string) {
	other := filepath.Join("testdata/tls", filepath.Base(file))
	want, err := os.ReadFile(other)
	if err != nil {
		want = []byte(plain)
	}
	switch {
	case *update && got == plain:
		_ = os.Remove(other)
	case *update:
		if err := os.WriteFile(other, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	case got != string(want):
		t.Errorf("%s", firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], g[i])
		}
	}
	return "one has more lines than the other"
}

// playFile runs a scenario and returns it with the output it gave.
func playFile(t *testing.T, text string) string {
	s := &scene{t: t, keys: map[string]string{}, rests: map[*peer]string{}, ends: map[*peer]string{}}
	var out []string
	inOutput, pending := false, false
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case line == "----":
			inOutput, pending = true, false
			out = append(out, line)
			out = append(out, s.take()...)
		case line == "":
			if pending {
				t.Fatalf("commands without ---- before an empty line near %q", out[len(out)-1])
			}
			inOutput = false
			out = append(out, line)
		case inOutput:
		default:
			out = append(out, line)
			if !strings.HasPrefix(line, "#") {
				pending = true
				s.command(line)
			}
		}
	}
	if s.b != nil {
		s.b.finish()
	}
	return strings.Join(out, "\n") + "\n"
}

// scene is a lab under a script.
type scene struct {
	t     *testing.T
	b     *lab
	keys  map[string]string // what a session key is called here
	rests map[*peer]string  // the incomplete packet that was shown last
	ends  map[*peer]string  // how its end was shown
	out   []string
}

func (s *scene) take() []string {
	out := s.out
	s.out = nil
	return out
}

func (s *scene) command(line string) {
	words := strings.Fields(line)
	verb, rest := words[0], words[1:]
	if s.b == nil && verb != "engine" {
		s.engine(nil)
	}
	switch verb {
	case "engine":
		s.engine(rest)
	case "dial":
		s.dial(rest)
	case "send", "raw":
		s.send(verb, rest[0], strings.TrimPrefix(line, verb+" "+rest[0]+" "))
	case "packets":
		s.packets(rest)
	case "chatter":
		s.b.peer(rest[0]).send(strings.Repeat("x", s.number(rest[1])))
	case "room", "chunk":
		s.socket(verb, rest)
	case "drain":
		p := s.b.peer(rest[0])
		for p.full {
			p.setRoom(-1)
		}
	case "break":
		s.b.peer(rest[0]).broken = true
	case "hangup":
		s.b.peer(rest[0]).hangup()
	case "advance":
		s.b.advance(s.duration(rest[0]))
	case "shutdown":
		s.b.shutdown()
	case "streams", "counts", "limits", "log":
		s.report(verb)
	case "unread":
		s.out = append(s.out, fmt.Sprintf("unread: %v", len(s.b.peer(rest[0]).unread) > 0))
	default:
		s.t.Fatalf("no command %q", line)
	}
	s.news()
}

// options splits words into name=value pairs.
func options(words []string) map[string]string {
	o := map[string]string{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		o[k] = v
	}
	return o
}

func (s *scene) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *scene) number(text string) int {
	if text == "all" {
		return -1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// engine makes the lab. Options: a name below, loops, streams.
func (s *scene) engine(words []string) {
	cfg := labConfig()
	t, b := &cfg.Timeouts, &cfg.Backlog
	var room settings.Room // of each stream
	durations := map[string]*time.Duration{
		"hold": &t.PushHold, "endhold": &t.EndHold, "keywait": &t.KeyWait, "stall": &t.Stall, "head": &t.Head,
		"keepalive": &t.KeepAlive, "drain": &t.Drain, "idle": &t.PushIdle, "inactive": &t.PushInactive,
		"session": &t.Session, "maxlag": &b.MaxLag, "duration": &b.Duration, "burst": &b.JoinBurst,
		"budget": &cfg.Fanout.Budget,
	}
	numbers := map[string]*int{
		"loops": &cfg.Loops, "sessions": &cfg.Limits.Sessions, "conns": &cfg.Limits.Connections,
		"pending": &cfg.Limits.LoosePerAddress,
		"viewers": &cfg.Limits.Viewers.Viewers, "pumps": &cfg.Limits.Viewers.Pumps,
		"connects": &cfg.Limits.Connects.Host, "netconnects": &cfg.Limits.Connects.Network,
		"joins": &cfg.Limits.Joins.Host, "netjoins": &cfg.Limits.Joins.Network,
		"packets": &cfg.Limits.Packets, "streamviewers": &room.Viewers, "streampumps": &room.Pumps,
	}
	streams, fullTo := "live", ""
	for k, v := range options(words) {
		switch {
		case durations[k] != nil:
			*durations[k] = s.duration(v)
		case numbers[k] != nil:
			*numbers[k] = s.number(v)
		case k == "bytes":
			b.Bytes = int64(s.number(v))
		case k == "memory":
			cfg.Limits.Memory, cfg.Limits.EachMemory = int64(s.number(v)), 1000
		case k == "bandwidth":
			cfg.Limits.Viewers.Bandwidth = settings.Bits(s.number(v))
		case k == "streambandwidth":
			room.Bandwidth = settings.Bits(s.number(v))
		case k == "fullto":
			fullTo = v
		case k == "redirect":
			cfg.NotFoundLocation = v
		case k == "streams":
			streams = v
		default:
			s.t.Fatalf("no option %q", k)
		}
	}
	var list []settings.Stream
	for _, path := range strings.Split(streams, ",") {
		list = append(list, settings.Stream{Name: path, Path: path, Push: true, Limits: room, FullLocation: fullTo})
	}
	s.b = newLab(s.t, cfg, list...)
}

func (s *scene) dial(words []string) {
	o := options(words[1:])
	loop, addr := 0, "10.0.0.1"
	if o["loop"] != "" {
		loop = s.number(o["loop"])
	}
	if o["addr"] != "" {
		addr = o["addr"]
	}
	s.b.dial(words[0], loop, addr)
	for _, k := range []string{"room", "chunk"} {
		if o[k] != "" {
			s.socket(k, []string{words[0], o[k]})
		}
	}
}

// send passes text on as one read; send adds the end of the line. s=#N stands
// for the key of that session, and \n for the end of a line.
func (s *scene) send(verb, name, text string) {
	for key, called := range s.keys {
		text = regexp.MustCompile(regexp.QuoteMeta(called)+`\b`).ReplaceAllString(text, "s="+key)
	}
	text = strings.ReplaceAll(text, `\n`, "\n")
	if verb == "send" {
		text += "\n"
	}
	s.b.peer(name).send(text)
}

// packets sends n packets, every so often, batch in one read; each key-th from
// the first is a key frame, with the tail of an older frame before it.
func (s *scene) packets(words []string) {
	o := options(words[1:])
	get := func(k string, otherwise int) int {
		if o[k] == "" {
			return otherwise
		}
		return s.number(o[k])
	}
	n, key, size, batch := get("n", 1), get("key", 0), get("size", 4), get("batch", 1)
	var text strings.Builder
	for i := range n {
		verb, tail := "P", ""
		if key > 0 && i%key == 0 {
			verb, tail = "Pk", "tail|"
		}
		fmt.Fprintf(&text, "%s %s%s\n", verb, tail, strings.Repeat("x", size))
		if (i+1)%batch == 0 || i == n-1 {
			s.b.peer(words[0]).send(text.String())
			text.Reset()
			if o["every"] != "" {
				s.b.advance(s.duration(o["every"]))
			}
		}
	}
}

func (s *scene) socket(what string, words []string) {
	p, n := s.b.peer(words[0]), s.number(words[1])
	if what == "chunk" {
		p.chunk = n
		return
	}
	p.setRoom(n)
}

// report shows the engine's own view.
func (s *scene) report(what string) {
	switch what {
	case "streams":
		for _, st := range s.b.e.order {
			st := st.Snapshot()
			s.out = append(s.out, fmt.Sprintf("%s %s media=%q viewers=%d joins=%d anywhere=%d programmes=%d splices=%d in=%d left_out=%d problem=%q",
				st.Path, st.State, st.Media, st.Viewers, st.Joins, st.Anywhere, st.Programmes, st.Splices, st.PacketsIn, st.LeftOut, st.Problem))
		}
	case "counts":
		snap := s.b.e.Totals()
		var closes []string
		for r, n := range snap.Closes {
			closes = append(closes, fmt.Sprintf("%s=%d", r, n))
		}
		sort.Strings(closes)
		s.out = append(s.out, fmt.Sprintf("connections=%d viewers=%d full=%d sessions=%d skips=%d skipped=%d refused=%d closes: %s",
			snap.Connections, snap.Viewers, snap.Parked, s.b.e.Sessions(), snap.Skips, snap.Skipped, s.b.books.Refused(), strings.Join(closes, " ")))
	case "limits":
		show := func(name string, r stream.Room, each int64) {
			s.out = append(s.out, fmt.Sprintf("%s: pumps=%d/%d viewers_limit=%d bandwidth=%d/%d each=%d refused=%d",
				name, r.Pumps, r.PumpsLimit, r.ViewersLimit, r.Bandwidth, r.BandwidthLimit, each, r.Refused))
		}
		show("pump", RoomOf(s.b.books.Use()), 0)
		for _, st := range s.b.e.Snapshots() {
			show(st.Path, st.Room, st.Each)
		}
	case "log":
		for _, line := range strings.Split(strings.TrimSpace(s.b.log.String()), "\n") {
			s.out = append(s.out, "log: "+line)
		}
		s.b.log.Reset()
	}
}

var sessionWord = regexp.MustCompile(`s=[0-9a-f]+`)

// called gives session keys, which are random, names for the script.
func (s *scene) called(word string) string {
	key := word[2:]
	if s.keys[key] == "" {
		s.keys[key] = fmt.Sprintf("s=#%d", len(s.keys)+1)
	}
	return s.keys[key]
}

// news shows what the peers received, and how their connections end.
func (s *scene) news() {
	for _, p := range s.b.peers {
		text := sessionWord.ReplaceAllStringFunc(p.text(), s.called)
		if strings.HasPrefix(text, "+") && text == s.rests[p] {
			text = "" // nothing came after the incomplete packet
		} else if text != "" {
			s.rests[p] = text[strings.LastIndexByte(text, ' ')+1:]
		}
		end := ""
		switch {
		case p.gone:
			end = "closed " + p.c.reason.String()
		case p.fin:
			end = "fin"
		}
		if end == s.ends[p] {
			end = ""
		} else {
			s.ends[p] = end
		}
		if text != "" || end != "" {
			s.out = append(s.out, strings.TrimSpace(p.name+": "+strings.TrimSpace(text+" "+end)))
		}
	}
}
