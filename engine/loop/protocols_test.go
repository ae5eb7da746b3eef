package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/access"
	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/reason"
	"streampump/engine/settings"
)

// dialect is the tests' protocol under another name, for connections that begin with
// certain bytes; its claims are noted.
type dialect struct {
	text.Protocol
	name, begins string
	greedy       bool // it always wants more bytes
	asked        *int
}

func (d dialect) Name() string { return d.name }

func (d dialect) Classify(first []byte) codec.Claim {
	*d.asked++
	switch {
	case d.greedy, len(first) < len(d.begins) && strings.HasPrefix(d.begins, string(first)):
		return codec.NeedMore
	case strings.HasPrefix(string(first), d.begins):
		return codec.Mine
	}
	return codec.NotMine
}

func (d dialect) AppendRefusal(dst []byte, c codec.Cause) []byte {
	return fmt.Appendf(dst, "%s says %d\n", d.name, c)
}

// The first protocol that does not say that a connection is none of its own has it, and
// the others wait as long as it needs more bytes; nobody's are the last one's.
func TestWhoseAConnectionIs(t *testing.T) {
	greedy := dialect{name: "greedy", greedy: true}
	for _, c := range []struct {
		name   string
		all    []dialect
		pieces []string
		want   string // "": more bytes are waited for
	}{
		{"first_claims", []dialect{{name: "a", begins: "RE"}, {name: "b", begins: "REPLY"}}, []string{"REPLY\n"}, "a"},
		{"second_claims", []dialect{{name: "a", begins: "LO"}, {name: "b", begins: "REPLY"}}, []string{"REPLY\n"}, "b"},
		{"first_needs_more", []dialect{{name: "a", begins: "REPLY"}, {name: "b", begins: "R"}}, []string{"REP"}, ""},
		{"first_is_told_more", []dialect{{name: "a", begins: "REPLY"}, {name: "b", begins: "R"}}, []string{"REP", "LY\n"}, "a"},
		{"first_gives_up", []dialect{{name: "a", begins: "REPLAY"}, {name: "b", begins: "R"}}, []string{"REP", "LY\n"}, "b"},
		{"second_needs_more", []dialect{{name: "a", begins: "X"}, {name: "b", begins: "REPLY"}}, []string{"REP"}, ""},
		{"nobody_claims", []dialect{{name: "a", begins: "X"}, {name: "b", begins: "Y"}}, []string{"REPLY\n"}, "b"},
		{"enough_is_enough", []dialect{greedy, {name: "b", begins: "REPLY"}}, []string{"REPLY", "\nREPLY\nREP", "LY\n"}, "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newLab(t, labConfig())
			b.e.protocols = nil
			for _, d := range c.all {
				d.asked = new(int)
				b.e.protocols = append(b.e.protocols, d)
			}
			p := b.dial("p", 0, "10.0.0.1")
			for _, s := range c.pieces {
				p.send(s)
			}
			got := ""
			if p.c.sess != nil {
				got = b.e.protocols[p.c.protocol].Name()
			}
			if got != c.want {
				t.Errorf("the connection is %q's, want %q's", got, c.want)
			}
			if answered := len(p.got) > 0; answered != (c.want != "") {
				t.Errorf("answered: %v", answered)
			}
			b.finish()
		})
	}
}

// Who has said nothing, or finds no place, is told so by the last protocol.
func TestLastProtocolSpeaksToStrangers(t *testing.T) {
	cfg := labConfig()
	cfg.Limits.Connections = 1
	b := newLab(t, cfg)
	b.e.protocols = []codec.Protocol{dialect{name: "a", begins: "A", asked: new(int)}, dialect{name: "b", begins: "B", asked: new(int)}}
	silent := b.dial("silent", 0, "10.0.0.1")
	refused := b.dial("refused", 0, "10.0.0.2")
	b.advance(cfg.Timeouts.Head + time.Second)
	for _, p := range []*peer{silent, refused} {
		if !strings.HasPrefix(string(p.got), "b says ") {
			t.Errorf("%s was told %q", p.name, p.got)
		}
	}
	if silent.c.reason != reason.NothingSent {
		t.Errorf("the silent one: %v", silent.c.reason)
	}
	b.finish()
}

// A stream of one protocol does not exist for peers of another, who are told why, and
// the operator too.
func TestStreamsOfOneProtocol(t *testing.T) {
	const begin = "REPLY\n"
	b := newLab(t, labConfig(),
		settings.Stream{Path: "any", Push: true},
		settings.Stream{Path: "ours", Push: true, Protocol: "a"},
		settings.Stream{Path: "theirs", Push: true, Protocol: "text"},
	)
	b.e.protocols = []codec.Protocol{dialect{name: "a", begins: begin, asked: new(int)}, text.Protocol{}}
	for _, path := range []string{"any", "theirs"} {
		b.encoder(path, "H A").send("Pk x\n")
	}
	ours := b.dial("enc", 0, "10.0.0.9")
	ours.send(begin + "PUBLISH ours\nH A\nPk x\n")
	const no = " (this stream is not carried by this protocol)"
	for _, c := range []struct{ lines, want string }{
		{begin + "PLAY any", `"OK Reply" "OK Play`},
		{begin + "PLAY ours", `"OK Reply" "OK Play`},
		{begin + "PLAY theirs", `"OK Reply" "NOSTREAM Play` + no},
		{begin + "DESCRIBE theirs", `"OK Reply" "NOSTREAM Describe` + no},
		{begin + "LOOKUP theirs", `"OK Reply" "NOSTREAM Lookup` + no},
		{begin + "SETUP theirs", `"OK Reply" "NOSTREAM Setup` + no},
		{begin + "PUBLISH theirs", `"OK Reply" "NOSTREAM Publish` + no},
		{"PLAY any", `"OK Play`},
		{"PLAY theirs", `"OK Play`},
		{"PLAY ours", `"NOSTREAM Play` + no},
		{"PUBLISH ours", `"NOSTREAM Publish` + no},
		{"PLAY none", `"NOSTREAM Play"`},
	} {
		p := b.dial("p", 0, "10.0.0.1")
		b.log.Reset()
		p.send(c.lines + "\n")
		if got := p.text(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q: got %s, want %s", c.lines, got, c.want)
		}
		told := strings.Contains(b.log.String(), "is refused") && strings.Contains(b.log.String(), otherProtocol)
		if refused := strings.Contains(c.want, no); told != refused && !strings.Contains(c.lines, "LOOKUP") {
			t.Errorf("%q: the log says %s", c.lines, b.log.String())
		}
		p.hangup()
	}
	b.finish()
}

// unknowns notes for which requests the rules are told that there is no such stream.
type unknowns map[string]bool

func (u unknowns) Ask(_ time.Time, r access.Request, unknown bool, _ func(access.Decision)) (access.Decision, bool) {
	u[r.Stream] = unknown
	return access.Decision{}, true
}

// Nor does it exist for the rules, so that nobody learns of it by being asked for a
// password.
func TestRulesDoNotKnowStreamsOfOtherProtocols(t *testing.T) {
	asked := unknowns{}
	cfg := labConfig()
	cfg.Access = asked
	b := newLab(t, cfg, settings.Stream{Path: "ours", Push: true, Protocol: "text"}, settings.Stream{Path: "theirs", Push: true, Protocol: "a"})
	p := b.dial("p", 0, "10.0.0.1")
	p.send("LOOKUP none close\n")
	for _, path := range []string{"ours", "theirs"} {
		b.viewer("v", 0, "PLAY "+path)
	}
	if !asked["none"] || asked["ours"] || !asked["theirs"] {
		t.Errorf("unknown to the rules: %v", asked)
	}
	b.finish()
}
