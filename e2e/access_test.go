//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"streampump/access"
	"streampump/demo"
	"streampump/e2e/rig"
)

// What the pumps of these tests know.
const (
	knownUser     = "anna"
	knownPassword = "geheim-20"
	wrongPassword = "falsch-20"
	knownKey      = "k1"
	knownSecret   = "end-to-end-end-to-end-end-to-end"
)

// admitted is a player, or one way to use one, and which proofs it can bring: a row of
// the table of docs/access.md.
type admitted struct {
	name   string // as in docs/access.md
	binary string
	scheme string
	// Whether the player brings a token, a password for Basic, and one for Digest.
	token, basic, digest bool
	start                func(t testing.TB, url string) *watcher
	// shows is what it prints when it is not let in, and said the same there.
	shows, said string
	// asks says that it asks its user for another password, and waits.
	asks bool
}

// admittances are the rows.
func admittances() []admitted {
	const vlc, http = `VLC is unable to open`, `(returned|HTTP) error:? 40[13]|Server returned 40[13]`
	return []admitted{
		{"VLC, `mms://`", "vlc", "mms", true, false, false, watchVLC, vlc, "“Your input can't be opened”", false},
		{"VLC, `http://`", "vlc", "http", true, true, false, watchVLC, vlc, "the same, or asks for another password", true},
		{"ffmpeg, ffplay, `mmsh://`", "ffmpeg", "mmsh", true, false, false, watchFFmpeg, http, "“Server returned 403 Forbidden”, or 401", false},
		{"ffmpeg, ffplay, `http://`", "ffmpeg", "http", true, true, true, watchFFmpeg, http, "the same", false},
		{"MPlayer, `mms://`", "mplayer", "mms", true, true, false, watchMPlayer, `Server returned 403|unknown ASF streaming type`, "“Server returned 403”, or “unknown ASF streaming type”", false},
		{"mpv, `mms://`", "mpv", "mms", true, false, false, watchMpv, http, "“HTTP error 403 Forbidden”, or 401", false},
		{"mpv, `http://`", "mpv", "http", true, true, true, watchMpv, http, "the same", false},
		{"libmms", "cc", "mmsh", true, false, false, takeLibmms, `cannot connect`, "up to the program", false},
		{"curl `--anyauth`", "curl", "http", true, true, true, takeCurl, http, "the answer's text, or with `--fail` its status", false},
	}
}

// startGuarded starts a pump with three streams of the clip, closed in one way each.
func startGuarded(t testing.TB) *rig.Pump {
	t.Helper()
	clip := filepath.Join(rig.Reachable(t), "clip.asf")
	if err := os.WriteFile(clip, demo.Clip(), 0o644); err != nil {
		t.Fatal(err)
	}
	stream := func(path, view string) string {
		return fmt.Sprintf(`{"type": "file", "path": %q, "source_options": {"file": %q}, "view": {%s}}`, path, clip, view)
	}
	p := rig.Start(t, rig.Options{Config: `"streams": [` + strings.Join([]string{
		stream("token", fmt.Sprintf(`"token_keys": [{"id": %q, "secret": %q}]`, knownKey, knownSecret)),
		stream("basic", fmt.Sprintf(`"users": [%q]`, access.NewArgon2id(knownUser, knownPassword))),
		stream("digest", fmt.Sprintf(`"users": [%q, %q]`, access.NewDigest(access.DigestMD5, knownUser, access.DefaultRealm, knownPassword),
			access.NewDigest(access.DigestSHA256, knownUser, access.DefaultRealm, knownPassword))),
	}, ",\n") + `]`})
	up(t, p, "token", "basic", "digest")
	return p
}

// ticketFor is a token for a stream.
func ticketFor(stream string, life time.Duration) string {
	return access.Token{Role: access.View, Stream: stream, Key: knownKey, Expires: time.Now().Add(life), Client: "anna.7"}.Text(access.NewSecret(knownSecret))
}

// few is how many pictures show that a player plays.
const few = 10

// TestPlayersAreAdmitted has each player try each way in, with what is right and with
// what is wrong.
func TestPlayersAreAdmitted(t *testing.T) {
	for _, a := range admittances() {
		t.Run(strings.NewReplacer(", ", "_", "`", "", "://", "", " --", "_").Replace(a.name), func(t *testing.T) {
			t.Parallel()
			need(t, a.binary)
			a.tryAll(t, startGuarded(t)) // of its own, which counts whom it refuses
		})
	}
}

// tryAll has a player try each way in.
func (a *admitted) tryAll(t *testing.T, p *rig.Pump) {
	known := knownUser + ":" + knownPassword + "@" + p.Addr.String() + "/streams/"
	wrong := knownUser + ":" + wrongPassword + "@" + p.Addr.String() + "/streams/"
	plain := p.Addr.String() + "/streams/token?token="
	for _, c := range []struct {
		path, right, wrong string
		plays              bool
	}{
		{"token", plain + ticketFor("token", time.Hour), plain + ticketFor("token", -time.Hour), a.token},
		{"basic", known + "basic", wrong + "basic", a.basic},
		{"digest", known + "digest", wrong + "digest", a.digest},
	} {
		t.Run(c.path, func(t *testing.T) {
			if c.plays {
				w := a.start(t, a.scheme+"://"+c.right)
				ticker(t, func() bool { return w.frames(w.said()) >= few }, "it does not play")
				w.stop()
			} else {
				a.isRefused(t, p, a.scheme+"://"+c.right, false)
			}
			a.isRefused(t, p, a.scheme+"://"+c.wrong, a.asks && c.path == "basic")
		})
	}
}

// refusals is how often a pump has refused somebody.
func refusals(p *rig.Pump) int { return len(refusal.FindAllString(p.Log(), -1)) }

var refusal = regexp.MustCompile(`msg=request asks=(Describe|Play) .*answer=(unproven|forbidden)`)

// isRefused has the player open what it may not have: the pump must say no, and the
// player end and say so, unless it asks its user.
func (a *admitted) isRefused(t *testing.T, p *rig.Pump, url string, asks bool) {
	t.Helper()
	before := refusals(p)
	w := a.start(t, url)
	if !asks {
		_ = w.end()
	}
	// The pump's log comes after its answer.
	ticker(t, func() bool { return refusals(p) > before }, "it is not refused")
	if asks {
		w.kill()
	}
	out := w.said()
	if n := w.frames(out); n > 0 || !asks && !regexp.MustCompile(a.shows).MatchString(out) {
		t.Errorf("%d frames came, and it was refused %d times; it printed:\n%s", n, refusals(p)-before, tail(out))
	}
}

// The table of docs/access.md is what these tests try.
func TestPageTellsWhoIsAdmitted(t *testing.T) {
	text, err := os.ReadFile("../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	can := map[bool]string{true: "yes", false: "no"}
	for _, a := range admittances() {
		row := fmt.Sprintf("| %s | %s | %s | %s | %s |\n", a.name, can[a.token], can[a.basic], can[a.digest], a.said)
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/access.md lacks the row\n%s", row)
		}
	}
}

// takeCurl starts curl with a file to write to; a frame is 3 KB.
func takeCurl(t testing.TB, url string) *watcher {
	t.Helper()
	path := filepath.Join(t.TempDir(), "taken.asf")
	p := start(t, exec.Command("curl", "-sS", "--fail", "--anyauth", "--no-buffer", "-o", path, url), false)
	return took(p, path)
}

// takeLibmms starts a program with libmms, likewise.
func takeLibmms(t testing.TB, url string) *watcher {
	t.Helper()
	path := filepath.Join(t.TempDir(), "taken.asf")
	p := start(t, exec.Command(buildLibmms(t), "mmsh", url, "1000", path), false)
	return took(p, path)
}

// took watches a program that only writes what it gets to a file.
func took(p *program, path string) *watcher {
	return &watcher{program: p, stop: p.interrupt, frames: func(string) int {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return int(info.Size()) / 3000
	}}
}
