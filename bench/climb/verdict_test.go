package climb

import (
	"context"
	"strings"
	"testing"

	"streampump/bench/load"
	"streampump/bench/meter"
)

// room is a machine on which nothing is near its end in the steps of [ran].
var room = Room{
	Cores: []int{0, 1}, Processors: 2, LoadCores: []int{2, 3}, Generator: 2, Descriptors: 2000,
	Card: 2e9, CardName: "eth0", Memory: 1 << 30, Sockets: 1 << 30,
}

// tooMany is a step of 1000 players that fails for its delay, after the change.
func tooMany(change func(*Step)) *Step {
	s := &Step{Players: 1000, Result: ran(1000, false), Loops: 4, Memory: &meter.Memory{Total: 8 << 30, Available: 4 << 30, Sockets: 1 << 20}}
	s.Result.Delay.P99 = 300
	change(s)
	return s
}

func ptr[T any](v T) *T { return &v }

// One row for each reason, and which is blamed where several show.
func TestWhatGivesOut(t *testing.T) {
	for _, c := range []struct {
		name   string
		room   func(*Room)
		step   func(*Step)
		reason Reason
		seen   string
	}{
		{"nothing", nil, func(*Step) {}, Unexplained, "no resource was full"},
		{"server_died", nil, func(s *Step) { s.failed, s.Why = true, []string{"the server failed: killed"} }, ServerEnded, "the server failed: killed"},
		{"descriptors", func(r *Room) { r.Descriptors = 1024 }, func(*Step) {}, Descriptors, "1020 of 1024 descriptors were open"},
		{"descriptors_before_processors", func(r *Room) { r.Descriptors = 1024 }, func(s *Step) { s.Result.Server.CPU.Cores = 2 }, Descriptors, "1020"},
		{"turned_away", nil, func(s *Step) {
			s.Result.Reasons = map[string]int{"the answer is HTTP/1.0 503 Service Unavailable": 7, "connection reset by peer": 2}
		}, ServerLimits, "7 players were turned away"},
		{"processors", nil, func(s *Step) { s.Result.Server.CPU.Cores = 1.85 }, Processors, "the server used 1.85 of the 2 processors that it may use"},
		{"quota", func(r *Room) { r.Processors = 0.5 }, func(*Step) {}, Processors, "0.50 of the 0.5"},
		{"processors_not_quite", nil, func(s *Step) { s.Result.Server.CPU.Cores = 1.79 }, Unexplained, ""},
		{"loop", nil, func(s *Step) { s.Loops, s.Result.Server.CPU.Cores = 1, 0.95 }, Loops, "0.95 processors with 1 event loop"},
		{"loops_of_a_full_machine", nil, func(s *Step) { s.Loops, s.Result.Server.CPU.Cores = 2, 1.95 }, Processors, ""},
		{"load", nil, func(s *Step) { s.Result.Measured.Generator.Cores = 1.9 }, Generator, "the load used 1.90 of the 2 processors"},
		{"load_and_server", nil, func(s *Step) { s.Result.Measured.Generator.Cores, s.Result.Server.CPU.Cores = 1.9, 1.9 }, Processors, ""},
		{"shared", func(r *Room) { r.Shared = 2 }, func(s *Step) {
			s.Result.Measured.Generator.Cores, s.Result.Server.CPU.Cores = 0.7, 1.2
		}, Shared, "server and load used 1.20 and 0.70 of 2 processors"},
		{"kernel", nil, func(s *Step) { s.Busy, s.Result.Server.CPU.Cores = ptr(1.96), 1.6 }, Kernel, "of the server's 2 processors 1.96 were busy, 1.60 with the server itself"},
		{"other_programs", nil, func(s *Step) { s.Busy = ptr(1.96) }, Disturbed, "1.96 were busy, 0.50 with the server itself"},
		{"other_programs_beside_the_load", nil, func(s *Step) { s.LoadBusy = ptr(1.97) }, Disturbed, "of the load's 2 processors 1.97 were busy, 0.20 with the load itself"},
		{"load_with_the_kernel", nil, func(s *Step) { s.LoadBusy, s.Result.Measured.Generator.Cores = ptr(1.97), 1.75 }, Unexplained, ""},
		{"processors_with_some_time_left", nil, func(s *Step) { s.Busy = ptr(1.8) }, Unexplained, ""},
		{"card", nil, func(s *Step) { s.Result.Measured.BitRate = 1.8e9 }, Card, "1800 of 2000 Mbit/s were received by eth0"},
		{"loopback_has_no_card", func(r *Room) { r.Card = 0 }, func(s *Step) { s.Result.Measured.BitRate = 1.8e12 }, Unexplained, ""},
		{"sockets_memory", nil, func(s *Step) { s.Memory.Sockets = 1 << 30 }, SocketsMemory, "TCP had 1024 MB, and the kernel shrinks buffers above 1024 MB"},
		{"group_memory", nil, func(s *Step) { s.Result.Server.RSSPeak = 1000 << 20 }, Memory, "the server has 1000 of the 1024 MB"},
		{"machine_memory", nil, func(s *Step) { s.Memory.Available = 100 << 20 }, Memory, "100 of 8192 MB were free"},
		{"nothing_is_known", func(r *Room) { *r = Room{} }, func(s *Step) {
			s.Result.Server, s.Result.Measured, s.Memory, s.Loops = nil, nil, nil, 0
		}, Unexplained, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{Room: room, Most: 5000}
			if c.room != nil {
				c.room(&o.Room)
			}
			bad := tooMany(c.step)
			bad.Why = append(bad.Why, "it was late")
			bad.Reason = whatGaveOut(bad, &o.Room)
			good := &Step{Players: 900, Result: ran(900, false)}
			v := verdictOf([]*Step{good, bad}, 900, 1000, &o)
			if v.Reason != c.reason || !strings.Contains(v.Seen, c.seen) || v.Sentence == "" || v.Players != 900 || v.Failed != 1000 {
				t.Errorf("%+v, want %s with %q", v, c.reason, c.seen)
			}
			if open := c.reason == Generator || c.reason == Shared || c.reason == Disturbed; v.AtLeast != open {
				t.Errorf("at least: %v", v.AtLeast)
			}
		})
	}
}

// Each reason has its row and its sentence, and the last row always shows.
func TestEveryReasonHasARow(t *testing.T) {
	all := reasons()
	seen := map[Reason]bool{}
	for _, row := range all {
		if row.sentence == "" || !strings.HasSuffix(row.sentence, ".") || seen[row.reason] {
			t.Errorf("%s: %q", row.reason, row.sentence)
		}
		seen[row.reason] = true
	}
	if all[len(all)-1].seen(&Step{}, &Room{}) == "" {
		t.Error("a step can fail without a reason")
	}
}

// Each way to fail, by what is told of it.
func TestWhyAStepFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Played)
		want   string
	}{
		{"carried", func(*Played) {}, ""},
		{"late", func(p *Played) { p.Delay.P99 = 250.5 }, "the added delay's p99 is 250.5 ms, above 250ms"},
		{"nobody_looked_at_the_delay", func(p *Played) { p.Delay = nil }, ""},
		{"lost", func(p *Played) { p.Problems = []string{"3 lost: connection reset by peer"} }, "3 lost: connection reset by peer"},
		{"gaps", func(p *Played) { p.Verified = &load.Verified{Players: 10, Gaps: 2} }, "the 10 verified players have 2 gaps"},
		{"skips", func(p *Played) { p.Counters = map[string]float64{"viewer_skips": 4} }, "players were moved to a newer key frame 4 times"},
		{"starved", func(p *Played) { p.Measured.BitRate = 0.79e6 * 100 }, "players got 79% of the stream"},
		{"less_on_average", func(p *Played) { p.Measured.BitRate = 0.81e6 * 100 }, ""},
		{"load_is_full", func(p *Played) { p.Measured.Generator.Cores = 1.81 }, "the load took 1.81 of the 2 processors that it may use"},
		{"died_early", func(p *Played) { *p = Played{Failed: "exit status 1"} }, "the server failed: exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, _ := options(0)
			o.Room = room
			p := Played{Result: ran(100, false)}
			o.Play = func(context.Context, load.Options) (Played, error) { return p, nil }
			e := newEyes(&o)
			if s, err := e.step(t.Context(), 100); err != nil || !s.Held() { // the first step says how large the stream is
				t.Fatalf("%+v, %v", s, err)
			}
			c.change(&p)
			s, err := e.step(t.Context(), 100)
			if err != nil || strings.Join(s.Why, "\n") != c.want || (s.Reason != "") != (c.want != "") {
				t.Errorf("%q by %s, %v", s.Why, s.Reason, err)
			}
		})
	}
}

// What a viewer costs is above what the server had before the first one, whichever
// step that was.
func TestCostOfAViewer(t *testing.T) {
	o, _ := options(0)
	p := Played{Result: ran(100, false)}
	o.Play = func(context.Context, load.Options) (Played, error) { return p, nil }
	e := newEyes(&o)
	if _, err := e.step(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	p.Result.Server.RSSBefore = 25e6 // it keeps memory
	s, err := e.step(t.Context(), 100)
	if err != nil || *s.CPUPerViewer != 0.005 || *s.MemoryPerViewer != 200e3 {
		t.Errorf("%+v, %v", s, err)
	}
}
