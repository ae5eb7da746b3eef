// Package config reads Stream Pump's configuration file.
//
// The file is JSON with comments and trailing commas. The keys of the original
// Stream Pump keep their names and their meaning; everything newer lies in
// groups ("limits", "timeouts", …) whose every key has a default.
//
//	bytes ──lexer──► brackets, quotes, words: what is not JSON at all
//	      ──hujson─► a tree that knows the offset of each value
//	      ──walker─► key tables: unknown keys, types, ranges ──► Config
//	      ──checks─► what only several keys together can get wrong
//
// Each step finds as many mistakes as it can before it gives up, so that one
// run of the check shows the operator all of them, each with line, column and
// JSON pointer ([RFC 6901]). A number may be written as a string and a true or
// false as well, because the original's examples do; null means "not given".
//
// The package opens no socket and knows no protocol. The only files that it
// opens are the configuration, the files that enabled streams play, those with the
// accounts and keys of access rules and, if there is a listener over TLS, the
// certificates with their keys. Its functions may be called from any goroutine.
//
// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
package config
