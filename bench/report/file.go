package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// pageMode is who may read a page: it is made to be passed on.
const pageMode = 0o644

// File is the file that a run's page will be in. It is opened before the run, so
// that nobody measures for an hour to hear that it cannot be written, and has its
// name once it is whole, so that nobody finds half a page. A nil File is no page.
type File struct {
	path string
	file *os.File // has another name, in the same folder
}

// Open prepares for a page at path; an empty path asks for none, and gives nil.
func Open(path string) (*File, error) {
	if path == "" {
		return nil, nil
	}
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("no page can be written to %s: it exists and is not a file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, noPage(path, err)
	}
	return &File{path, f}, nil
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

// Write writes the page and gives it its name.
func (f *File) Write(content *Page) error {
	if f == nil {
		return nil
	}
	err := errors.Join(Write(f.file, content), f.file.Chmod(pageMode), f.file.Close())
	if err == nil {
		err = os.Rename(f.file.Name(), f.path)
	}
	if err != nil {
		return noPage(f.path, err)
	}
	f.file = nil
	return nil
}

// Discard removes what is left if no page was written.
func (f *File) Discard() {
	if f == nil || f.file == nil {
		return
	}
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}
