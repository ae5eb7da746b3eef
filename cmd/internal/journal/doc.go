// Package journal gives a program's log to systemd's journal, by the journal's native
// protocol: an entry is one datagram, with a field for everything that is known.
//
//	slog ──► Handler: a record becomes a line ──► a queue of lines (logqueue)
//	                                                   │ its writer's goroutine
//	journald ◄── one datagram for each line ◄── Writer.Write
//
// What a person reads is MESSAGE, the whole sentence: "viewer left stream=news …". It
// has neither time nor level, which the journal knows. Programs have PRIORITY, the
// message alone in PUMP_MSG, and each attribute in a field of its own: PUMP_STREAM,
// PUMP_PEER. The names are those of the log in JSON, in capitals; the prefix keeps them
// apart from the journal's own, as the names that begin with an underscore are, which
// nobody but journald can set.
//
// Texts that peers choose are values and never names, and a value that could be
// taken for more than one is sent with its length: nothing in it becomes a field.
//
// An entry is bounded: long values are cut, and what has no room is left out. So it
// always fits into a datagram, and no memory has to be handed over in its place.
//
// The package is our own because the libraries for the protocol (go-systemd's journal,
// slog-journal) send within the call that logs, and wait there for as long as journald
// likes.
package journal
