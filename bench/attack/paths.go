package attack

import (
	"fmt"
	"strings"
)

// paths are targets that lead out of what a pump serves, that are spelled oddly, or
// that are none.
func paths() []Shape {
	var list []Shape
	for _, target := range []string{
		"/../../../../etc/passwd", "/streams/../../../../etc/passwd", "/streams/..", "/streams/.", "/./streams/x", "/streams/./x",
		"{view}/..", "{view}/../x", "/streams//x", "//etc/passwd", "/streams/%2e%2e/%2e%2e/etc/passwd", "/streams/..%2f..%2fetc%2fpasswd",
		"/streams/%252e%252e%252fetc", "/streams/..%5c..%5cetc", `/streams\..\..\etc\passwd`, `/streams/..\x`, "/streams/%00", "{view}%00", "{view}%00.asx",
		"{view}%0d%0aX-Injected:1", "{view}%20", "{view}.", "{view};x=y", "{view},", "{view}:80", "{view}~", "{view}$", "{view}%", "{view}%z1", "{view}%u002e",
		"/streams/%c0%ae%c0%ae/etc/passwd", "/streams/%e0%80%ae", "/streams/%ff%fe", "/streams/\xc0\xae", "/streams/\xff\xfe", "/streams/ÄÖ",
		"/streams/" + strings.Repeat("a", 12_000), "/streams/" + strings.Repeat("../", 4000), "/" + strings.Repeat("%2e", 4000), strings.Repeat("/", 12_000),
		"/status", "/viewers", "/healthz", "/debug/pprof/heap", "/debug/rates", "/proc/self/environ", "/.git/config", "/streams", "/streams/", "/streams/_push",
		"http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:8087/status", "ftp://x/y", "/streams/x?" + strings.Repeat("token=a&", 1000), "/streams/x?token=%00%ff~~~~~~",
	} {
		list = append(list, Shape{Name: name("GET", target), Send: get(target), Want: "404", Hides: "root:"})
	}
	for _, target := range []string{"streams/x", "x", "..", "\\", "*x", "://", "?x", "#x", ":80", "file:/etc/passwd", "\xff"} {
		list = append(list, Shape{Name: name("GET", target), Send: get(target), Want: "400|404", Hides: "root:"})
	}
	for _, path := range []string{"{push}/../other_push", "/streams/_push", "/streams/%2e%2e_push", "{push}%00", "/streams/..%2fother_push", "/other_push"} {
		list = append(list, Shape{Name: name("PushSetup", path), Send: fmt.Sprintf(setupText, path, "{host}") + "GET / HTTP/0.9\r\n\r\n", Want: "404"})
	}
	return list
}

// name is what a shape is called.
func name(method, target string) string { return fmt.Sprintf("%s %.40q", method, target) }
