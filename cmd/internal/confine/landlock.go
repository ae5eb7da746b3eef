package confine

import (
	"errors"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Rights on what is beneath a rule's path. Nothing may be executed anywhere.
const (
	readFile   landlock.AccessFSSet = ll.AccessFSReadFile
	readFolder landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	writeInto  landlock.AccessFSSet = readFolder | ll.AccessFSWriteFile | ll.AccessFSTruncate |
		ll.AccessFSMakeReg | ll.AccessFSMakeDir | ll.AccessFSRemoveFile | ll.AccessFSRemoveDir
	writeFile landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSWriteFile
)

// scope keeps the process from sockets that others have under abstract names. Signals are
// not in it: where the kernel gives each thread a domain of its own (before version 8),
// Go could not signal its own threads any more.
const scope landlock.ScopedSet = 1 << 0

// useLandlock is the latest version that is used: what later ones restrict besides, such
// as sockets by name, the log's way to journald for one, was not tried.
const useLandlock = 7

// rule is what the process may do beneath a path.
type rule struct {
	path   string
	rights landlock.AccessFSSet
}

// landlock lets the process reach what the policy says and nothing else of the file
// system, and open no TCP listener.
func (s *steps) landlock() error {
	if s.Off {
		return nil
	}
	version, err := ll.LandlockGetABIVersion()
	switch {
	case errors.Is(err, unix.ENOSYS):
		return s.miss("landlock: this kernel has none (it came with Linux 5.13), or a filter forbids it")
	case errors.Is(err, unix.EOPNOTSUPP):
		return s.miss(`landlock: this kernel has it switched off; put "landlock" into the kernel's parameter lsm=`)
	case err != nil:
		return s.miss("landlock: %v", err)
	}
	var rules []landlock.Rule
	for _, r := range s.rules() {
		rules = append(rules, landlock.PathAccess(r.rights, r.path))
	}
	net := landlock.V7.HandledAccessNet
	if s.Connects {
		net &^= ll.AccessNetConnectTCP // to whom is known only when sources redirect
	}
	c := landlock.MustConfig(landlock.V7.HandledAccessFS, net, scope).BestEffort()
	if err := c.Restrict(rules...); err != nil {
		return s.miss("landlock: %v", err)
	}
	s.Report.Landlock = min(version, useLandlock)
	return nil
}

// rules are the policy's, of paths that are there.
func (s *steps) rules() (out []rule) {
	n := s.all(s.Connects, os.Getenv)
	add := func(path string, ofFile, ofFolder landlock.AccessFSSet) {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return // what is missing or closed cannot be read either
		}
		defer unix.Close(fd)
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			return
		}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			out = append(out, rule{path, ofFolder})
		} else {
			out = append(out, rule{path, ofFile})
		}
	}
	add(os.DevNull, writeFile, 0)
	for _, file := range n.Read {
		add(file, readFile, readFolder)
		for _, dir := range follow(file).beside {
			add(dir, readFile, readFolder)
		}
	}
	for _, dir := range n.Folders {
		add(dir, readFile, readFolder)
	}
	for _, dir := range n.Write {
		add(dir, writeFile, writeInto)
	}
	return out
}
