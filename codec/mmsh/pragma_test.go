package mmsh

import (
	"fmt"
	"strings"
	"testing"

	"streampump/codec/http1"
)

// lines are the Pragma lines of a head.
func lines(values ...string) (f http1.Fields) {
	for _, v := range values {
		f = append(f, http1.Field{Name: "pragma", Value: v})
	}
	return f
}

// [MS-WMSP] 2.2.1.4, and what players make of it.
func TestTokens(t *testing.T) {
	cases := []struct {
		name string
		in   []string
		want string
	}{
		{"vlc_describe", []string{"no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0"},
			"no-cache|rate=1.000000|stream-time=0|stream-offset=0:0|request-context=1|max-duration=0"},
		{"vlc_guid", []string{"xClientGUID={0xbabac001-0xde29-0x5150-0x519ce2ec8b030018}"}, "xClientGUID={0xbabac001-0xde29-0x5150-0x519ce2ec8b030018}"},
		{"ffmpeg_last_line", []string{"no-cache,rate=1.000000,stream-time=0Connection: Close"}, "no-cache|rate=1.000000|stream-time=0Connection: Close"},
		{"several_lines", []string{"xPlayStrm=1", "no-cache, client-id=7"}, "xPlayStrm=1|no-cache|client-id=7"},
		{"entries", []string{"stream-switch-entry=ffff:1:0 ffff:2:0 , x"}, "stream-switch-entry=ffff:1:0 ffff:2:0 , x"},
		{"entries_misspelled", []string{"switch-stream-entry=ffff:1:0,ffff:2:0"}, "switch-stream-entry=ffff:1:0,ffff:2:0"},
		{"entries_after_others", []string{"no-cache,Stream-Switch-Entry=ffff:1:0, ffff:2:0"}, "no-cache|Stream-Switch-Entry=ffff:1:0, ffff:2:0"},
		{"log", []string{"log-line=192.0.2.1 2026-01-02, \"x"}, "log-line=192.0.2.1 2026-01-02, \"x"},
		{"quoted", []string{`proxy-client-agent="a, b=c",no-cache`}, "proxy-client-agent=a, b=c|no-cache"},
		{"quote_open", []string{`features="a,b`, "rate=1"}, `features="a,b|rate=1`},
		{"odd", []string{",, =x,  y = z ,", ""}, "y=z"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for name, value := range tokens(lines(c.in...)) {
				if value != "" {
					name += "=" + value
				}
				got = append(got, name)
			}
			if s := strings.Join(got, "|"); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

func TestReadPragma(t *testing.T) {
	cases := []struct {
		name string
		in   []string
		want pragma
	}{
		{"none", nil, pragma{}},
		{"only_what_any_client_says", []string{"no-cache", "getIfoFileURI.dlna.org"}, pragma{}},
		{"play", []string{"XPLAYSTRM=1,client-id=4294967295"}, pragma{known: true, play: true, client: 1<<32 - 1}},
		{"not_play", []string{"xPlayStrm=0"}, pragma{known: true, noPlay: true}},
		{"client_first_wins", []string{"client-id=5", "client-id=6"}, pragma{known: true, client: 5}},
		{"client_too_large", []string{"client-id=4294967296"}, pragma{known: true}},
		{"client_malformed", []string{"client-id=-1"}, pragma{known: true}},
		{"select", []string{"stream-switch-count=1", "stream-switch-entry=ffff:1:0 "}, pragma{known: true, selects: true, chooses: true}},
		{"choice_count", []string{"stream-switch-count=2"}, pragma{known: true, chooses: true}},
		{"choice_count_misspelled", []string{"switch-stream-count=0"}, pragma{known: true, chooses: true}},
		{"choice_bare", []string{"Stream-Switch"}, pragma{known: true, chooses: true}},
		{"choice_by_another_name", []string{"stream-switchboard"}, pragma{}},
		{"other_requests", []string{"xKeepAliveInPause=1", "xStopStrm=1", "xPlayNextEntry=1", "pipeline-request=1", "log-line=x"},
			pragma{known: true, keepAlive: true, stop: true, next: true, pipeline: true, log: true}},
		{"behind_a_proxy", []string{`proxy-client-agent="NSPlayer/9.0"`}, pragma{known: true, agent: "NSPlayer/9.0"}},
		{"seeking_is_ignored", []string{"stream-time=5000,rate=5,packet-num=1,LinkBW=1"}, pragma{known: true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := readPragma(lines(c.in...)); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzPragma(f *testing.F) {
	f.Add(`no-cache,rate=1.000000,stream-time=0Connection: Close`)
	f.Add(`proxy-client-agent="a, b",client-id=7`)
	f.Add(`stream-switch-entry=ffff:1:0 ffff:2:0 `)
	f.Add(`features="a,b`)
	f.Fuzz(func(t *testing.T, line string) {
		var total int
		for name, value := range tokens(lines(line)) {
			if name == "" || name != strings.TrimSpace(name) {
				t.Errorf("name %q", name)
			}
			total += len(name) + len(value)
		}
		if total > len(line) {
			t.Errorf("%d bytes of tokens from %d", total, len(line))
		}
		// What one line says, it says beside other lines too.
		p := readPragma(lines(line))
		if q := readPragma(lines("no-cache", line, "no-cache")); p != q {
			t.Errorf("%+v alone, %+v among others", p, q)
		}
		if p.client != 0 && !strings.Contains(line, fmt.Sprint(p.client)) {
			t.Errorf("client %d out of %q", p.client, line)
		}
	})
}
