package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"streampump/access"
	"streampump/cmd/internal/cli"
)

// feed runs the program in this process with something on its standard input.
func feed(t *testing.T, stdin io.Reader, args ...string) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), newRootCommand(env{stdin: stdin, stdout: &stdout, stderr: &stderr}), args, &stderr)
	return output{code, stdout.String(), stderr.String()}
}

func text(s string) io.Reader { return strings.NewReader(s) }

func TestPasswd(t *testing.T) {
	both := feed(t, text("geheim\n"), "passwd", "anna")
	lines := strings.Split(strings.TrimSpace(both.stdout), "\n")
	if both.code != cli.ExitOK || both.stderr != "" || len(lines) != 2 || lines[0] != access.NewDigest(access.DigestMD5, "anna", "Stream Pump", "geheim") ||
		lines[1] != access.NewDigest(access.DigestSHA256, "anna", "Stream Pump", "geheim") {
		t.Errorf("%+v", both)
	}
	feed(t, text("geheim"), "passwd", "anna", "--kind", "md5").want(t, cli.ExitOK, lines[0]+"\n", "")
	feed(t, text("geheim\r\n"), "passwd", "anna", "-k", "sha256").want(t, cli.ExitOK, lines[1]+"\n", "")
	if o := feed(t, text("geheim\n"), "passwd", "anna", "--kind", "basic"); !regexp.MustCompile(`^anna:\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]{22}\$[^$]{43}\n$`).MatchString(o.stdout) || o.code != cli.ExitOK {
		t.Errorf("%+v", o)
	}
	for _, c := range []struct {
		stdin, args string
		code        int
		want        string
	}{
		{"", "passwd anna", cli.ExitFailed, "stream-pump: standard input is empty\n"},
		{"\n", "passwd anna", cli.ExitFailed, "stream-pump: the password is empty\n"},
		{strings.Repeat("x", maxSecretLine+1), "passwd anna", cli.ExitFailed, "stream-pump: the line on standard input is longer than 4096 bytes\n"},
		{"geheim", "passwd an:na", cli.ExitUsage, "stream-pump: an account's name may have no colon, quote, backslash or control character\nTry 'stream-pump passwd --help'.\n"},
		{"geheim", "passwd anna --realm a:b", cli.ExitUsage, "stream-pump: a realm is a text of ASCII characters without colon, quote and backslash\nTry 'stream-pump passwd --help'.\n"},
		{"geheim", "passwd anna --kind plain", cli.ExitUsage, "stream-pump: --kind \"plain\" is none of digest, md5, sha256 and basic\nTry 'stream-pump passwd --help'.\n"},
		{"geheim", "passwd", cli.ExitUsage, "stream-pump: NAME is missing\nTry 'stream-pump passwd --help'.\n"},
	} {
		feed(t, text(c.stdin), strings.Fields(c.args)...).want(t, c.code, "", c.want)
	}
}

// terminal is the two ends of a terminal: the one that types, and the program's.
func terminal(t *testing.T) (types, is *os.File) {
	t.Helper()
	types, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this system gives no terminals: ", err)
	}
	t.Cleanup(func() { _ = types.Close() })
	fd := int(types.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	is, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = is.Close() })
	return types, is
}

// On a terminal the password is asked for twice, and does not show.
func TestPasswdOnATerminal(t *testing.T) {
	for typed, want := range map[string]output{
		"geheim\ngeheim\n": {cli.ExitOK, access.NewDigest(access.DigestMD5, "anna", "r", "geheim") + "\n", "Password for anna: \nThe same again: \n"},
		"geheim\nGeheim\n": {cli.ExitFailed, "", "Password for anna: \nThe same again: \nstream-pump: the two are not the same\n"},
	} {
		types, is := terminal(t)
		before, err := unix.IoctlGetTermios(int(is.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := types.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		if got := feed(t, is, "passwd", "anna", "--kind", "md5", "--realm", "r"); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if after, err := unix.IoctlGetTermios(int(is.Fd()), unix.TCGETS); err != nil || *after != *before {
			t.Errorf("the terminal is not as it was: %v", err)
		}
	}
}

const tokenConfig = `{
  "view": {"token_keys": [{"id": "new", "secret": "0123456789abcdef0123456789abcdef"}, {"id": "old", "secret": "fedcba9876543210fedcba9876543210"}]},
  "streams": [{"type": "mmsh_push", "path": "News"}, {"type": "mmsh_push", "path": "open", "view": {}}],
}`

func TestToken(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "pump.json", tokenConfig)
	args := func(s string) []string { return strings.Fields(s) }
	made := start(t, args("token make pump.json NEWS --for 90m --client anna.7 --network 192.0.2.0/24")...)
	if made.code != cli.ExitOK || made.stderr != "" || !regexp.MustCompile(`^view~news~new~\d{10}~anna\.7~192\.0\.2\.0_24~[\w-]{43}\n$`).MatchString(made.stdout) {
		t.Fatalf("%+v", made)
	}
	lines := regexp.MustCompile(`^to        view\nstream    news\nkey       new\nexpires   \S+Z \(in 1h(30m0|29m\d+)s\)\nclient    anna.7\nfrom      192.0.2.0/24\n$`)
	for _, in := range []string{made.stdout, "mms://pump.example:8086/streams/news?token=" + made.stdout, "  " + made.stdout} {
		if o := feed(t, text(in), "token", "explain"); o.code != cli.ExitOK || !lines.MatchString(o.stdout) {
			t.Errorf("%+v", o)
		}
		o := feed(t, text(in), "token", "verify", "pump.json", "news")
		if said, ok := strings.CutPrefix(o.stdout, "the token is good\n"); o.code != cli.ExitOK || !ok || !lines.MatchString(said) {
			t.Errorf("%+v", o)
		}
	}
	old := start(t, args("token make pump.json news --key old")...)
	if o := feed(t, text(old.stdout), "token", "explain"); !strings.Contains(o.stdout, "key       old\n") || !strings.Contains(o.stdout, "client    nobody in particular\nfrom      anywhere\n") {
		t.Errorf("%+v", o)
	}
	forged := strings.Replace(made.stdout, "anna", "otto", 1)
	for _, c := range []struct{ stdin, args, want string }{
		{forged, "token verify pump.json news", "the token is forged or damaged: its signature does not fit the key \"new\""},
		{made.stdout, "token verify pump.json news --address 198.51.100.1", "the token is for another network, 192.0.2.0/24"},
		{made.stdout, "token verify pump.json open", `pump.json has no "token_keys" in the group "view" that holds for the stream "open"`},
		{made.stdout, "token verify pump.json news --publish", `pump.json has no "token_keys" in the group "publish" that holds for the stream "news"`},
		{"", "token make pump.json nothing", `pump.json has no stream "nothing"`},
		{"", "token make pump.json news --key k9", `there is no key "k9" here; there are new, old`},
		{"mms://pump/x?y=1", "token explain", "the address has no ?token="},
		{"what", "token explain", "this is no token: it should have 7 fields with ~ between them, and has 1"},
		{"", "token explain", "standard input is empty"},
	} {
		feed(t, text(c.stdin), args(c.args)...).want(t, cli.ExitFailed, "", "stream-pump: "+c.want+"\n")
	}
	for args, want := range map[string]string{
		"token":                                     "make, explain or verify is missing\nTry 'stream-pump token --help'.",
		"token make pump.json":                      "STREAM is missing\nTry 'stream-pump token make --help'.",
		"token make pump.json news --for 0s":        "--for takes a time above 0, as in 90m or 24h\nTry 'stream-pump token make --help'.",
		"token make pump.json news --client a@b":    "--client: a client id has at most 64 letters, digits, dots, _ and -\nTry 'stream-pump token make --help'.",
		"token make pump.json news --network here":  "--network: \"here\" is not a network, such as 192.0.2.0/24 or 2001:db8::/32, or an IP address\nTry 'stream-pump token make --help'.",
		"token verify pump.json news --address her": "--address \"her\" is not an IP address\nTry 'stream-pump token verify --help'.",
		"token verify - news":                       "the configuration cannot come from standard input: the token does\nTry 'stream-pump token verify --help'.",
	} {
		start(t, strings.Fields(args)...).want(t, cli.ExitUsage, "", "stream-pump: "+want+"\n")
	}
}
