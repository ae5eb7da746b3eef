package rtspclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"streampump/bench/answer"
	"streampump/bench/rtpsynth"
)

// Media is a track as a description has it.
type Media struct {
	Kind    string // video or audio
	Type    string // of the payload
	Control string
	Lines   []string
}

// Viewer plays tracks of a synthetic source and checks what it gets. It is used by one
// goroutine.
type Viewer struct {
	*Client
	*rtpsynth.Checker
	URL string
	// Description is what DESCRIBE gave, and Media its tracks.
	Description string
	Media       []Media
	// Base is the address that PLAY names.
	Base string
	// Wants chooses the tracks that are set up; nil: all of them.
	Wants func(Media) bool
	// Seen gets each RTP packet that was judged and found good; it may be nil.
	Seen func(t rtpsynth.Track, packet []byte)

	track map[byte]rtpsynth.Track // by channel
}

// NewViewer makes a viewer of a stream at an address, which comes from these sources.
func NewViewer(c *Client, url string, sources ...rtpsynth.Spec) *Viewer {
	v := &Viewer{Client: c, URL: url, Checker: rtpsynth.NewChecker(nil, sources...), track: map[byte]rtpsynth.Track{}}
	c.Frames(v.judge)
	return v
}

// Open asks for the stream and begins to play it.
func (v *Viewer) Open(ctx context.Context) error {
	if err := v.Describe(ctx); err != nil {
		return err
	}
	for i, m := range v.Media {
		if v.Wants == nil || v.Wants(m) {
			if err := v.Setup(ctx, i); err != nil {
				return err
			}
		}
	}
	return v.Play(ctx)
}

// Describe asks what the stream holds.
func (v *Viewer) Describe(ctx context.Context) error {
	h, body, err := v.Ask(ctx, "DESCRIBE", v.URL, "", "Accept: application/sdp")
	if err != nil {
		return err
	}
	v.Description = string(body)
	v.Media = mediaOf(v.Description)
	v.Base = h.Get("Content-Base")
	if v.Loose {
		v.Base = baseOf(h, v.URL)
	}
	switch {
	case h.Get("Content-Type") != "application/sdp":
		return fmt.Errorf("the description is of type %q", h.Get("Content-Type"))
	case !strings.HasSuffix(v.Base, "/"):
		return fmt.Errorf("Content-Base is %q", v.Base)
	case len(v.Media) == 0:
		return fmt.Errorf("there is no track in\n%s", v.Description)
	}
	return nil
}

// mediaOf are the tracks of a description.
func mediaOf(text string) (all []Media) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if f := strings.Fields(strings.TrimPrefix(line, "m=")); strings.HasPrefix(line, "m=") && len(f) > 3 {
			all = append(all, Media{Kind: f[0], Type: f[3]})
		}
		if len(all) == 0 {
			continue
		}
		m := &all[len(all)-1]
		m.Lines = append(m.Lines, line)
		if c, ok := strings.CutPrefix(line, "a=control:"); ok {
			m.Control = c
		}
	}
	return all
}

// Setup sets up a track. Whatever channels it asks for, those of the answer hold.
func (v *Viewer) Setup(ctx context.Context, i int) error {
	m := v.Media[i]
	if v.Loose {
		m.Control = absolute(v.Base, m.Control)
	}
	h, _, err := v.Ask(ctx, "SETUP", m.Control, "", transport(i))
	if err != nil {
		return err
	}
	v.take(h)
	first, ok := interleaved(h.Get("Transport"))
	if !ok {
		return fmt.Errorf("SETUP is answered with Transport %q", h.Get("Transport"))
	}
	t := rtpsynth.Video
	if m.Kind == "audio" {
		t = rtpsynth.Audio
	}
	v.Tracks = append(v.Tracks, t)
	v.track[byte(first)], v.track[byte(first+1)] = t, t
	return nil
}

// transport asks for a track to come on the connection.
func transport(i int) string {
	return fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d", 2*i, 2*i+1)
}

// baseOf is the address that a description's control attributes are relative to (RFC 2326,
// C.1.1).
func baseOf(h *answer.Head, url string) string {
	if base := h.Get("Content-Base"); base != "" {
		url = base
	}
	return strings.TrimSuffix(url, "/") + "/"
}

// absolute is the address of a control attribute.
func absolute(base, control string) string {
	if strings.Contains(control, "://") {
		return control
	}
	return base + control
}

// Play begins. Packets come behind the answer, never before.
func (v *Viewer) Play(ctx context.Context) error {
	_, _, err := v.Ask(ctx, "PLAY", v.Base, "", "Range: npt=0.000-")
	return err
}

// interleaved is the first channel that a transport names.
func interleaved(transport string) (first int, ok bool) {
	for _, part := range strings.Split(transport, ";") {
		if value, found := strings.CutPrefix(strings.TrimSpace(part), "interleaved="); found {
			a, b, _ := strings.Cut(value, "-")
			first, err := strconv.Atoi(a)
			last, err2 := strconv.Atoi(b)
			return first, err == nil && err2 == nil && last == first+1 && first >= 0 && last < 256
		}
	}
	return 0, false
}

// judge checks a packet.
func (v *Viewer) judge(channel byte, packet []byte) error {
	t, ok := v.track[channel]
	if !ok {
		return fmt.Errorf("a packet comes on channel %d, and %d are set up", channel, len(v.track))
	}
	if channel%2 == 1 {
		return v.RTCP(t, packet)
	}
	err := v.RTP(t, packet)
	if err == nil && v.Seen != nil {
		v.Seen(t, packet)
	}
	return err
}

// ErrOver is returned for a stream that ends before there was enough of it.
var ErrOver = errors.New("the stream is over")

// Until reads until enough says so, asked after each packet. At the connection's end the
// error is ErrOver.
func (v *Viewer) Until(ctx context.Context, enough func(rtpsynth.Counts) bool) error {
	for !enough(v.Counts()) {
		it, err := v.Conn.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return ErrOver
		case err != nil:
			return fmt.Errorf("after %+v: %w", v.Counts(), err)
		case it.Answer != nil:
			return fmt.Errorf("between packets comes %v", it.Answer)
		}
		if err := v.judge(it.Channel, it.Packet); err != nil {
			return err
		}
	}
	return nil
}

// Over reads to the connection's end, which must come behind the end of each track.
func (v *Viewer) Over(ctx context.Context) error {
	err := v.Until(ctx, func(rtpsynth.Counts) bool { return false })
	if !errors.Is(err, ErrOver) {
		return err
	}
	n := v.Counts()
	if slices.ContainsFunc(v.Tracks, func(t rtpsynth.Track) bool { return n.Byes[t] != 1 }) {
		return fmt.Errorf("the connection ended behind %d and %d ends of tracks", n.Byes[0], n.Byes[1])
	}
	return nil
}

// Resume has packets judged again that come while an answer is waited for.
func (v *Viewer) Resume() { v.Frames(v.judge) }
