package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"streampump/codec"
)

// fileBuffer is how many bytes of a file are read at once.
const fileBuffer = 64 << 10

// filePlay is one stream's endless playing of a file: the packets are sent when their
// send time comes, and at the end the file starts again with its time line continued.
// The file is reopened for each round, so a replaced file takes its turn at the loop
// point; one that does not begin as it should is reported, and the old one, which is
// still open, is played again.
type filePlay struct {
	st   *Stream
	in   *Ingest
	open io.ReadSeekCloser
	// The time line of prog: the packet with send time base was due at origin.
	prog   *Programme
	origin int64
	base   time.Duration
	going  bool
	waited bool // the present round took some time
}

// fileLate is how late a packet may be for the others to keep their times: more than
// any machine's hiccup. If it is later, the machine was stopped, and the time line
// goes on from now.
const fileLate = 5 * time.Second

// fileRest is the pause after a round that had to wait for nothing: a file without
// times would be played as fast as the machine can.
const fileRest = 100 * time.Millisecond

// play runs a file stream until ctx ends.
func (st *Stream) play(ctx context.Context) {
	p := &filePlay{st: st, in: NewIngest(st)}
	defer func() {
		if p.open != nil {
			_ = p.open.Close()
		}
	}()
	for ctx.Err() == nil {
		err := p.round(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		p.in.Down(Lost, err.Error(), st.env.Clock.Now())
		wait := st.env.Settings.Timeouts.PullRetry
		st.failed(err, wait)
		p.going = false
		rest(ctx, wait)
	}
}

// round plays the file once.
func (p *filePlay) round(ctx context.Context) error {
	if err := p.reopen(); err != nil {
		return err
	}
	sess := p.st.Config.File.Open()
	buf := make([]byte, fileBuffer)
	packets := 0
	p.waited = false
	for {
		n, readErr := p.open.Read(buf)
		k, err := p.feed(ctx, sess, buf[:n])
		p.in.Commit() // the stream is not locked while the disk is waited for
		packets += k
		if err != nil || ctx.Err() != nil {
			return err
		}
		if readErr == nil {
			continue
		}
		if !errors.Is(readErr, io.EOF) {
			return fmt.Errorf("%s cannot be read: %w", p.name(), readErr)
		}
		if packets == 0 {
			return fmt.Errorf("%s has no packets", p.name())
		}
		if !p.waited {
			rest(ctx, fileRest)
		}
		return nil
	}
}

// feed passes bytes on and waits between packets. It returns how many packets
// there were.
func (p *filePlay) feed(ctx context.Context, sess codec.Session, b []byte) (packets int, err error) {
	var ev codec.Event
	for len(b) > 0 {
		var n int
		n, ev = sess.Consume(b)
		b = b[n:]
		switch ev.Kind {
		case codec.None:
			return packets, nil
		case codec.Header:
			err = p.in.Header(ev.Media, p.st.env.Clock.Now())
		case codec.Packet:
			packets++
			err = p.packet(ctx, &ev)
		case codec.Finish:
			return packets, nil
		case codec.Bad:
			err = fmt.Errorf("%s: %w", p.name(), ev.Err)
		}
		if err != nil || ctx.Err() != nil {
			return packets, err
		}
	}
	return packets, nil
}

// packet appends one packet and then waits until it was due; the next comes when the
// wait is over. So a packet goes out together with those due at the same time.
func (p *filePlay) packet(ctx context.Context, ev *codec.Event) error {
	now := p.st.env.Clock.Now()
	sendTime, placed, err := p.in.Packet(ev, now)
	if err != nil || !placed {
		return err
	}
	wait := time.Duration(p.origin-now) + sendTime - p.base
	// Another programme has another time line, which begins now.
	if prog := p.st.cur.Load(); !p.going || prog != p.prog || sendTime < p.base || wait < -fileLate {
		p.going, p.prog, p.origin, p.base, wait = true, prog, now, sendTime, 0
	}
	if wait <= 0 {
		return nil
	}
	p.in.Commit()
	p.waited = true
	rest(ctx, wait)
	return nil
}

// rest waits for d, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// reopen opens the file for the next round; if that cannot be played and
// there is an older one open, that one is played again.
func (p *filePlay) reopen() error {
	f, err := p.openNew()
	if err == nil {
		if p.open != nil {
			_ = p.open.Close()
		}
		p.open = f
		return nil
	}
	if p.open == nil {
		return err
	}
	p.st.failed(fmt.Errorf("the old file is still played: %w", err), 0)
	_, err = p.open.Seek(0, io.SeekStart)
	return err
}

// openNew opens the configured file and looks whether it begins as it should.
func (p *filePlay) openNew() (io.ReadSeekCloser, error) {
	cfg := p.st.Config.File
	if cfg.Data != nil {
		return nopCloser{bytes.NewReader(cfg.Data)}, nil
	}
	f, err := os.Open(cfg.File)
	if err != nil {
		return nil, err
	}
	if err := p.check(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", cfg.File, err)
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// check reads a file to its first packet.
func (p *filePlay) check(f io.Reader) error {
	sess := p.st.Config.File.Open()
	buf := make([]byte, fileBuffer)
	for {
		n, err := f.Read(buf)
		for b := buf[:n]; len(b) > 0; {
			k, ev := sess.Consume(b)
			b = b[k:]
			switch ev.Kind {
			case codec.Packet:
				return nil
			case codec.Bad:
				return ev.Err
			case codec.None:
				b = nil
			}
		}
		if errors.Is(err, io.EOF) {
			return errors.New("the file ends before its first packet")
		}
		if err != nil {
			return err
		}
	}
}

// name is the file's name for messages.
func (p *filePlay) name() string {
	if p.st.Config.File.Data != nil {
		return "the built-in clip"
	}
	return p.st.Config.File.File
}

// nopCloser is a file in memory.
type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }
