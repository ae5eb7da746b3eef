// Package streampump_test holds the tests about the repository itself: which
// package may import which, what the codecs may not do, and that documents
// tell the truth. The module has no package at its root.
package streampump_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is the path that our own packages begin with.
const module = "streampump/"

// A layer is one row of the rules: what the packages that match may import.
// Patterns are paths without the module, and "x/..." matches x and all below.
type layer struct {
	packages string
	// own are the packages of ours that may be imported directly.
	own []string
	// never are packages of others that may not be reached, not even through
	// our own.
	never []string
	why   string
}

// outside is what bytes-in, bytes-out code has no use for.
var outside = []string{
	"net", "net/http", "os", "os/exec", "os/signal", "syscall", "log", "log/slog", "context", "sync",
	"math/rand", "math/rand/v2", "crypto/rand",
	gnet, "golang.org/x/sys/unix",
}

// gnet drives the event loops; one room of the engine knows it.
const gnet = "github.com/panjf2000/gnet/v2"

// layers are the rules, the first match deciding. A package that no row
// matches fails the test: a new one has to say where it stands.
var layers = []layer{
	{"codec", nil, outside,
		"the contract knows no protocol, socket, goroutine, clock or logger"},
	{"codec/wire/...", nil, outside,
		"bytes to values and back; what they mean is known above"},
	{"codec/amf/...", nil, outside,
		"values of a notation; what they say is known above"},
	{"codec/address", []string{"codec/http1"}, outside,
		"knows addresses and no protocol"},
	{"codec/asf/...", []string{"codec/wire"}, outside,
		"ASF knows nothing of the protocols that carry it"},
	{"codec/flv/...", nil, outside,
		"what a tag holds is known without the protocol that carries it"},
	{"codec/http1/...", []string{"codec/wire"}, outside,
		"HTTP heads know nothing of what rides on them"},
	{"codec/rtp/...", []string{"codec/wire"}, outside,
		"RTP packets and what they carry know nothing of how a stream is asked for"},
	{"codec/sdp/...", []string{"codec/wire"}, outside,
		"a description is text; who sends it is known above"},
	{"codec/proof", []string{"codec", "codec/http1"}, outside,
		"what a request brings to prove who it is from is the same in all protocols that look like HTTP"},
	{"codec/...", []string{"codec", "codec/address", "codec/amf", "codec/asf", "codec/flv", "codec/http1", "codec/proof", "codec/rtp", "codec/sdp", "codec/wire"}, outside,
		"a protocol is bytes in, events and bytes out"},
	{"access/callback", []string{"access"}, []string{"log/slog", "os", gnet},
		"the callback asks a web site, and decides nothing"},
	{"access/...", []string{"codec"}, []string{"net", "net/http", "os", "log/slog", gnet},
		"who may do what is decided without sockets and protocols; what a peer brings is known from the contract"},
	{"engine/ring/...", nil, []string{"net", "net/http", "log/slog", "os"},
		"the backlog knows neither who reads it nor what it holds"},
	{"engine/reason", nil, []string{"net", "log/slog", "os"},
		"the table of reasons is words"},
	{"engine/clock", nil, []string{"net", "log/slog"},
		"the clock knows nothing of what is due"},
	{"engine/notice", nil, []string{"net"},
		"a log's limit knows nothing of who writes"},
	{"engine/settings", []string{"access", "codec"}, []string{"log/slog", "os"},
		"settings are values"},
	{"engine/admission", []string{"engine/reason"}, []string{"log/slog", "os"},
		"the books count; what they mean is known at the door and in the loops"},
	{"engine/trust", []string{"internal/keypair"}, []string{"net/http", "log/slog", gnet},
		"whom a pull believes is certificates and files: who dials and what is said is known above"},
	{"engine/udp", nil, []string{"net", "log/slog", gnet},
		"sockets for datagrams are the system's calls; what comes to them is known above"},
	{"engine/stream", []string{"codec", "engine/clock", "engine/notice", "engine/ring", "engine/settings", "engine/trust", "engine/udp"},
		[]string{gnet},
		"a stream knows of its viewers no more than that there are some: they are the loops'"},
	{"engine/session", []string{"engine/stream"}, []string{gnet},
		"the table of sessions knows no connection"},
	{"engine/loop", []string{
		"access", "codec", "engine/admission", "engine/clock", "engine/notice", "engine/reason", "engine/ring", "engine/secure",
		"engine/session", "engine/settings", "engine/stream",
	}, []string{gnet},
		"a loop is driven from outside, and reaches the kernel through what it is given"},
	{"engine/reactor", []string{"engine/loop", "engine/udp"}, nil,
		"the reactor drives loops and knows no stream"},
	{"engine/secure", nil, []string{"log/slog", "os", gnet},
		"TLS knows neither what it carries nor what becomes of it"},
	{"engine/proxyproto", nil, outside,
		"what a proxy says is bytes; who is believed is known at the door"},
	{"engine/door", []string{"codec", "engine/admission", "engine/proxyproto", "engine/reason", "engine/secure"}, []string{gnet},
		"the door hands connections on and knows no loop"},
	{"engine/internal/...", []string{"codec"}, []string{gnet},
		"what the tests of the rooms share"},
	{"engine/...", []string{"access", "codec", "engine/..."}, []string{"net/http", "encoding/json", "github.com/spf13/cobra"},
		"the engine joins its rooms; it knows the contract and no protocol, which cmd hands in"},
	{"admin/...", []string{"engine"}, []string{"github.com/spf13/cobra"},
		"the admin listener shows the engine's snapshot and knows no protocol"},
	{"bench/report", nil, []string{"net", "net/http"},
		"a page knows neither players nor servers"},
	{"bench/...", []string{"bench/...", "codec", "codec/..."}, []string{gnet},
		"bench is a client of a running pump and knows nothing of its insides"},
	{"internal/keypair", nil, []string{"net/http", "log/slog"},
		"what is in a file is known without what it is for"},
	{"internal/account", nil, []string{"net", "log/slog"},
		"who is a user here is known without what for"},
	{"config/...", []string{"access", "internal/account", "internal/keypair", "engine", "engine/trust", "tuning"}, []string{"github.com/spf13/cobra", "net/http"},
		"the configuration fills the other packages' Config and starts nothing"},
	{"tuning/...", []string{"tuning"}, []string{"net/http", gnet},
		"settings of the machine are known without the engine"},
	{"internal/pki", nil, []string{"net/http", gnet},
		"what tests need of certificates"},
	{"demo", nil, []string{"net", "os"},
		"the clip is bytes; who plays it parses it"},
	{"cmd/internal/confine", []string{"internal/account"}, []string{"log/slog", "net", gnet},
		"what a process gives up is known without what the process does"},
	{"systemd", nil, nil,
		"the unit knows the command line only"},
	{"packaging/...", []string{"packaging/..."}, []string{"net", gnet},
		"what is shipped is known from the tree and the programs, not from their insides"},
	{"cmd/...", []string{"..."}, nil,
		"cmd chooses and joins everything"},
	{"e2e/...", []string{"..."}, nil,
		"the end-to-end tests use whatever they need"},
}

// onlyIn are libraries of others that have a home, so that changing one changes
// one package.
var onlyIn = []struct {
	library string
	homes   []string
	why     string
}{
	{gnet, []string{"engine/reactor"}, "event loops belong to the reactor"},
	{"github.com/valyala/bytebufferpool", []string{"engine/ring"}, "packet memory belongs to the backlog"},
	{"github.com/spf13/cobra", []string{"cmd/..."}, "the command line belongs to cmd"},
	{"github.com/tailscale/hujson", []string{"config/..."}, "the configuration's syntax belongs to config"},
	{"github.com/HdrHistogram/hdrhistogram-go", []string{"bench/..."}, "distributions are made where the load is"},
	{"github.com/schollz/progressbar/v3", []string{"cmd/..."}, "what is shown on a terminal belongs to cmd"},
	{"golang.org/x/perf/benchfmt", []string{"bench/..."}, "the form of benchmarks' results belongs to bench"},
	{"github.com/fsnotify/fsnotify", []string{"cmd/internal/certs"}, "who watches files says what a change means"},
	{"github.com/coreos/go-systemd/v22/activation", []string{"cmd/internal/supervisor"}, "one package talks to the service manager"},
	{"golang.org/x/crypto/acme", []string{"cmd/internal/issuance"}, "one package talks to CAs"},
	{"github.com/letsencrypt/pebble/v2/ca", []string{"cmd/internal/issuance/testca"}, "the CA for tests has a home, far from the programs"},
	{"github.com/letsencrypt/pebble/v2/wfe", []string{"cmd/internal/issuance/testca"}, "the CA for tests has a home, far from the programs"},
	{"github.com/klauspost/cpuid/v2", []string{"tuning/..."}, "what the machine is belongs to tuning"},
	{"github.com/vishvananda/netlink", []string{"tuning/..."}, "what the machine is belongs to tuning"},
	{"github.com/google/pprof/driver", []string{"cmd/stream-pump"}, "only the operator's command shows profiles; the driver is large"},
	{"github.com/landlock-lsm/go-landlock/landlock", []string{"cmd/internal/confine"}, "what a process gives up is known in one place"},
	{"github.com/elastic/go-seccomp-bpf", []string{"cmd/internal/confine"}, "what a process gives up is known in one place"},
	{"kernel.org/pub/linux/libs/security/libcap/psx", []string{"cmd/internal/confine"}, "what a process gives up is known in one place"},
	{"golang.org/x/crypto/argon2", []string{"access"}, "how passwords are stored is known in one place"},
	{"github.com/google/pprof/profile", []string{"cmd/...", "engine/internal/labels"}, "what is in a profile is for those who show it"},
}

// graph is what each package imports directly.
type graph map[string][]string

func TestImportsFollowTheLayers(t *testing.T) {
	g := readGraph(t)
	if len(g) == 0 {
		t.Fatal("go list names no package")
	}
	for _, problem := range checkGraph(g) {
		t.Error(problem)
	}
}

// The rules are worth something only if they catch what they forbid.
func TestImportRulesCatch(t *testing.T) {
	cases := []struct {
		name string
		g    graph
		want string
	}{
		{"EngineKnowsProtocol", graph{"streampump/engine": {"streampump/codec/mmsh"}}, "streampump/engine imports streampump/codec/mmsh"},
		{"CodecOpensSocket", graph{"streampump/codec/asf": {"net"}}, "streampump/codec/asf reaches net"},
		{"StreamKnowsLoops", graph{"streampump/engine/stream": {"streampump/engine/loop"}}, "streampump/engine/stream imports streampump/engine/loop"},
		{"DoorKnowsLoops", graph{"streampump/engine/door": {"streampump/engine/loop"}}, "streampump/engine/door imports streampump/engine/loop"},
		{"LoopKnowsGnet", graph{"streampump/engine/loop": {gnet}}, "streampump/engine/loop imports " + gnet},
		{"CodecThroughAnother", graph{
			"streampump/codec/mmsh": {"streampump/codec/asf"},
			"streampump/codec/asf":  {"streampump/codec/wire"},
			"streampump/codec/wire": {"os"},
		}, "streampump/codec/mmsh reaches os"},
		{"BenchLooksInside", graph{"streampump/bench/push": {"streampump/engine"}}, "streampump/bench/push imports streampump/engine"},
		{"CommandIsImported", graph{"streampump/admin": {"streampump/cmd/stream-pump/x"}}, "streampump/admin imports streampump/cmd"},
		{"LibraryAwayFromHome", graph{"streampump/admin": {"github.com/panjf2000/gnet/v2"}}, "imports github.com/panjf2000/gnet/v2"},
		{"NewPackage", graph{"streampump/util": nil}, "streampump/util is in no layer"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(checkGraph(c.g), "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want a problem with %q", got, c.want)
			}
		})
	}
}

// readGraph asks the go command for the packages of the module, those behind
// the e2e tag too. A package that does not build yet is listed all the same.
func readGraph(t *testing.T) graph {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-tags", "e2e", "-json=ImportPath,Imports", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatalf("go list answered no JSON: %v", err)
		}
		if strings.HasPrefix(p.ImportPath, module) {
			g[p.ImportPath] = p.Imports
		}
	}
}

// checkGraph returns one sentence for each import that breaks a rule, sorted.
func checkGraph(g graph) []string {
	var problems []string
	for pkg, imports := range g {
		short := strings.TrimPrefix(pkg, module)
		i := slices.IndexFunc(layers, func(l layer) bool { return matches(l.packages, short) })
		if i < 0 {
			problems = append(problems, pkg+" is in no layer: add a row to the table in imports_test.go")
			continue
		}
		problems = append(problems, checkPackage(g, pkg, imports, layers[i])...)
	}
	slices.Sort(problems)
	return problems
}

func checkPackage(g graph, pkg string, imports []string, l layer) []string {
	var problems []string
	for _, to := range imports {
		if short, own := strings.CutPrefix(to, module); own && !matchesAny(l.own, short) {
			problems = append(problems, pkg+" imports "+to+": "+l.why)
		}
		for _, o := range onlyIn {
			if to == o.library && !matchesAny(o.homes, strings.TrimPrefix(pkg, module)) {
				problems = append(problems, pkg+" imports "+to+": "+o.why)
			}
		}
	}
	reached := reach(g, pkg)
	for _, never := range l.never {
		if via, bad := reached[never]; bad {
			problems = append(problems, pkg+" reaches "+never+" (imported by "+via+"): "+l.why)
		}
	}
	return problems
}

// reach walks from pkg through our own packages only (fmt itself reaches os)
// and says for each package reached which of ours imports it.
func reach(g graph, pkg string) map[string]string {
	reached := map[string]string{}
	for next := []string{pkg}; len(next) > 0; {
		from := next[0]
		next = next[1:]
		for _, to := range g[from] {
			if _, seen := reached[to]; seen {
				continue
			}
			reached[to] = from
			if strings.HasPrefix(to, module) {
				next = append(next, to)
			}
		}
	}
	return reached
}

func matchesAny(patterns []string, short string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, short) })
}

func matches(pattern, short string) bool {
	if pattern == "..." {
		return true
	}
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return short == tree || strings.HasPrefix(short, tree+"/")
	}
	return short == pattern
}
