//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// What the players say when something is wrong with a stream. Each list names
// whole families (everything that a demuxer or decoder says as a warning or
// worse), and the excuses take out what they say on a good stream too.
//
// Not complaints, wherever they stand: that pictures are too late, which a busy
// machine causes.
var (
	ffmpegComplaints = list(
		`^\[(asf|mmsh|wm[av]\w*|msmpeg4\w*|vc1\w*|mjpeg|pcm_\w+) @ `, // demuxer, protocol and decoders, at -loglevel warning
		`first frame is no keyframe`,
		`[Ee]rror while decoding`,
		`[Ii]nvalid data found`,
		`[Nn]on-monotonous DTS`,
		`[Cc]orrupt`,
		`timestamp discontinuity`,
		`concealing`,
		`Connection refused|Server returned`,
	)
	ffmpegExcuses = list(
		`Guessed Channel Layout`, // ASF tells the number of channels only
	)
	// What ends every MMSH stream, $E(0), is to ffmpeg an error of its input;
	// its exit code is 0 all the same.
	ffmpegEnding = list(`^mmsh://\S+: Invalid data found when processing input`)

	vlcComplaints = list(
		` asf demux (error|warning): `,
		` access_mms stream (error|warning): `,
		` (avcodec|packetizer_\w+|wmafixed|vc1) \w+ (error|warning): `,
		` blend (error|warning): `, // its titles over the picture
		`desync`,
		`cannot peek`,
		`discontinuity`,
		` (corrupted|damaged) `,
		`^\[(asf|wm[av]\w*|mjpeg|pcm_\w+) @ `, // libavcodec itself
		`Your input can't be opened`,
	)
	vlcExcuses = list(
		`too late|late picture|late frames`,
		`^\| `, // a line of its statistics, which are read apart
		// mms:// tries MMST twice before it turns to HTTP.
		`access_mms stream error: cannot connect to server`,
		`access_mms stream warning: failed to receive command`,
		`access_mms stream error: cannot read data 2`, // the end of a Describe's body
		`asf demux warning: unexpected end of file`,   // where it is stopped, or the stream is over
	)
	vlcEnding = list(`access_mms stream warning: EOF`)

	mplayerComplaints = list(
		`first frame is no keyframe`,
		`broken fragment`,
		`BUT next fragment offset`,
		`ASF_parser: warning`,
		`ASF_check:`,
		`Invalid length in ASF header`,
		`unknown content-type`,
		`Too many (video|audio) packets`,
		`^\[(wm[av]\w*|msmpeg4\w*|vc1\w*|mjpeg|pcm_\w+) @ `,
		`Error while decoding`,
		`size_confirm mismatch`,
		`[Ff]ailed to (open|parse)`,
	)
	mplayerExcuses = list(
		`custom get_buffer2`, // how MPlayer calls libavcodec
	)

	// cutPicture is what decoders say of a picture that the encoder could not
	// send to its end before it died. VLC and MPlayer decode what there is of
	// it, ffmpeg drops it. No pump can help: its beginning was sent by then.
	cutPicture = list(`^\[wmv2 @ \w+\] ?(Error at MB|concealing)`)
)

// list compiles patterns.
func list(patterns ...string) []*regexp.Regexp {
	var l []*regexp.Regexp
	for _, p := range patterns {
		l = append(l, regexp.MustCompile(p))
	}
	return l
}

func matches(l []*regexp.Regexp, line string) bool {
	for _, re := range l {
		if re.MatchString(line) {
			return true
		}
	}
	return false
}

// complaints are the lines of an output that are on the list.
func complaints(output string, bad, excused []*regexp.Regexp) (found []string) {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if matches(bad, line) && !matches(excused, line) {
			found = append(found, line)
		}
	}
	return found
}

// The lists are worth something only if they know what the players print.
func TestComplaintsAreFound(t *testing.T) {
	cases := []struct {
		name, line   string
		bad, excused []*regexp.Regexp
		want         int
	}{
		{"ffmpegKey", "[wmv2 @ 0x55d0c0a0] first frame is no keyframe", ffmpegComplaints, ffmpegExcuses, 1},
		{"ffmpegFragment", "[asf @ 0x55d0c0a0] packet fragment position invalid 0,3172 not in 371", ffmpegComplaints, ffmpegExcuses, 1},
		{"ffmpegPicture", "[mjpeg @ 0x55c81f9e1b00] EOI missing, emulating", ffmpegComplaints, ffmpegExcuses, 1},
		{"ffmpegLayout", "Guessed Channel Layout for Input Stream #0.1 : mono", ffmpegComplaints, ffmpegExcuses, 0},
		{"vlcPayload", "[00007f] asf demux warning:   payload length problem 1 2 3", vlcComplaints, vlcExcuses, 1},
		{"vlcTitles", "[00007f] blend blend error: no matching alpha blending routine (chroma: RGBA -> GREY)", vlcComplaints, vlcExcuses, 1},
		{"vlcLate", "[00007f] main video output warning: picture is too late to be displayed", vlcComplaints, vlcExcuses, 0},
		{"vlcStatistics", "| demux corrupted  :        0", vlcComplaints, vlcExcuses, 0},
		{"vlcDescribe", "[00007f] access_mms stream error: cannot read data 2", vlcComplaints, vlcExcuses, 0},
		{"mplayerFragment", "warning! fragment.len=3172 BUT next fragment offset=0", mplayerComplaints, mplayerExcuses, 1},
		{"mplayerKey", "[wmv2 @ 0x7fc7]first frame is no keyframe", mplayerComplaints, mplayerExcuses, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := complaints(c.line+"\n", c.bad, c.excused); len(got) != c.want {
				t.Errorf("%d complaints in %q, want %d", len(got), c.line, c.want)
			}
		})
	}
}
