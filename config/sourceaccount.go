package config

import (
	"errors"
	"strings"
)

// account reads what a source is told if it asks who we are, where that is not in the url.
func (w *walker) account(o object, s *Stream) {
	user, named := o.get("user")
	inline, isInline := o.get("password")
	file, isFile := o.get("password_file")
	blame := user
	switch {
	case named:
	case isInline:
		blame = inline
	case isFile:
		blame = file
	default:
		return
	}
	switch {
	case s.Pull.User != "":
		w.fail(blame, `give a user name and a password either in the "url" or as "user" and "password", not both`)
		return
	case !named:
		w.fail(blame, `a password needs a "user"`)
		return
	case isInline && isFile:
		w.fail(file, `give either "password" or "password_file", not both`)
		return
	}
	ok := false
	if s.Pull.User, ok = w.filled(user); !ok {
		return
	}
	switch {
	case isInline:
		s.Pull.Password, ok = w.text(inline)
		w.inline = append(w.inline, inline)
	case isFile:
		s.Pull.Password, ok = w.passwordFile(file, s.Enabled)
	}
	if err := checkAccount(s.Pull.User, s.Pull.Password); ok && err != nil {
		w.fail(blame, "%v", err)
	}
}

// passwordFile reads a file that holds a password, with or without the end of its line.
func (w *walker) passwordFile(n node, open bool) (password string, ok bool) {
	path, ok := w.file(n)
	if !ok || !open {
		return "", ok
	}
	text, err := w.secretFile(n, path, maxSecretFile)
	if err != nil {
		w.streamf(n.at, n.ptr, "the file %s %v", quote(path), err)
		return "", false
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), true
}

// checkAccount says why a source cannot be told a name and a password ([RFC 7617] 2,
// [RFC 7616] 3.4).
func checkAccount(user, password string) error {
	switch {
	case strings.Contains(user, ":"):
		return errors.New("a user name cannot contain a colon")
	case strings.ContainsFunc(user+password, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("a user name or a password cannot contain a control character")
	}
	return nil
}
