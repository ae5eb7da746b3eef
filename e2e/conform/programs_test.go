//go:build e2e

package conform

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// program is a player: how it is started, and how it says that it plays.
type program struct {
	name string
	args []string // {url} stands for what is played
	// asked: it tells its frames when it is asked for "stats" on its input.
	asked bool
	// count finds numbers of frames in its output; what several count at once
	// is added up.
	count []*regexp.Regexp
}

// patient is how long a program may take: it starts, buffers three seconds,
// and plays four.
const patient = 60 * time.Second

// ask is how often a player is asked how far it is.
const ask = 500 * time.Millisecond

// programs are the players of a row. Over TLS MPlayer plays through ffmpeg's library, as
// mpv does, and mpv checks whom it plays from.
func (k *kit) programs() []program {
	all := []program{ffmpegPlayer(), vlcPlayer(), mplayerPlayer()}
	if k.all.transport.secure() {
		all = append(all, mpvPlayer())
	}
	return all
}

// ffmpegTrust are the options by which ffmpeg checks the pump's certificate, which it
// does not do otherwise; none in clear.
func (k *kit) ffmpegTrust() string {
	if !k.all.transport.secure() {
		return ""
	}
	return " -tls_verify 1 -ca_file " + k.all.transport.identity.Roots
}

// address is where a player finds a path of the pump. Over TLS it has a name there.
func (k *kit) address(scheme, path string) string {
	host := k.addr
	if k.all.transport.secure() {
		_, port, err := net.SplitHostPort(k.addr)
		k.check(err)
		host = net.JoinHostPort("localhost", port)
	}
	return k.all.transport.scheme(scheme) + "://" + host + path
}

// trusting is a player that checks the pump's certificate, if it has one.
func (k *kit) trusting(p program) program {
	if !k.all.transport.secure() {
		return p
	}
	roots := k.all.transport.identity.Roots
	trust := map[string][]string{
		"ffmpeg": strings.Fields(k.ffmpegTrust()),
		"vlc":    {"--no-gnutls-system-trust", "--gnutls-dir-trust=" + k.publicRoots()},
		"mpv":    {"--tls-verify=yes", "--tls-ca-file=" + roots},
	}
	p.args = append(trust[p.name], p.args...)
	return p
}

// publicRoots is a folder with nothing but the authority's certificate, which a player
// that runs as another user may read.
func (k *kit) publicRoots() string {
	k.Helper()
	dir, err := os.MkdirTemp("", "e2e-roots-")
	k.check(err)
	k.Cleanup(func() { _ = os.RemoveAll(dir) })
	k.check(os.Chmod(dir, 0o755))                                                                        //nolint:gosec // see above
	k.check(os.WriteFile(filepath.Join(dir, "ca.pem"), k.all.transport.identity.Authority.PEM(), 0o644)) //nolint:gosec // see above
	return dir
}

func ffmpegPlayer() program {
	return program{
		name: "ffmpeg",
		args: strings.Fields("-nostdin -hide_banner -loglevel warning -stats -i {url} -map 0:v -frames:v 120 -f null -"),
		count: []*regexp.Regexp{
			regexp.MustCompile(`frame= *(\d+)`),
		},
	}
}

// vlcPlayer tells no frames it decoded, but those it displayed and those that
// came too late for that, as they do on a busy machine.
func vlcPlayer() program {
	return program{
		name:  "vlc",
		args:  strings.Fields("-I oldrc --rc-fake-tty -vv --no-audio --vout dummy --no-video-title-show {url}"),
		asked: true,
		count: []*regexp.Regexp{regexp.MustCompile(`frames displayed : *(\d+)`), regexp.MustCompile(`frames lost +: *(\d+)`)},
	}
}

func mpvPlayer() program {
	return program{
		name:  "mpv",
		args:  strings.Fields("--no-config --vo=null --ao=null --no-audio --untimed --frames=120 --no-input-terminal --term-status-msg=frame=${estimated-frame-number} {url}"),
		count: []*regexp.Regexp{regexp.MustCompile(`frame=(\d+)`)},
	}
}

func mplayerPlayer() program {
	return program{
		name:  "mplayer",
		args:  strings.Fields("-nolirc -noconfig all -vo null -ao null -frames 120 {url}"),
		count: []*regexp.Regexp{regexp.MustCompile(` (\d+)/ *\d+ `)},
	}
}

// complaints are what no player may say: its demuxer or decoder found
// something wrong. "Guessed Channel Layout", "too late" and VLC's "cannot read
// data 2" behind a Describe are none.
func complaints() []string {
	return []string{
		"first frame is no keyframe", "fragment position", "broken fragment", "next fragment offset",
		"rror while decoding", "Invalid data", "non monotonically", "damaged", "concealing", "overread",
		"cannot peek", "desync", "Strange chunk", "Cannot sync", "xceed the asf", "corrupt", "ERROR in",
	}
}

// blameless checks that a player had nothing to complain about.
func (k *kit) blameless(out string) {
	k.Helper()
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "|") && strings.HasSuffix(line, " 0\n") {
			continue // VLC counts what it could complain of, and had nothing to
		}
		for _, c := range complaints() {
			k.want(!strings.Contains(line, c), "the player says: %s", line)
		}
	}
}

// turn lets a row's players run, one after the other; what it returns lets another row's.
func (k *kit) turn() (done func()) {
	k.all.players <- struct{}{}
	return func() { <-k.all.players }
}

// plays has a player play the row's stream.
func (k *kit) plays(p program, scheme string) {
	k.Helper()
	p = k.trusting(p)
	url := k.address(scheme, k.url())
	if p.name == "mplayer" && k.all.transport.secure() {
		url = "ffmpeg://" + url
	}
	for i, arg := range p.args {
		p.args[i] = strings.ReplaceAll(arg, "{url}", url)
	}
	out := k.command(p)
	k.want(p.frames(out) >= frames, "%s decoded %d frames of %d:\n%s", p.name, p.frames(out), frames, out)
	k.blameless(out)
}

// frames is how many frames a player has said it decoded.
func (p *program) frames(out string) (n int) {
	for _, count := range p.count {
		if all := count.FindAllStringSubmatch(out, -1); len(all) > 0 {
			k, _ := strconv.Atoi(all[len(all)-1][1])
			n += k
		}
	}
	return n
}

// command runs a program to its end and returns what it printed.
func (k *kit) command(p program) string {
	k.Helper()
	ctx, cancel := context.WithTimeout(k.ctx, patient)
	defer cancel()
	args := append([]string{k.program(p.name)}, p.args...)
	if p.name == "vlc" && os.Geteuid() == 0 {
		// VLC does not run as root.
		args = append([]string{k.program("setpriv"), "--reuid=nobody", "--clear-groups"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+os.TempDir())
	in, err := cmd.StdinPipe()
	k.check(err)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	k.check(cmd.Start())
	go func() { _ = w.CloseWithError(cmd.Wait()) }()
	if p.asked {
		go askAgain(ctx, in)
	}
	return p.read(r, in)
}

// askAgain asks a player for its statistics until it has ended.
func askAgain(ctx context.Context, in io.Writer) {
	tick := time.NewTicker(ask)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, err := io.WriteString(in, "stats\n"); err != nil {
			return
		}
	}
}

// read reads what a player prints and ends one that is asked for its frames
// when there are enough.
func (p *program) read(r io.Reader, in io.Writer) string {
	var out strings.Builder
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	enough := false
	for lines.Scan() {
		out.WriteString(lines.Text() + "\n")
		if p.asked && !enough && strings.Contains(lines.Text(), "frames") && p.frames(out.String()) >= frames {
			enough = true
			_, _ = io.WriteString(in, "quit\n")
		}
	}
	return out.String()
}

// program is where a program is. Without it there is no row.
func (k *kit) program(name string) string {
	k.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("STREAMPUMP_NOSKIP") == "1" {
		k.Fatalf("%s is not installed", name)
	}
	if err != nil {
		k.Skipf("%s is not installed", name)
	}
	return path
}
