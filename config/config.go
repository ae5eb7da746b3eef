package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"streampump/access"
	"streampump/engine"
	"streampump/internal/account"
	"streampump/tuning"
)

// Config is a whole configuration, checked. [Default] fills it with what holds if the
// file says nothing.
type Config struct {
	// Listen is where viewers and encoders connect in clear; TLS.Listen is where they
	// connect over TLS, and one of the two may be empty. Each takes every protocol. A port
	// of 0 lets the system choose one. [::] stands for IPv4 as well.
	Listen []netip.AddrPort
	// Engine is ready for the engine, with three exceptions: Engine.Loops and
	// Engine.Backlog.Total are 0 for "auto", and Engine.Processors is empty. The
	// caller fills them with what package tuning says.
	Engine engine.Config
	// Access says who may publish and view. It is not in Engine yet: the caller makes a
	// guard of it where it is not open.
	Access access.Config
	// Pin asks for loops that stay on processors of their own.
	Pin bool
	// FullTo is where viewers are sent for whom there is no room, as written: {path}
	// stands for the stream's path. The streams have it with their own paths.
	FullTo string
	// MaxHead is the longest head of a request that is read, in bytes.
	MaxHead int
	Proxy   Proxy
	TLS     TLS
	Admin   Admin
	Log     Log
	Streams []Stream // in the order of the file, disabled ones included
	// Confinement is whom the process becomes, and what it gives up.
	Confinement Confinement
	// Secrets are the files with accounts and keys of tokens that were read.
	Secrets []string
}

// Proxy is the HTTP proxy through which pulls go.
type Proxy struct {
	Address string // host:port; empty means that no proxy is used
	// Local says that the proxy is used for local addresses too.
	Local bool
}

// Admin is the listener for the status page and profiles.
type Admin struct {
	Enabled bool
	Listen  netip.AddrPort
}

// Log is how the log is written.
type Log struct {
	Level  slog.Level
	Format LogFormat
}

// LogFormat is the form of a log.
type LogFormat string

// The forms of a log.
const (
	LogAuto    LogFormat = "auto"    // LogJournal if standard error leads to the journal, otherwise LogText
	LogJournal LogFormat = "journal" // entries for systemd's journal
	LogText    LogFormat = "text"    // key=value
	LogJSON    LogFormat = "json"    // one JSON object a line
)

// Defaults of what is not the engine's.
const (
	defaultPort      = 8086
	defaultTLSPort   = 8089 // the original's example
	defaultRTSPPort  = 8554 // what servers take that are not root; 554 is RTSP's own
	defaultRTMPPort  = 1935 // RTMP's own
	defaultProxyPort = 8080 // the original's example
	defaultAdminPort = 8087
	defaultMaxHead   = 16 << 10 // several times what players send, cookies and log lines included
)

// maxFile is the largest configuration that is read. A thousand streams take about
// 200 KB; naming a video by mistake is reported at once.
const maxFile = 4 << 20

// Default is the configuration of an empty file. It has no streams.
func Default() *Config {
	e := engine.DefaultConfig()
	e.Loops = 0
	// What the table of settings says is said only there.
	e.Fanout.NotSentLowat, e.ReadBuffer = tuning.NotSentLowat, tuning.ReadBuffer
	return &Config{
		Listen:  []netip.AddrPort{everywhere(defaultPort)},
		Engine:  e,
		MaxHead: defaultMaxHead,
		Admin:   Admin{Enabled: true, Listen: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), defaultAdminPort)},
		Log:     Log{Level: slog.LevelInfo, Format: LogAuto},

		Confinement: Confinement{User: account.Nobody},
	}
}

// everywhere is the dual-stack address of a port.
func everywhere(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.IPv6Unspecified(), port)
}

// Load reads and checks the configuration in a file. Relative names of files
// in it start at the file's folder. The Config is nil if there is a mistake that
// concerns more than one stream; warnings, and mistakes with
// [Problem.OneStream], leave one that can be served.
func Load(path string) (*Config, []Problem) {
	src, st, err := read(path)
	if err != nil {
		return nil, []Problem{{File: path, Text: err.Error()}}
	}
	return parseFile(path, src, filepath.Dir(path), st)
}

// Read is Load for a configuration that is not in a file. The name appears in the
// problems; relative names of files start at the folder dir.
func Read(r io.Reader, name, dir string) (*Config, []Problem) {
	src, err := bounded(r)
	if err != nil {
		return nil, []Problem{{File: name, Text: err.Error()}}
	}
	return Parse(name, src, dir)
}

// Parse checks the configuration in src, which it does not keep or change. The name
// appears in the problems; relative names of files start at the folder dir.
func Parse(name string, src []byte, dir string) (*Config, []Problem) {
	return parseFile(name, src, dir, nil)
}

// Partial is what could be read of the configuration in a file in spite of its mistakes,
// for a look at the files that it names. It must not be served. It is nil if nothing could
// be read.
func Partial(path string) *Config {
	src, st, err := read(path)
	if err != nil {
		return nil
	}
	c, _ := walk(path, src, filepath.Dir(path), st)
	return c
}

// parseFile is Parse for what was read from a file; st is nil if that is none.
func parseFile(name string, src []byte, dir string, st os.FileInfo) (*Config, []Problem) {
	c, w := walk(name, src, dir, st)
	if w.fatal {
		c = nil
	}
	return c, w.sorted()
}

// walk is the same, but leaves what could be read.
func walk(name string, src []byte, dir string, st os.FileInfo) (*Config, *walker) {
	w := &walker{dir: dir, report: report{file: name, size: len(src), lines: newLines(src)}}
	root, ok := w.syntax(src)
	if !ok {
		return nil, w
	}
	c := w.root(root)
	c.Secrets = w.secrets
	w.openSecrets(st)
	return c, w
}

var errFolder = errors.New("is a folder, not a file")

// read returns the bytes of a configuration file; its errors are sentences
// without the file's name. A pipe is welcome: shells make one for <(command). st is
// nil if the system does not tell.
func read(path string) (src []byte, st os.FileInfo, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, plain("cannot be opened", err)
	}
	defer f.Close()
	st, err = f.Stat()
	if err == nil && st.IsDir() {
		return nil, nil, errFolder
	}
	src, err = bounded(f)
	return src, st, err
}

// bounded reads all of a configuration, or says why it cannot be one.
func bounded(r io.Reader) ([]byte, error) {
	src, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, plain("cannot be read", err)
	}
	if len(src) > maxFile {
		return nil, fmt.Errorf("is larger than %d MiB, too large for a configuration", maxFile>>20)
	}
	return src, nil
}

// openRegular opens a regular file for reading, as one that is played again
// and again must be. Anything else is refused before it is opened: opening a
// pipe would wait for its other end.
func openRegular(path string) (*os.File, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, plain("cannot be opened", err)
	case st.IsDir():
		return nil, errFolder
	case !st.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, plain("cannot be opened", err)
	}
	return f, nil
}

// plain is a file system's error as a sentence that does not repeat the name.
func plain(what string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", what, err)
}
