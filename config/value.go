package config

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tailscale/hujson"
)

// text returns a string. A number is taken as it is written: a stream named
// 2024 needs no quotes.
func (w *walker) text(n node) (string, bool) {
	lit, ok := n.value.(hujson.Literal)
	if k := kindOf(n); !ok || k != '"' && k != '0' {
		w.fail(n, "text in double quotes is expected here, not %s", kind(n))
		return "", false
	}
	s := lit.String()
	if strings.IndexFunc(s, unicode.IsControl) >= 0 {
		w.fail(n, "this text contains a control character")
		return "", false
	}
	return s, true
}

// filled returns a string that is not empty.
func (w *walker) filled(n node) (string, bool) {
	s, ok := w.text(n)
	if ok && strings.TrimSpace(s) == "" {
		w.fail(n, "this text is empty")
		return "", false
	}
	return s, ok
}

// boolean returns a truth value; "true" and "false" in quotes are good too.
func (w *walker) boolean(n node) (value, ok bool) {
	lit, isLit := n.value.(hujson.Literal)
	if isLit {
		switch strings.ToLower(lit.String()) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	w.fail(n, "true or false is expected here, not %s", shown(n))
	return false, false
}

// integer returns a whole number within bounds, written as one or as a text.
func (w *walker) integer(n node, lo, hi int64) (int64, bool) {
	f, ok := number(n)
	switch {
	case !ok || f != math.Trunc(f):
		w.fail(n, "a whole number is expected here, not %s", shown(n))
		return 0, false
	case f < float64(lo) || f > float64(hi):
		w.fail(n, "the number must be between %d and %d, not %s", lo, hi, literal(n))
		return 0, false
	}
	return int64(f), true
}

// seconds returns a time, given as a number of seconds or as a text such as
// "1m30s".
func (w *walker) seconds(n node, lo, hi time.Duration) (time.Duration, bool) {
	d, ok := duration(n)
	switch {
	case !ok:
		w.fail(n, `a time is expected here, as a number of seconds or as a text like "10s", "250ms" or "1m30s", not %s`, shown(n))
		return 0, false
	case d < float64(lo) || d > float64(hi):
		w.fail(n, "the time must be between %s and %s, not %s", timeText(lo), timeText(hi), literal(n))
		return 0, false
	}
	return time.Duration(d), true
}

// duration is a value's length in nanoseconds, however absurd.
func duration(n node) (ns float64, ok bool) {
	if f, ok := number(n); ok {
		return f * float64(time.Second), true
	}
	d, err := time.ParseDuration(strings.TrimSpace(literal(n)))
	return float64(d), err == nil
}

// timeText is a time as an operator writes it: 24h and not 24h0m0s.
func timeText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// bytes returns a number of bytes, given as a number or as a text such as "32MiB".
func (w *walker) bytes(n node, lo, hi int64) (int64, bool) {
	f, ok := size(n)
	switch {
	case !ok || f != math.Trunc(f):
		w.fail(n, `a size is expected here, as a number of bytes or as a text like "64KiB", "32MiB" or "12MB", not %s`, shown(n))
		return 0, false
	case f < float64(lo) || f > float64(hi):
		w.fail(n, "the size must be between %s and %s, not %s", sizeText(lo), sizeText(hi), literal(n))
		return 0, false
	}
	return int64(f), true
}

// size is a value in bytes.
func size(n node) (float64, bool) {
	if f, ok := number(n); ok {
		return f, true
	}
	s := strings.ToLower(strings.TrimSpace(literal(n)))
	for _, u := range units {
		if digits, found := strings.CutSuffix(s, strings.ToLower(u.name)); found {
			f, ok := decimal(strings.TrimSpace(digits))
			return f * float64(u.bytes), ok
		}
	}
	return 0, false
}

// unit is a word behind a size.
type unit struct {
	name  string
	bytes int64
}

// units from large to small, of two kinds: MB is a million bytes, as on a disk,
// and MiB 2^20. "B" must come last, since the others end in it.
var units = [...]unit{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// sizeText is a size in the largest binary unit that divides it.
func sizeText(b int64) string {
	for _, u := range units {
		if binary := u.bytes&(u.bytes-1) == 0; binary && b != 0 && b%u.bytes == 0 {
			return strconv.FormatInt(b/u.bytes, 10) + u.name
		}
	}
	return "0"
}

// bits returns a rate, given as a number of bits a second or as a text such as
// "20Mbit".
func (w *walker) bits(n node, lo, hi int64) (int64, bool) {
	f, ok := rate(n)
	switch {
	case !ok || f != math.Trunc(f):
		w.fail(n, `a rate is expected here, as a number of bits a second or as a text like "500kbit", "20Mbit" or "1.5Gbit", not %s`, shown(n))
		return 0, false
	case f < float64(lo) || f > float64(hi):
		w.fail(n, "the rate must be between %s and %s, not %s", rateText(lo), rateText(hi), literal(n))
		return 0, false
	}
	return int64(f), true
}

// rate is a value in bits a second.
func rate(n node) (float64, bool) {
	if f, ok := number(n); ok {
		return f, true
	}
	s := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(literal(n))), "/s")
	for _, u := range rates {
		if digits, found := strings.CutSuffix(s, strings.ToLower(u.name)); found {
			f, ok := decimal(strings.TrimSpace(digits))
			return math.Round(f * float64(u.bits)), ok
		}
	}
	return 0, false
}

// rates are the words behind a rate, from large to small. "bit" must come last, since
// the others end in it.
var rates = [...]struct {
	name string
	bits int64
}{{"Tbit", 1e12}, {"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

// rateText is a rate in the largest unit that divides it.
func rateText(b int64) string {
	for _, u := range rates {
		if b != 0 && b%u.bits == 0 {
			return strconv.FormatInt(b/u.bits, 10) + u.name
		}
	}
	return "0"
}

// choice returns the place of a value in a list of words.
func (w *walker) choice(n node, words ...string) (int, bool) {
	s, ok := w.text(n)
	if !ok {
		return 0, false
	}
	for i, word := range words {
		if s == word {
			return i, true
		}
	}
	w.fail(n, "%s is unknown here%s; known are %s", quote(s), didYouMean(s, words), strings.Join(words, ", "))
	return 0, false
}

// file returns the name of a file, absolute or relative to where the process runs,
// not to the configuration.
func (w *walker) file(n node) (string, bool) {
	s, ok := w.filled(n)
	if ok && !filepath.IsAbs(s) {
		s = filepath.Join(w.dir, s)
	}
	return s, ok
}

// literal is a number or text as written, without its quotes; empty for others.
func literal(n node) string {
	if lit, ok := n.value.(hujson.Literal); ok {
		return lit.String()
	}
	return ""
}

// shown is how a sentence names a wrong value.
func shown(n node) string {
	switch kindOf(n) {
	case '"':
		return quote(literal(n))
	case '0':
		return literal(n)
	}
	return kind(n)
}

// number is the value of a number, or of a text that is one.
func number(n node) (float64, bool) {
	if k := kindOf(n); k != '"' && k != '0' {
		return 0, false
	}
	return decimal(strings.TrimSpace(literal(n)))
}

// decimal parses a number as JSON writes it. A number too large to be held is
// infinite, so that it fails the check of its range and not of its form.
func decimal(s string) (float64, bool) {
	if l := hujson.Literal(s); l.Kind() != '0' || !l.IsValid() {
		return 0, false
	}
	f, _ := strconv.ParseFloat(s, 64)
	return f, true
}
