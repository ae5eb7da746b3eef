package certs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long after a change the files are read: its other half comes soon.
	settle = 500 * time.Millisecond
	// patience is how long files may be wrong before they are refused.
	patience = 10 * time.Second
	// every is how often the files are read if nothing was reported, and how often the
	// ends of certificates are looked at.
	every = 5 * time.Minute
)

// Run writes the certificates to the log, and then reads them anew when their files
// change and warns of their ends, until ctx ends.
func (s *Store) Run(ctx context.Context) {
	s.announce(time.Now())
	w, err := fsnotify.NewWatcher()
	if err != nil {
		s.log.Warn("changes of certificates are found with a delay", "delay", every, "why", err)
		s.run(ctx, nil, func() {})
		return
	}
	defer w.Close()
	changed := make(chan struct{}, 1)
	go report(w, changed)
	s.run(ctx, changed, func() { s.follow(w) })
}

// run is Run with its reports. follow is called before each look at the files, so that
// no change is missed between the two.
func (s *Store) run(ctx context.Context, changed <-chan struct{}, follow func()) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			if at := time.Now().Add(settle); at.Before(due) {
				due = at
				timer.Reset(settle)
			}
			continue
		case <-timer.C:
		}
		follow()
		next := every
		if s.look(time.Now(), patience) {
			next = patience
		}
		s.remind(time.Now())
		due = time.Now().Add(next)
		timer.Reset(next)
	}
}

// report passes on that something has changed, and ends with the watcher.
func report(w *fsnotify.Watcher, changed chan<- struct{}) {
	for {
		var ok bool
		select {
		case _, ok = <-w.Events:
		case _, ok = <-w.Errors: // reports were lost
		}
		if !ok {
			return
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

// follow watches the folders in which the files are now. That a folder cannot be
// watched is no more than a delay.
func (s *Store) follow(w *fsnotify.Watcher) {
	s.mu.Lock()
	var want []string
	for _, e := range s.entries {
		if e.domain == "" {
			want = append(append(want, folders(e.files.Cert)...), folders(e.files.Key)...)
		}
	}
	s.mu.Unlock()
	have := w.WatchList()
	for _, dir := range want {
		if !slices.Contains(have, dir) {
			_ = w.Add(dir)
		}
	}
	for _, dir := range have {
		if !slices.Contains(want, dir) {
			_ = w.Remove(dir)
		}
	}
}

// maxLinks bounds the symbolic links on the way to a file, as the kernel does.
const maxLinks = 40

// folders are those in which a change may change what a file name stands for: that of
// the file, and that of every symbolic link on the way. Where the way ends, it is the
// last folder that there is.
func folders(file string) (out []string) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil
	}
	at, rest := "/", strings.TrimPrefix(file, "/")
	for links := 0; ; {
		name, left, more := strings.Cut(rest, "/")
		next := filepath.Join(at, name)
		target, err := os.Readlink(next)
		switch {
		case err == nil && links < maxLinks:
			links++
			out = append(out, at)
			if !filepath.IsAbs(target) {
				target = filepath.Join(at, target)
			}
			at, rest = "/", strings.TrimPrefix(filepath.Join(target, left), "/")
		case more && !errors.Is(err, fs.ErrNotExist):
			at, rest = next, left
		default:
			return append(out, at)
		}
	}
}
