package flvsynth

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"

	"streampump/bench/payload"
)

// Counts are what a checker has seen.
type Counts struct {
	// Tags are those with a picture or sound, by track; Newest is the number of the newest, in
	// Run.
	Tags   [2]int
	Newest [2]uint32
	Run    [2]uint32
	// Headers are sequence headers, by track, and Metadata the messages with those.
	Headers  [2]int
	Metadata int
	// Gaps are holes in the numbers, and Missing the tags in them, by track.
	Gaps, Missing [2]int
	// OffKey are holes behind which pictures go on and cannot be decoded. Only a Loose
	// checker counts them: otherwise they are an error.
	OffKey int
	// Decodes says that pictures can be decoded since some tag, or there are none.
	Decodes bool
	// Splices are changes from one run to the next, by track. At the newest of them the
	// times went on by Steps, and the beginning of the new run is by Shifts later than
	// that of the old one; if these differ, the tracks are not together any more.
	Splices       [2]int
	Steps, Shifts [2]time.Duration
}

// All is the number of tags of both tracks.
func (c Counts) All() int { return c.Tags[0] + c.Tags[1] }

// Checker judges what a viewer gets. Its rules:
//
//   - a body is the source's to the last byte;
//   - before the first tag of a track comes its sequence header, and the metadata, if the
//     source has some; both come again only if they have changed;
//   - a tag comes behind the sequence header that it needs;
//   - metadata has the time 0;
//   - times of a type never go back, and within a run they go on as the source's do;
//   - pictures begin at a key frame, and go on at one after a hole; sound that comes with
//     pictures waits for them.
//
// It is used by one goroutine.
type Checker struct {
	// Headless: the viewer began where there was no key frame for too long.
	Headless bool
	// Loose is for servers other than the pump: a viewer may begin anywhere, pictures may go
	// on anywhere after a hole, what describes a stream is the server's own and may come at
	// any time, times go on as the server thinks, and NAL units may come before the source's.
	Loose bool
	// AnyRun takes a run that is not known for one of the first source.
	AnyRun  bool
	runs    *payload.Runs[Spec]
	counts  Counts
	track   [2]trackState
	about   []byte // the newest metadata
	started bool
}

// trackState is what a checker knows of one track.
type trackState struct {
	header []byte // the newest
	timed  bool   // something has come
	time   uint32
	n      uint32
	spec   *Spec // nil before the first tag that is no header
}

// NewChecker makes a checker for viewers of sources.
func NewChecker(sources ...Spec) *Checker {
	return &Checker{runs: payload.NewRuns(sources, func(s *Spec) *uint32 { return &s.Run })}
}

// Counts are the counts so far.
func (c *Checker) Counts() Counts { return c.counts }

// Newest is the time of what came last of a track.
func (c *Checker) Newest(t Track) (time uint32) { return c.track[t].time }

// Due is when the newest tag of a track was due; see [Spec.Due].
func (c *Checker) Due(t Track, now uint64) uint64 {
	return c.track[t].spec.Due(t, c.track[t].n, now)
}

// Tag judges a tag. media is false for what only describes the stream.
func (c *Checker) Tag(typ uint8, time uint32, body []byte) (t Track, media bool, err error) {
	switch typ {
	case TypeAudio:
		t = Audio
	case TypeVideo:
	case TypeData:
		return t, false, c.describes(time, body)
	default:
		return t, false, fmt.Errorf("there is no tag of type %d", typ)
	}
	if err := c.track[t].goesOn(time); err != nil {
		return t, false, fmt.Errorf("track %d: %w", t, err)
	}
	if bytes.HasPrefix(body, setsHead) || bytes.HasPrefix(body, configHead) {
		return t, false, c.header(t, body)
	}
	return t, true, c.media(t, time, body)
}

// goesOn checks that a time is not before the one before.
func (s *trackState) goesOn(time uint32) error {
	if step := int32(time - s.time); s.timed && step < 0 { //nolint:gosec // it wraps
		return fmt.Errorf("its time goes back by %d ms to %d", -step, time)
	}
	s.timed = true
	return nil
}

// describes judges metadata.
func (c *Checker) describes(time uint32, body []byte) error {
	c.counts.Metadata++
	again := bytes.Equal(body, c.about)
	c.about = bytes.Clone(body)
	switch {
	case c.Loose:
		return nil
	case time != 0:
		return fmt.Errorf("metadata has the time %d", time)
	case again:
		return errors.New("the metadata comes again as it was")
	}
	known := false
	c.runs.All(func(s *Spec) bool {
		known = !s.Bare && bytes.Equal(body, s.Metadata())
		return !known
	})
	if known {
		return nil
	}
	return fmt.Errorf("the metadata is no source's: %q", body)
}

// header judges a sequence header.
func (c *Checker) header(t Track, body []byte) error {
	s := &c.track[t]
	c.counts.Headers[t]++
	if !c.Loose && bytes.Equal(body, s.header) {
		return fmt.Errorf("the sequence header of track %d comes again as it was", t)
	}
	s.header = bytes.Clone(body)
	return nil
}

// media judges a picture or sound.
func (c *Checker) media(t Track, time uint32, body []byte) error {
	id, err := payload.Read(body)
	if err != nil {
		return fmt.Errorf("on track %d comes %x: %w", t, body[:min(len(body), 16)], err)
	}
	spec, n := c.runs.Of(id.Run, c.AnyRun), id.Number
	if spec == nil || id.Track != int(t) || n > math.MaxInt32 {
		return fmt.Errorf("on track %d comes tag %d of track %d of run %d", t, n, id.Track, id.Run)
	}
	s := &c.track[t]
	if err := errors.Join(c.bytes(spec, t, n, body), c.described(s, spec, t, n), c.follows(s, spec, t, n, time)); err != nil {
		return fmt.Errorf("track %d, tag %d of run %d: %w", t, n, id.Run, err)
	}
	s.time, s.n, s.spec = time, n, spec
	c.started = true
	c.counts.Tags[t]++
	c.counts.Newest[t], c.counts.Run[t] = n, id.Run
	c.counts.Decodes = c.counts.Decodes || s.header != nil && spec.isKey(t, n)
	return nil
}

// bytes checks what the server must leave as it is.
func (c *Checker) bytes(spec *Spec, t Track, n uint32, body []byte) error {
	want := spec.body(t, n)
	if bytes.Equal(body, want) {
		return nil
	}
	first := len(soundHead)
	if t == Video {
		first = len(keyHead)
	}
	if c.Loose && len(body) > len(want) && bytes.Equal(body[:first], want[:first]) && bytes.HasSuffix(body, want[first:]) {
		return nil
	}
	if len(body) != len(want) {
		return fmt.Errorf("it has %d bytes, and left with %d", len(body), len(want))
	}
	at := 0
	for body[at] == want[at] {
		at++
	}
	return fmt.Errorf("byte %d is %02x, and left as %02x", at, body[at], want[at])
}

// described checks that all has come that a tag needs.
func (c *Checker) described(s *trackState, spec *Spec, t Track, n uint32) error {
	switch {
	case c.Loose:
		return nil
	case !spec.Bare && c.about == nil:
		return errors.New("it comes before the metadata")
	case s.header == nil:
		return errors.New("it comes before its sequence header")
	case !bytes.Equal(s.header, spec.Header(t, n)):
		return fmt.Errorf("it needs another sequence header than %x", s.header)
	}
	return nil
}

// follows checks a tag's place behind the one before.
func (c *Checker) follows(s *trackState, spec *Spec, t Track, n, time uint32) error {
	switch {
	case s.spec == nil:
		return c.begins(spec, t, n)
	case spec != s.spec:
		return c.splices(s, spec, t, n, time)
	case n <= s.n:
		return fmt.Errorf("it comes behind tag %d", s.n)
	}
	if step, want := time-s.time, spec.At(t, n)-spec.At(t, s.n); step != want && !c.Loose {
		return fmt.Errorf("the times step by %d ms and not by %d", step, want)
	}
	hole := n - s.n - 1
	if hole == 0 {
		return nil
	}
	c.counts.Gaps[t]++
	c.counts.Missing[t] += int(hole)
	switch {
	case t != Video || spec.isKey(t, n):
	case !c.Loose:
		return fmt.Errorf("%d tags are missing before it, and it is no key frame", hole)
	default:
		c.counts.OffKey++
	}
	return nil
}

// begins checks the first tag of a track.
func (c *Checker) begins(spec *Spec, t Track, n uint32) error {
	switch {
	case c.Loose || c.Headless:
	case t == Video && !spec.isKey(t, n):
		return errors.New("the pictures do not begin with a key frame")
	case !c.started && t == Audio && spec.Has(Video):
		return errors.New("the sound begins before the pictures")
	}
	return nil
}

// splices checks the first tag of another run. Its time is not before the one before, as
// that of any.
func (c *Checker) splices(s *trackState, spec *Spec, t Track, n, at uint32) error {
	if t == Video && !c.Headless && !c.Loose && !spec.isKey(t, n) {
		return errors.New("a new run does not begin with a key frame")
	}
	step := time.Duration(at-s.time) * time.Millisecond
	c.counts.Splices[t]++
	c.counts.Steps[t] = step
	c.counts.Shifts[t] = s.spec.due(t, s.n) + step - spec.due(t, n)
	return nil
}
