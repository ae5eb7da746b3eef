package config

import (
	"fmt"
	"slices"
	"strings"
)

// table is one kind of object: its place in the file and the keys it may have.
type table struct {
	name string // as in a sentence; the file itself has none
	keys []string
}

func (t table) has(key string) bool { return slices.Contains(t.keys, key) }

// The tables whose keys are read one by one. Those of the groups are rows in
// settings.go.
func rootTable() table {
	t := table{keys: []string{
		"user", "group", "sandbox",
		"port", "rtsp_port", "rtmp_port", "rtmps_port", "listen", "rtsp_udp", "rtsp_udp_ports",
		"use_http_proxy", "http_proxy_host", "http_proxy_port", "use_proxy_for_local_addresses",
		"redirect_404_to", "redirect_full_to", "proxy_protocol_from",
		"ssl", "ssl_port", "ssl_key", "ssl_cert", "certificates", "ssl_domains", "acme",
		"streams", "admin", "log", publishGroup, viewGroup,
	}}
	for _, g := range groups() {
		t.keys = append(t.keys, g.name)
	}
	return t
}

func certificateTable() table { return table{name: "certificates[]", keys: []string{"cert", "key"}} }

func acmeTable() table {
	return table{name: "acme", keys: []string{"email", "accept_terms", "directory", "ca_file", "folder"}}
}

func adminTable() table { return table{name: "admin", keys: []string{"enabled", "listen"}} }

func logTable() table { return table{name: "log", keys: []string{"level", "format"}} }

func streamTable() table {
	return table{name: "streams[]", keys: []string{
		"name", "enabled", "type", "path", "source_options", "limits", "redirect_full_to", publishGroup, viewGroup,
	}}
}

func roomTable() table {
	return table{name: "streams[].limits", keys: []string{"viewers", "pumps", "bandwidth"}}
}

// The keys of source_options: where a server is, and by what it is judged with TLS.
var pullKeys = []string{"host", "port", "path", "url", "ssl", "ssl_ca", "ssl_name", "ssl_cert", "ssl_key"}

// sourceTable is that of source_options, for streams of some types.
func sourceTable(of ...Type) table {
	t := table{name: "streams[].source_options"}
	for _, typ := range of {
		switch typ {
		case TypeMMSHPull, TypeRTMPPull:
			t.add(pullKeys...)
		case TypeRTSPPull:
			t.add(pullKeys...)
			t.add("user", "password", "password_file")
		case TypeFile:
			t.add("file")
		}
	}
	return t
}

// add adds keys that are not there yet.
func (t *table) add(keys ...string) {
	for _, k := range keys {
		if !t.has(k) {
			t.keys = append(t.keys, k)
		}
	}
}

// tables are all kinds of object that a configuration may hold.
func tables() []table {
	ts := []table{
		rootTable(), certificateTable(), acmeTable(), adminTable(), logTable(),
		streamTable(), sourceTable(types...), roomTable(),
	}
	for _, g := range groups() {
		ts = append(ts, g.table())
	}
	ts = append(ts, accessTables()...)
	return ts
}

// Keys lists every key that a configuration may hold, sorted, as
// "group.key"; an element of a list is written "[]". Documents are checked
// against it.
func Keys() []string {
	var keys []string
	for _, t := range tables() {
		for _, k := range t.keys {
			if t.name != "" {
				k = t.name + "." + k
			}
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// unknown is the sentence on a key that a table does not have.
func unknown(key string, t table) string {
	if t.name == sourceTable().name {
		var others []string
		for _, typ := range types {
			if sourceTable(typ).has(key) {
				others = append(others, string(typ))
			}
		}
		if len(others) > 0 {
			return fmt.Sprintf("the key %s is for streams of type %s, and this one has another type", quote(key), joined(others, " and "))
		}
	}
	if near := nearest(key, t.keys); near != "" {
		return fmt.Sprintf("the key %s is unknown here; did you mean %q?", quote(key), near)
	}
	for _, other := range tables() {
		if other.has(key) {
			return fmt.Sprintf("the key %s does not belong here, but %s", quote(key), other.where())
		}
	}
	return fmt.Sprintf("the key %s is unknown here; known are %s", quote(key), strings.Join(t.keys, ", "))
}

// where says in which part of the file a table's keys belong.
func (t table) where() string {
	switch t.name {
	case "":
		return "at the top of the file"
	case streamTable().name:
		return `in an element of "streams"`
	case certificateTable().name:
		return `in an element of "certificates"`
	case sourceTable().name:
		return `in the "source_options" of a stream`
	case roomTable().name:
		return `in the "limits" of a stream`
	}
	return fmt.Sprintf("in %q", t.name)
}

// didYouMean is the part of a sentence that names the nearest word, if one is near.
func didYouMean(s string, words []string) string {
	if near := nearest(s, words); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// nearest is the word that s was probably meant to be, or empty.
func nearest(s string, words []string) string {
	const longest = 64 // longer ones are no slips of the pen, and cost time
	if len(s) > longest {
		return ""
	}
	s = strings.ReplaceAll(strings.ToLower(s), "-", "_")
	best, least := "", 1+max(1, len(s)/4)
	for _, word := range words {
		if d := distance(s, word); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance counts the letters to add, drop, change or swap with their
// neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			d[i][j] = min(change, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
