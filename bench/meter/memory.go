package meter

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// Memory is the machine's memory at one moment, in bytes.
type Memory struct {
	Total     int64 `json:"total_bytes"`
	Available int64 `json:"available_bytes"` // that programs could still have
	Sockets   int64 `json:"tcp_bytes"`       // that all TCP sockets have, of this network namespace's kernel
}

// ReadMemory reads the machine's memory.
func ReadMemory() (m Memory, err error) {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return m, fmt.Errorf("the machine's memory cannot be read: %w", err)
	}
	sockets, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return m, fmt.Errorf("the sockets' memory cannot be read: %w", err)
	}
	return memoryOfTexts(string(info), string(sockets))
}

// memoryOfTexts reads what /proc/meminfo and /proc/net/sockstat say.
func memoryOfTexts(info, sockets string) (m Memory, err error) {
	for _, f := range []struct {
		to               *int64
		text, line, word string
		unit             int64
	}{
		{&m.Total, info, "MemTotal:", "", 1 << 10},
		{&m.Available, info, "MemAvailable:", "", 1 << 10},
		{&m.Sockets, sockets, "TCP:", "mem", int64(os.Getpagesize())},
	} {
		n, err := numberIn(f.text, f.line, f.word)
		if err != nil {
			return Memory{}, err
		}
		*f.to = n * f.unit
	}
	return m, nil
}

// numberIn is the number that follows a word in the line that begins with
// another; the line's first number if the word is empty.
func numberIn(text, line, word string) (int64, error) {
	for l := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(l, line)
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		for i, f := range fields {
			if word == "" || i > 0 && fields[i-1] == word {
				return strconv.ParseInt(f, 10, 48)
			}
		}
	}
	return 0, fmt.Errorf("the kernel does not report %s %s", line, word)
}

// DescriptorsOf is how many descriptors the process pid may have open. The file is open
// to everybody; to ask the kernel about a process of another user, as a pump that was
// root is one, takes a capability.
func DescriptorsOf(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return 0, gone(pid, err)
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, "Max open files")
		if fields := strings.Fields(rest); ok && len(fields) > 0 {
			if fields[0] == "unlimited" {
				return math.MaxUint64, nil
			}
			return strconv.ParseUint(fields[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("the kernel does not report the descriptor limit of process %d", pid)
}
