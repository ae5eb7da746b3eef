// Package licences finds the licence of everything that is linked into our programs:
// modules, the parts of modules that have a licence of their own, files that are
// embedded, and Go's standard library. It asks the go command which packages those
// are, so a module that only tests need is not among them. It decides nothing about
// our own licence.
package licences

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Part is something by others that is linked in.
type Part struct {
	// Name is a module's path, a folder's within ours, or "Go".
	Name    string
	Version string // empty for what is in our own tree
	// Texts are the licences and notices that came with it, in order of their files.
	Texts []Text
}

// Text is one file of a part.
type Text struct {
	File string // from the part's root
	Kind string // SPDX identifier; empty for a notice
	Body string
}

// listed is what the go command says of a package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	EmbedFiles      []string
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// Linked are the parts of the programs in dir as they are built for Linux without cgo
// on each of the architectures, sorted by name. A part without a licence, or with one
// that is not in the table of kinds, is an error.
func Linked(dir string, architectures []string, programs ...string) ([]Part, error) {
	goroot, err := command(dir, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	parts := map[string]*Part{}
	for _, arch := range architectures {
		env := []string{"GOOS=linux", "CGO_ENABLED=0", "GOARCH=" + arch}
		args := append([]string{"list", "-deps", "-json=ImportPath,Dir,Standard,EmbedFiles,Module"}, programs...)
		out, err := command(dir, env, "go", args...)
		if err != nil {
			return nil, err
		}
		for dec := json.NewDecoder(strings.NewReader(out)); ; {
			var p listed
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("go list: %w", err)
			}
			if err := p.collect(parts, strings.TrimSpace(goroot)); err != nil {
				return nil, err
			}
		}
	}
	return finish(parts)
}

// command runs a program in a folder and returns what it prints.
func command(dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, stderr.String())
	}
	return string(out), nil
}

// collect adds a package's texts to the part that it belongs to.
func (p listed) collect(parts map[string]*Part, goroot string) error {
	switch {
	case p.Standard:
		version, err := os.ReadFile(filepath.Join(goroot, "VERSION"))
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(version), "\n")
		return gather(parts, "Go", strings.TrimPrefix(first, "go"), goroot, goroot)
	case p.Module == nil:
		return fmt.Errorf("%s: the go command knows no module of it", p.ImportPath)
	case !p.Module.Main:
		return gather(parts, p.Module.Path, p.Module.Version, p.Module.Dir, p.Dir)
	}
	// Of ours, what has a licence of its own lies in a folder of files that are
	// embedded.
	for _, f := range p.EmbedFiles {
		dir := filepath.Dir(filepath.Join(p.Dir, f))
		name, err := filepath.Rel(p.Module.Dir, dir)
		if err != nil {
			return err
		}
		if texts, err := read(dir, dir); err != nil {
			return err
		} else if len(texts) > 0 {
			parts[name] = &Part{Name: name, Texts: texts}
		}
	}
	return nil
}

// gather adds to a part what lies in a folder of it and in those above, up to root.
func gather(parts map[string]*Part, name, version, root, dir string) error {
	part := parts[name]
	if part == nil {
		part = &Part{Name: name, Version: version}
		parts[name] = part
	}
	for ; ; dir = filepath.Dir(dir) {
		texts, err := read(root, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, t := range texts {
			if !slices.ContainsFunc(part.Texts, func(old Text) bool { return old.File == t.File }) {
				part.Texts = append(part.Texts, t)
			}
		}
		if dir == root || len(dir) <= len(root) {
			return nil
		}
	}
}

// file is how the files are called that say what one may do.
var file = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense)([-._].*)?$`)

// source is code that happens to be called so.
var source = regexp.MustCompile(`\.(go|s|c|h)$`)

// read returns the licences and notices in one folder.
func read(root, dir string) (texts []Text, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !file.MatchString(e.Name()) || source.MatchString(e.Name()) {
			continue
		}
		name := filepath.Join(dir, e.Name())
		body, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, Text{File: rel, Kind: KindOf(string(body)), Body: string(body)})
	}
	return texts, nil
}

// finish checks the parts and sorts them.
func finish(parts map[string]*Part) (found []Part, err error) {
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p := parts[name]
		if p.Kinds() == "" {
			err = errors.Join(err, fmt.Errorf("%s has no licence that is known here: read it, see whether the GPL-3 allows to link it, and add it to the table in packaging/licences", name))
		}
		slices.SortFunc(p.Texts, func(a, b Text) int { return strings.Compare(a.File, b.File) })
		found = append(found, *p)
	}
	return found, err
}
