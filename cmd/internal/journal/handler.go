package journal

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
)

// Options are how a [Handler] works.
type Options struct {
	// Identifier is SYSLOG_IDENTIFIER: the program's name.
	Identifier string
	// Level is the lowest that is logged.
	Level slog.Leveler
}

// Handler is a [slog.Handler] that writes each record as one line, in a form that only
// [Writer] reads. Any goroutine may use it.
type Handler struct {
	out    io.Writer
	o      Options
	groups string // each with a dot
	with   entry  // attributes of all records
}

// NewHandler makes a handler that writes to out, in one call for each record.
func NewHandler(out io.Writer, o Options) *Handler { return &Handler{out: out, o: o} }

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.o.Level.Level() }

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h // with buffers of its own
	n.with = entry{text: slices.Clone(h.with.text), fields: slices.Clone(h.with.fields)}
	for _, a := range attrs {
		n.with.add(h.groups, a)
	}
	n.with.key, n.with.value = nil, nil
	return &n
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	n := *h
	n.groups += name + "."
	return &n
}

// work is the buffers of one call of Handle.
type work struct {
	entry
	datagram, line []byte
}

var works = sync.Pool{New: func() any { return new(work) }}

// Handle implements [slog.Handler].
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	w := works.Get().(*work)
	defer works.Put(w)
	w.text = appendMessage(w.text[:0], cut(r.Message, maxMessage))
	w.text = append(w.text, h.with.text...)
	w.fields = append(w.fields[:0], h.with.fields...)
	r.Attrs(func(a slog.Attr) bool {
		w.add(h.groups, a)
		return true
	})
	b := append(w.datagram[:0], "PRIORITY="...)
	b = append(b, priority(r.Level), '\n')
	b = appendField(b, nameIdentifier, h.o.Identifier)
	b = appendField(b, nameMessage, cut(w.text, maxMessage))
	b = appendField(b, nameMsg, cut(r.Message, maxValue))
	b = append(b, w.fields...)
	w.datagram = b
	w.line = appendLine(w.line[:0], b)
	_, err := h.out.Write(w.line)
	return err
}

var (
	nameIdentifier = []byte("SYSLOG_IDENTIFIER")
	nameMessage    = []byte("MESSAGE")
	nameMsg        = []byte(prefix + "MSG")
)

// priority is a level in syslog's numbers.
func priority(l slog.Level) byte {
	switch {
	case l < slog.LevelInfo:
		return '7'
	case l < slog.LevelWarn:
		return '6'
	case l < slog.LevelError:
		return '4'
	default:
		return '3'
	}
}
