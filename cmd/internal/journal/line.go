package journal

import (
	"bytes"
	"errors"
)

// An entry waits as a line, so that whoever keeps lines can keep entries: line breaks
// within it, and backslashes, are escaped.

// appendLine appends an entry as a line, with its end.
func appendLine(b, entry []byte) []byte {
	for len(entry) > 0 {
		i := bytes.IndexAny(entry, "\n\\")
		if i < 0 {
			break
		}
		b = append(b, entry[:i]...)
		b = append(b, '\\')
		if entry[i] == '\n' {
			b = append(b, 'n')
		} else {
			b = append(b, '\\')
		}
		entry = entry[i+1:]
	}
	b = append(b, entry...)
	return append(b, '\n')
}

// errLine says that a line was not written by a [Handler].
var errLine = errors.New("this is not an entry for the journal")

// appendEntry appends the entry that a line is, without its end.
func appendEntry(b, line []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(line, '\\')
		if i < 0 {
			return append(b, line...), nil
		}
		b = append(b, line[:i]...)
		switch rest := line[i+1:]; {
		case bytes.HasPrefix(rest, []byte{'n'}):
			b = append(b, '\n')
		case bytes.HasPrefix(rest, []byte{'\\'}):
			b = append(b, '\\')
		default:
			return nil, errLine
		}
		line = line[i+2:]
	}
}
