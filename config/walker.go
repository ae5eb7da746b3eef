package config

import (
	"fmt"
	"strings"

	"github.com/tailscale/hujson"
)

// walker goes through the tree of a file, collects what is wrong with it and hands
// out checked values.
type walker struct {
	report
	dir    string // where relative names of files start
	inline []node // secrets that the file itself holds
	// secrets are files that hold some.
	secrets []string
	clear   bool // others can connect without TLS
	// callbacks is how many web sites are asked about viewers.
	callbacks int
	secure    node // the first listener over TLS, if there is one
}

// node is one value of the file.
type node struct {
	value hujson.ValueTrimmed
	at    int    // byte offset
	ptr   string // JSON pointer
}

// object is an object of the file whose keys are known ones.
type object struct {
	node
	members map[string]node // null ones are left out
	keys    map[string]int  // byte offset of each key
}

// get returns the value of a key; ok is false if it is not given.
func (o object) get(key string) (n node, ok bool) {
	n, ok = o.members[key]
	return n, ok
}

// fail notes a mistake in a value.
func (w *walker) fail(n node, format string, args ...any) {
	w.errorf(n.at, n.ptr, format, args...)
}

// warn notes an oddity of a value.
func (w *walker) warn(n node, format string, args ...any) {
	w.warnf(n.at, n.ptr, format, args...)
}

// broken reports what the parser stumbled over.
func (w *walker) broken(err error) {
	line, col := 1, 1
	text := err.Error()
	if n, _ := fmt.Sscanf(text, "hujson: line %d, column %d:", &line, &col); n == 2 {
		text = strings.SplitN(text, ": ", 3)[2]
	}
	w.errorf(w.lines.offset(line, col), "", "the JSON is broken here: %s", slip(text))
}

// slip puts what the parser says about the usual slips of the pen into our words.
// Others are reported in the parser's.
func slip(text string) string {
	for _, s := range [...]struct{ sign, words string }{
		{"unexpected EOF", "the file ends without a value"},
		{"after object value", "a comma is missing before this"},
		{"after array value", "a comma is missing before this"},
		{"after object name", "a colon is missing between the key and this"},
		{"at start of value", "a value is missing before this"},
		{"at start of object name", "a key in double quotes is missing before this"},
		// The parser repeats the literal, which may be a secret without its quotes.
		{"invalid literal", "JSON does not write a number like this; text is written in double quotes"},
	} {
		if strings.Contains(text, s.sign) {
			return s.words
		}
	}
	return text
}

// object checks that n is an object with none but the table's keys, each at
// most once. For anything else ok is false and the mistake is noted; an
// unknown key is noted and left out.
func (w *walker) object(n node, t table) (o object, ok bool) {
	obj, ok := n.value.(*hujson.Object)
	if !ok {
		w.fail(n, "an object { … } is expected here, not %s", kind(n))
		return o, false
	}
	o = object{node: n, members: map[string]node{}, keys: map[string]int{}}
	for i := range obj.Members {
		if len(w.problems) == maxProblems {
			break // to search for the nearest key takes time that nobody would thank us for
		}
		w.member(o, &obj.Members[i], t)
	}
	return o, true
}

func (w *walker) member(o object, m *hujson.ObjectMember, t table) {
	lit, _ := m.Name.Value.(hujson.Literal)
	key := lit.String()
	name := node{at: m.Name.StartOffset, ptr: o.ptr + "/" + escape(key)}
	if first, twice := o.keys[key]; twice {
		line, col := w.lines.place(first)
		w.fail(name, "this key was given before, in line %d, column %d", line, col)
		return
	}
	o.keys[key] = name.at
	if !t.has(key) {
		w.fail(name, "%s", unknown(key, t))
		return
	}
	v := node{value: m.Value.Value, at: m.Value.StartOffset, ptr: name.ptr}
	if kindOf(v) != 'n' {
		o.members[key] = v
	}
}

// list returns the elements of a list.
func (w *walker) list(n node) (elements []node, ok bool) {
	arr, ok := n.value.(*hujson.Array)
	if !ok {
		w.fail(n, "a list [ … ] is expected here, not %s", kind(n))
		return nil, false
	}
	for i, e := range arr.Elements {
		elements = append(elements, node{value: e.Value, at: e.StartOffset, ptr: fmt.Sprintf("%s/%d", n.ptr, i)})
	}
	return elements, true
}

// several returns the elements of a list; a single text needs no brackets.
func (w *walker) several(n node) (elements []node, ok bool) {
	if kindOf(n) == '"' {
		return []node{n}, true
	}
	return w.list(n)
}

// escape makes a key a part of a JSON pointer ([RFC 6901] section 3).
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// kindOf is the first byte of the value's grammar; see [hujson.Kind].
func kindOf(n node) hujson.Kind {
	if n.value == nil {
		return 0
	}
	return n.value.Kind()
}

// kind names what a value is, for a sentence.
func kind(n node) string {
	switch kindOf(n) {
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "nothing"
}
