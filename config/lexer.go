package config

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// maxDepth bounds the nesting of brackets: the deepest value that we know lies
// at 4, and the parser behind us recurses.
const maxDepth = 32

// lexer looks for everything that keeps a file from being JSON, before the parser
// does: the parser stops at the first mistake, and what people get wrong most (the
// original's config.js renamed, a quote or a bracket forgotten) is easier to tell
// from the tokens.
type lexer struct {
	*report
	src    []byte
	pos    int
	open   []int // offsets of the brackets not yet closed
	script bool  // a word outside all brackets was reported
	closed bool  // the outermost bracket was closed
}

// scan looks at the whole of src and reports whether it found nothing.
func (x *lexer) scan() bool {
	before := len(x.problems)
	for x.pos < len(x.src) && len(x.open) <= maxDepth {
		x.token()
	}
	switch {
	case len(x.open) > maxDepth:
		x.errorf(x.pos-1, "", "brackets are nested more than %d deep", maxDepth)
	case len(x.open) > 0 && len(x.problems) == before:
		// With another mistake before it, the bracket may have been swallowed.
		at := x.open[len(x.open)-1]
		x.errorf(at, "", "this %q is never closed", x.src[at])
	}
	return len(x.problems) == before
}

func (x *lexer) token() {
	switch c := x.src[x.pos]; {
	case c == '"':
		x.text()
	case c == '\'' || c == '`':
		x.foreignText(c)
	case c == '/':
		x.comment()
	case c == '#':
		x.errorf(x.pos, "", "a comment begins with //, not with #")
		x.line()
	case c == '{' || c == '[':
		x.open = append(x.open, x.pos)
		x.pos++
	case c == '}' || c == ']':
		x.closing(c)
	case c == ';':
		x.errorf(x.pos, "", "this is JSON, not JavaScript: delete the semicolon")
		x.pos++
	case isWord(c):
		x.word()
	default:
		x.pos++
	}
}

// text passes over a string in double quotes.
func (x *lexer) text() {
	start := x.pos
	for x.pos++; x.pos < len(x.src); x.pos++ {
		switch x.src[x.pos] {
		case '\\':
			x.pos++
		case '\n':
			x.errorf(start, "", "this text has no closing double quote in its line")
			return
		case '"':
			x.pos++
			if !hujson.Literal(x.src[start:x.pos]).IsValid() {
				x.errorf(start, "", `this text contains a control character or an escape that JSON does not know (a backslash is written "\\")`)
			}
			return
		}
	}
	x.pos = len(x.src)
	x.errorf(start, "", "this text has no closing double quote")
}

// foreignText passes over a string in other quotes.
func (x *lexer) foreignText(quote byte) {
	x.errorf(x.pos, "", "text is written in double quotes, not in %c", quote)
	for x.pos++; x.pos < len(x.src) && x.src[x.pos] != '\n'; x.pos++ {
		if x.src[x.pos] == quote {
			x.pos++
			return
		}
	}
}

func (x *lexer) comment() {
	rest := x.src[x.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		x.line()
	case bytes.HasPrefix(rest, []byte("/*")):
		end := bytes.Index(rest[2:], []byte("*/"))
		if end < 0 {
			x.errorf(x.pos, "", "this comment is never closed by */")
			x.pos = len(x.src)
			return
		}
		x.pos += 2 + end + 2
	default:
		x.pos++
	}
}

// line passes over the rest of the line.
func (x *lexer) line() {
	if n := bytes.IndexByte(x.src[x.pos:], '\n'); n >= 0 {
		x.pos += n
		return
	}
	x.pos = len(x.src)
}

func (x *lexer) closing(c byte) {
	at := x.pos
	x.pos++
	if len(x.open) == 0 {
		x.errorf(at, "", "this %q closes nothing", c)
		return
	}
	opened := x.open[len(x.open)-1]
	x.open = x.open[:len(x.open)-1]
	x.closed = x.closed || len(x.open) == 0
	if o := x.src[opened]; o == '{' && c != '}' || o == '[' && c != ']' {
		line, col := x.lines.place(opened)
		x.errorf(at, "", "this %q cannot close the %q of line %d, column %d", c, o, line, col)
	}
}

// word passes over a run of letters, digits and what may stand in a number or
// a JavaScript name. Without its quotes it may be a secret, and what is said about it
// goes to the log: no sentence shows it.
func (x *lexer) word() {
	start := x.pos
	for x.pos < len(x.src) && isWord(x.src[x.pos]) {
		x.pos++
	}
	w := string(x.src[start:x.pos])
	switch {
	case w == "true" || w == "false" || w == "null":
	case len(x.open) == 0:
		x.outside(start)
	case x.nextIs(':'):
		x.errorf(start, "", "this is a key or a text, which is written in double quotes")
	case isNumber(w):
	default:
		x.errorf(start, "", "this is not a JSON value: text is written in double quotes")
	}
}

// outside reports a word that stands before or after the object. The original's
// configuration was a JavaScript file; others know YAML and its like.
func (x *lexer) outside(start int) {
	if x.script {
		return
	}
	x.script = true
	word := string(x.src[start:x.pos])
	switch {
	case x.closed:
		x.errorf(start, "", "the configuration ends at its last }, and only comments may follow: delete this")
	case isScript(word):
		x.errorf(start, "", "this is not JSON; if it is the original Stream Pump's config.js, "+
			"this prints it as JSON if Node.js is installed: "+ConvertScript+
			"; otherwise keep only the object: delete everything before its first { and after its last }, "+
			"and write every key and every text in double quotes (comments and trailing commas may stay)")
	default:
		x.errorf(start, "", `the configuration is JSON with comments, and begins with {; this is something else ("stream-pump example" prints one to start from)`)
	}
}

// ConvertScript is the command that prints the original's configuration as JSON.
// A module's name begins with ./ or /.
const ConvertScript = `node -p 'JSON.stringify(require("./config.js").config, null, 2)'`

// isScript reports whether a word begins a JavaScript file that sets something.
func isScript(word string) bool {
	switch first, _, _ := strings.Cut(word, "."); first {
	case "module", "exports", "export", "var", "let", "const", "use", "function", "require":
		return true
	}
	return false
}

// nextIs reports whether c is the next character, spaces left out.
func (x *lexer) nextIs(c byte) bool {
	rest := bytes.TrimLeft(x.src[x.pos:], " \t\r\n")
	return len(rest) > 0 && rest[0] == c
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '$' || c == '.' || c == '-' || c == '+'
}

// isNumber leaves the fine points (leading zeros, hexadecimal) to the parser.
func isNumber(w string) bool {
	_, err := strconv.ParseFloat(w, 64)
	return err == nil || hujson.Literal(w).IsValid()
}

// syntax turns the file into a tree, or reports why it cannot.
func (w *walker) syntax(src []byte) (node, bool) {
	if at := invalidUTF8(src); at >= 0 {
		w.errorf(at, "", "the file is not UTF-8 text (save it as UTF-8)")
		return node{}, false
	}
	text := bytes.Clone(src)
	if bytes.HasPrefix(text, []byte(bom)) {
		copy(text, "   ") // Windows' editors write one; offsets stay as they are
	}
	if x := (lexer{report: &w.report, src: text}); !x.scan() {
		return node{}, false
	}
	if len(bytes.TrimSpace(text)) == 0 {
		w.errorf(0, "", "the file is empty")
		return node{}, false
	}
	// The parser wants a line break after a comment in the last line.
	v, err := hujson.Parse(append(text, '\n'))
	if err != nil {
		w.broken(err)
		return node{}, false
	}
	return node{value: v.Value, at: v.StartOffset}, true
}

// bom is the mark that some editors put at the beginning of a UTF-8 file.
const bom = "\ufeff"

// invalidUTF8 is the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}
