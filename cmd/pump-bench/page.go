package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"streampump/bench/report"
)

// htmlUsage is what the flag for a page does.
const htmlUsage = "write the result to this file as a HTML page"

// pageMode is who may read a page: it is made to be passed on.
const pageMode = 0o644

// pageFile is the file that a run's page will be in. It is opened before the
// run, so that nobody measures for an hour to hear that it can not be written,
// and has its name once it is whole, so that nobody finds half a page. A nil
// pageFile is no page.
type pageFile struct {
	path string
	file *os.File // has another name, in the same folder
}

// openPage prepares for a page at path; an empty one asks for none.
func openPage(path string) (*pageFile, error) {
	if path == "" {
		return nil, nil
	}
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("no page can be written to %s: it is there, and no file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, noPage(path, err)
	}
	return &pageFile{path, f}, nil
}

// noPage is why there is no page, without the name that it would have had
// first.
func noPage(path string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("no page can be written to %s: %w", path, err)
}

// write writes the page and gives it its name.
func (p *pageFile) write(content *report.Page) error {
	if p == nil {
		return nil
	}
	err := errors.Join(report.Write(p.file, content), p.file.Chmod(pageMode), p.file.Close())
	if err == nil {
		err = os.Rename(p.file.Name(), p.path)
	}
	if err != nil {
		return noPage(p.path, err)
	}
	p.file = nil
	return nil
}

// discard removes what is left if no page was written.
func (p *pageFile) discard() {
	if p == nil || p.file == nil {
		return
	}
	_ = p.file.Close()
	_ = os.Remove(p.file.Name())
}
