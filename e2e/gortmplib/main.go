// Command gortmplib is a client by others, of the library that MediaMTX is made with, for the
// end-to-end tests: it plays a stream, or plays one and publishes it elsewhere.
//
//	gortmplib play URL
//	gortmplib relay FROM TO
//
// A URL's path is the application, and behind a # stands the stream's key. Each line that it
// prints while it plays is what has come so far of H.264 and AAC, and how often a time was
// before the one before it of that track:
//
//	pictures=N keys=N sounds=N back=N
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gortmplib:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "play":
		return play(args[1])
	case len(args) == 3 && args[0] == "relay":
		return relay(args[1], args[2])
	}
	return errors.New("usage: gortmplib play URL, or gortmplib relay FROM TO")
}

// silence is how long nothing may come.
const silence = 30 * time.Second

// open connects, to play or to publish.
func open(address string, publish bool) (*gortmplib.Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	c := &gortmplib.Client{URL: u, Publish: publish}
	ctx, cancel := context.WithTimeout(context.Background(), silence)
	defer cancel()
	return c, c.Initialize(ctx)
}

// film is a stream that is played.
type film struct {
	*gortmplib.Client
	*gortmplib.Reader
	pictures, sounds *gortmplib.Track // nil if there are none
}

// watch begins to play.
func watch(address string) (*film, error) {
	c, err := open(address, false)
	if err != nil {
		return nil, err
	}
	f := &film{Client: c, Reader: &gortmplib.Reader{Conn: c}}
	_ = c.NetConn().SetReadDeadline(time.Now().Add(silence))
	if err := f.Reader.Initialize(); err != nil {
		c.Close()
		return nil, err
	}
	for _, t := range f.Tracks() {
		switch t.Codec.(type) {
		case *codecs.H264:
			f.pictures = t
		case *codecs.MPEG4Audio:
			f.sounds = t
		default:
			fmt.Fprintf(os.Stderr, "gortmplib: a track is of %T\n", t.Codec)
		}
	}
	return f, nil
}

// run reads to the stream's end, which is none if a status tells of it.
func (f *film) run() error {
	defer f.Client.Close()
	for {
		_ = f.NetConn().SetReadDeadline(time.Now().Add(silence))
		if err := f.Reader.Read(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// counts are what has come.
type counts struct {
	pictures, keys, sounds, back int
	picture, sound               time.Duration // the last times
}

// play plays a stream to its end.
func play(address string) error {
	f, err := watch(address)
	if err != nil {
		return err
	}
	var n counts
	if f.pictures != nil {
		f.OnDataH264(f.pictures, func(_, dts time.Duration, unit [][]byte) { n.take(dts, unit) })
	}
	if f.sounds != nil {
		f.OnDataMPEG4Audio(f.sounds, func(at time.Duration, _ []byte) {
			n.sounds++
			n.step(&n.sound, at)
		})
	}
	return f.run()
}

// take counts an access unit, if there is a picture in it.
func (n *counts) take(at time.Duration, unit [][]byte) {
	const slice, key = 1, 5
	for _, nal := range unit {
		switch nal[0] & 31 {
		case key:
			n.keys++
		case slice:
		default:
			continue
		}
		n.pictures++
		n.step(&n.picture, at)
		fmt.Printf("pictures=%d keys=%d sounds=%d back=%d\n", n.pictures, n.keys, n.sounds, n.back)
		return
	}
}

// step counts a time that is before the last one.
func (n *counts) step(last *time.Duration, at time.Duration) {
	if at < *last {
		n.back++
	}
	*last = at
}

// relay plays a stream and publishes what comes.
func relay(from, to string) error {
	f, err := watch(from)
	if err != nil {
		return err
	}
	c, err := open(to, true)
	if err != nil {
		return err
	}
	defer c.Close()
	w := &gortmplib.Writer{Conn: c, Tracks: f.Tracks()}
	if err := w.Initialize(); err != nil {
		return err
	}
	var failed error
	if f.pictures != nil {
		f.OnDataH264(f.pictures, func(pts, dts time.Duration, unit [][]byte) {
			failed = errors.Join(failed, w.WriteH264(f.pictures, pts, dts, unit))
		})
	}
	if f.sounds != nil {
		f.OnDataMPEG4Audio(f.sounds, func(pts time.Duration, unit []byte) {
			failed = errors.Join(failed, w.WriteMPEG4Audio(f.sounds, pts, unit))
		})
	}
	return errors.Join(f.run(), failed)
}
