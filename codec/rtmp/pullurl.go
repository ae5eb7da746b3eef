package rtmp

import (
	"fmt"
	"strings"

	"streampump/codec/address"
)

// URL is where a source is: the parts of an rtmp:// address, or with TLS of an rtmps://
// address.
type URL struct {
	address.URL
	// cut is where the application ends in a Path that was put together of one and a name,
	// behind the first slash; 0: that is seen from the Path.
	cut int
}

// scheme is what these addresses have in common.
var scheme = &address.Scheme{
	Plain: []string{"rtmp"}, Secure: []string{"rtmps"}, Port: 1935, SecurePort: 443,
	User:   "go into its query as the source wants them, for MediaMTX as ?user=NAME&pass=PASSWORD",
	Secret: true,
}

// NewURL is the address of a source; port 0 is the usual one. The path is sent as it is, with
// its query. The error is an operator's sentence.
func NewURL(host string, port uint16, path string, tls bool) (URL, error) {
	u := address.URL{Scheme: scheme, Host: host, Port: port, Path: path, TLS: tls}
	return named(u, u.Check())
}

// ParseURL reads a source's address. The error is an operator's sentence, which shows
// neither a password nor a token. A user name and a password are refused: RTMP has no
// place for them but the query, which each kind of server reads in its own way.
func ParseURL(s string) (URL, error) { return named(scheme.Parse(s)) }

// named is an address that has been looked at, if it names an application.
func named(a address.URL, err error) (URL, error) {
	u := URL{URL: a}
	if err != nil {
		return u, err
	}
	if app, _ := divide(u); unasked(app) == "" {
		return u, fmt.Errorf("the path %q names no application: a stream's path is /APPLICATION/NAME", scheme.Shown(u.Path))
	}
	return u, nil
}

// tcURL is the address of an application as connect has it. All clients write the port.
func tcURL(u URL, app string) string { return u.Name() + u.HostPort() + "/" + app }

// divide is the path as a server is told it: the application, and the name of the stream in
// it, which is the last segment with the query. A path of one segment is an application
// whose stream has an empty name, and MediaMTX, which joins the two, finds a query only
// if it is in what is not empty.
//
//	/live/x?k=1       live, x?k=1
//	/live             live, nothing
//	/a/b/x            a/b, x
//	/live?k=1/x       live?k=1, x
//	/vod/mp4:a/b.mp4  vod, mp4:a/b.mp4
func divide(u URL) (app, name string) {
	path := strings.TrimPrefix(u.Target(), "/")
	if u.cut > 0 && u.cut < len(path) {
		return path[:u.cut], path[u.cut+1:]
	}
	before, query, _ := strings.Cut(path, "?")
	at := nameAt(before)
	if i := strings.IndexByte(query, '/'); at < 0 && i >= 0 {
		at = len(before) + len("?") + i
	}
	if at < 0 {
		return path, ""
	}
	return path[:at], path[at+1:]
}

// nameAt is where the slash before a stream's name is in a path without its query; -1 if
// there is none. A name that begins with the kind of a file may have slashes itself.
func nameAt(path string) int {
	for _, kind := range [...]string{"/mp4:", "/flv:", "/mp3:"} {
		if i := strings.Index(path, kind); i >= 0 {
			return i
		}
	}
	return strings.LastIndexByte(path, '/')
}

// follow is where a source sends us that names an application, under which the stream has
// the same name as here, or the whole address of a stream. Some write the latter where the
// former belongs. An application may have a query of its own. A user name is not used.
func follow(u URL, application, whole string) (URL, error) {
	location := application
	if whole != "" {
		location = whole
	}
	to, err := named(u.Follow(location))
	if err != nil || whole != "" {
		return to, err
	}
	_, name := divide(u)
	if _, there := divide(to); name == "" || there != "" && unasked(there) == unasked(name) {
		return to, nil
	}
	app := strings.TrimSuffix(to.Target(), "/")
	to.Path, to.cut = app+"/"+name, len(app)-1
	return to, nil
}

// unasked is a name without its query.
func unasked(name string) string {
	name, _, _ = strings.Cut(name, "?")
	return name
}
