package flvsynth

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"streampump/bench/amf0"
)

// TestLive: a source has the bitrate that was asked for, and key frames of their size.
func TestLive(t *testing.T) {
	for _, c := range []struct{ bitrate, gop int }{{1_000_000, 50}, {4_000_000, 50}, {200_000, 25}, {1_000_000, 1}} {
		s, err := Live(c.bitrate, c.gop)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		size, tags := s.Mean()
		if rate := size * 8; math.Abs(rate/float64(c.bitrate)-1) > 0.01 || math.Abs(tags-25-31.25) > 0.001 {
			t.Errorf("%+v has %.0f bit/s in %g tags a second", c, rate, tags)
		}
		src, sent, count := New(s), 0, 0
		for tag := src.Next(); tag.Due < 20*time.Second; tag = src.Next() {
			sent, count = sent+len(tag.Body)+head, count+1
		}
		if math.Abs(float64(sent)/20/size-1) > 0.02 || math.Abs(float64(count)/20/tags-1) > 0.02 {
			t.Errorf("%+v: in 20 s there are %d tags of %d bytes", c, count, sent)
		}
	}
	for _, c := range [][2]int{{1_000_000, 0}, {60_000, 50}} {
		if _, err := Live(c[0], c[1]); err == nil {
			t.Errorf("%v is a source", c)
		}
	}
}

// preambled are the source's first tags as a server sends them to viewers.
func preambled(s *Spec) (all []Tag) {
	if !s.Bare {
		all = append(all, Tag{Type: TypeData, Body: s.Metadata()})
	}
	for _, t := range s.Tracks {
		all = append(all, Tag{Type: typeOf(t), Body: s.Header(t, 0)})
	}
	return all
}

// made are n tags of a source, moved to a base in time.
func made(src *Source, n int, base uint32) (all []Tag) {
	for range n {
		tag := src.Next()
		tag.Time += base
		all = append(all, tag)
	}
	return all
}

// judge has a checker judge tags.
func judge(c *Checker, all ...[]Tag) error {
	for _, tags := range all {
		for _, tag := range tags {
			if _, _, err := c.Tag(tag.Type, tag.Time, tag.Body); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestChecked(t *testing.T) {
	s := Plain()
	s.NewHeader = 50
	c := NewChecker(s)
	src := New(s)
	if err := judge(c, preambled(&s), made(src, 150, 0)); err != nil {
		t.Fatal(err)
	}
	n := c.Counts()
	if n.All() != 149 || n.Tags[Video] != src.Sent(Video) || n.Headers != [2]int{2, 1} || n.Metadata != 1 || !n.Decodes || n.Gaps != [2]int{} {
		t.Errorf("%+v", n)
	}
	src.Skip(Video, 25-src.Sent(Video)%25)
	src.Skip(Audio, 30)
	if err := judge(c, made(src, 20, 0)); err != nil {
		t.Fatal(err)
	}
	if n := c.Counts(); n.Gaps != [2]int{1, 1} || n.Missing[Audio] != 30 || n.OffKey != 0 {
		t.Errorf("behind a hole: %+v", n)
	}
}

// TestBroken: what a server must not do is an error, in words that say what.
func TestBroken(t *testing.T) {
	plain, bare, again := Plain(), Plain(), Plain().Again()
	bare.Bare = true
	for want, tags := range map[string]func() [][]Tag{
		"before the metadata":              func() [][]Tag { return [][]Tag{preambled(&bare), made(New(plain), 1, 0)} },
		"before its sequence header":       func() [][]Tag { return [][]Tag{preambled(&plain)[:2], made(New(plain), 2, 0)} },
		"sequence header of track 0 comes": func() [][]Tag { return [][]Tag{preambled(&plain), preambled(&plain)[1:]} },
		"the metadata comes again":         func() [][]Tag { return [][]Tag{preambled(&plain), preambled(&plain)} },
		"metadata has the time 40":         func() [][]Tag { return [][]Tag{{{Type: TypeData, Time: 40, Body: plain.Metadata()}}} },
		"the metadata is no source's":      func() [][]Tag { return [][]Tag{{{Type: TypeData, Body: amf0.Append(nil, "onMetaData", nil)}}} },
		"no tag of type 22":                func() [][]Tag { return [][]Tag{{{Type: 22}}} },
		"ends with":                        func() [][]Tag { return [][]Tag{{{Type: TypeVideo, Body: make([]byte, 40)}}} },
		"comes tag 0 of track 0 of run 2":  func() [][]Tag { return [][]Tag{preambled(&plain), made(New(again), 1, 0)} },
		"comes behind tag 0": func() [][]Tag {
			first := made(New(plain), 1, 0)
			return [][]Tag{preambled(&plain), first, first}
		},
		"do not begin with a key frame": func() [][]Tag {
			src := New(plain)
			src.Skip(Video, 1)
			src.Skip(Audio, 9)
			return [][]Tag{preambled(&plain), made(src, 1, 0)}
		},
		"sound begins before": func() [][]Tag { return [][]Tag{preambled(&plain), made(New(plain), 2, 0)[1:]} },
		"byte 9 is": func() [][]Tag {
			first := made(New(plain), 1, 0)
			first[0].Body[9] ^= 1
			return [][]Tag{preambled(&plain), first}
		},
		"bytes, and left with 8000": func() [][]Tag {
			first := made(New(plain), 1, 0)
			first[0].Body = first[0].Body[5:]
			return [][]Tag{preambled(&plain), first}
		},
		"goes back by 1 ms": func() [][]Tag {
			all := made(New(plain), 3, 0)
			all[2].Time = all[0].Time - 1
			return [][]Tag{preambled(&plain), all}
		},
		"step by 33 ms and not by 32": func() [][]Tag {
			all := made(New(plain), 3, 0)
			all[2].Time++
			return [][]Tag{preambled(&plain), all}
		},
		"it is no key frame": func() [][]Tag {
			src := New(plain)
			first := made(src, 1, 0)
			src.Skip(Video, 3)
			return [][]Tag{preambled(&plain), first, made(src, 9, 0)}
		},
		"needs another sequence header": func() [][]Tag {
			s := plain
			s.NewHeader = 25
			src := New(s)
			all := made(src, 60, 0)
			for i, tag := range all {
				if bytes.HasPrefix(tag.Body, setsHead) {
					all = append(all[:i], all[i+1:]...)
					break
				}
			}
			return [][]Tag{preambled(&s), all}
		},
	} {
		c := NewChecker(plain)
		if strings.Contains(want, "another sequence") {
			s := plain
			s.NewHeader = 25
			c = NewChecker(s)
		}
		if err := judge(c, tags()...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestSplice: a restart goes on in time at a key frame, and what that did to both tracks is
// told.
func TestSplice(t *testing.T) {
	first := Plain()
	second := first.Again()
	c := NewChecker(first, second)
	src, next := New(first), New(second)
	if err := judge(c, preambled(&first), made(src, 40, 0)); err != nil {
		t.Fatal(err)
	}
	base := c.Newest(Video) + 5_000 - second.Time
	if err := judge(c, made(next, 40, base)); err != nil {
		t.Fatal(err)
	}
	n := c.Counts()
	if n.Splices != [2]int{1, 1} || n.Steps[Video] != 5*time.Second || n.Shifts[Video] != n.Shifts[Audio] || n.Run[Audio] != 2 {
		t.Errorf("%+v", n)
	}
	late := New(first.Again())
	late.Skip(Video, 1)
	late.Skip(Audio, 2)
	c = NewChecker(first, second)
	if err := judge(c, preambled(&first), made(New(first), 40, 0), made(late, 3, 1<<20)); err == nil || !strings.Contains(err.Error(), "does not begin with a key frame") {
		t.Error(err)
	}
}

// TestLoose: a loose checker counts what the strict one refuses, and refuses wrong bytes as
// that one does.
func TestLoose(t *testing.T) {
	s := Plain()
	c := NewChecker(s)
	c.Loose, c.AnyRun = true, true
	s.Run = 99
	src := New(s)
	src.Skip(Video, 3)
	if err := judge(c, made(src, 10, 0), preambled(&s), preambled(&s)); err == nil {
		t.Error("times go back")
	}
	if n := c.Counts(); n.Decodes || n.Run[Video] != 99 {
		t.Errorf("%+v", n)
	}
	src.Skip(Video, 3)
	tag := src.Next()
	for tag.Type != TypeVideo {
		tag = src.Next()
	}
	more := append(bytes.Clone(tag.Body[:5]), 0, 0, 0, 2, 9, 0xF0)
	tag.Body = append(more, tag.Body[5:]...)
	if err := judge(c, []Tag{tag}); err != nil {
		t.Errorf("a unit in front: %v", err)
	}
	if n := c.Counts(); n.Gaps[Video] != 1 || n.Missing[Video] != 3 || n.OffKey != 1 {
		t.Errorf("%+v", n)
	}
	tag = src.Next()
	tag.Body[20] ^= 1
	if err := judge(c, []Tag{tag}); err == nil {
		t.Error("a wrong byte is taken")
	}
	for n := src.ToKey(); n > 0; n-- {
		src.Next()
	}
	late := made(src, 1, 0)
	c = NewChecker(s)
	c.Loose = true
	if err := judge(c, []Tag{{Type: TypeVideo, Time: 7, Body: s.Header(Video, 0)}}, late); err != nil || !c.Counts().Decodes {
		t.Errorf("%v, %+v", err, c.Counts())
	}
}

// TestAudioAlone: without pictures a viewer begins anywhere.
func TestAudioAlone(t *testing.T) {
	s := Plain()
	s.Tracks = []Track{Audio}
	src := New(s)
	src.Skip(Audio, 7)
	c := NewChecker(s)
	if err := judge(c, preambled(&s), made(src, 5, 0)); err != nil || !c.Counts().Decodes || src.ToKey() != 0 {
		t.Errorf("%v, %+v", err, c.Counts())
	}
	if all := src.Preamble(); len(all) != 2 || !bytes.Equal(all[1].Body, []byte{0xAF, 0, 0x12, 0x90}) {
		t.Errorf("%+v", all)
	}
}

func TestDue(t *testing.T) {
	s, err := Live(1_000_000, 50)
	if err != nil {
		t.Fatal(err)
	}
	s.Run = 1_000
	if due := s.Due(Video, 50, 4_000_000_000); due != 3_000_000_000 {
		t.Errorf("the second key frame was due at %d", due)
	}
	if at := s.At(Audio, 10); at != 320 {
		t.Errorf("the eleventh sound is at %d ms", at)
	}
}

// TestDescribed: the metadata says what there is.
func TestDescribed(t *testing.T) {
	s := Plain()
	all, err := amf0.Values(New(s).Preamble()[0].Body)
	if err != nil || len(all) != 3 || all[0] != "@setDataFrame" || all[1] != "onMetaData" {
		t.Fatalf("%v, %v", all, err)
	}
	for name, want := range map[string]any{"width": 640.0, "videocodecid": 7.0, "audiocodecid": 10.0, "stereo": true} {
		if got := amf0.Field(all[2], name); got != want {
			t.Errorf("%s is %v", name, got)
		}
	}
	if !bytes.HasSuffix(New(s).Preamble()[0].Body, s.Metadata()) {
		t.Error("viewers get other metadata")
	}
	if other := s.Other(); bytes.Equal(other.Header(Video, 0), s.Header(Video, 0)) || bytes.Equal(other.Header(Audio, 0), nil) {
		t.Error("another source has the same header")
	}
}
