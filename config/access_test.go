package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"streampump/access"
)

// Secrets of these tests. No problem may show one.
const (
	longSecret = "0123456789abcdef0123456789abcdef"
	ha1        = "939e7578ed9e3c518a452acee763bce9"
	argonLine  = "otto:$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$ZVrRXqxlLcWfcXCnMyv0m4Rpvh/bnCi7"
)

// vault is a folder with files of secrets.
func vault(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"users.txt": "# who may\n\nanna:Stream Pump:" + ha1 + "\nanna:Stream Pump:" + ha1 + ha1 + "\n", "token.key": longSecret + "\n",
		"empty.txt": "# nobody yet\n", "bad.txt": "anna:Stream Pump:" + ha1 + "\n\notto:geheim\n", "long.key": strings.Repeat("x", maxSecretFile+1),
	} {
		write(t, filepath.Join(dir, name), text)
	}
	write(t, filepath.Join(dir, "open.key"), longSecret)
	if err := os.Chmod(filepath.Join(dir, "open.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAccessRules(t *testing.T) {
	c, ps := Parse("pump.json", []byte(`{
  "publish": {"networks": "192.0.2.0/24", "users_file": "users.txt"},
  "view": {"trusted_networks": ["10.0.0.0/8", "::1"], "token_keys": [{"id": "a", "secret_file": "token.key"}, {"id": "b", "secret": "`+longSecret+`"}], "pump_clients": "edge.1"},
  "streams": [
    {"type": "mmsh_push", "path": "Own", "view": {"users": ["anna:r:`+ha1+`"]}, "publish": {}},
    {"type": "mmsh_push", "path": "plain"},
    {"type": "mmsh_push", "path": "off", "enabled": false, "view": {"users_file": "none.txt", "token_keys": [{"id": "x", "secret_file": "none.key"}]}},
  ],
}`), vault(t))
	if len(ps) > 0 {
		t.Fatal(text(ps))
	}
	publish, view := c.Access.Default[access.Publish], c.Access.Default[access.View]
	if len(publish.Networks) != 1 || len(publish.Accounts) != 2 || publish.Accounts[1].Kind != access.DigestSHA256 || publish.Keys != nil {
		t.Errorf("publish is %+v", publish)
	}
	if len(view.Trusted) != 2 || len(view.Keys) != 2 || view.Keys[0].Secret.Reveal() != longSecret || view.Keys[1].ID != "b" || len(view.Pumps) != 1 {
		t.Errorf("view is %+v", view)
	}
	d := good(t, `{"view": {"callback": {"url": "https://example.org/may?key=1"}}, "streams": [{"type": "mmsh_push", "path": "a", "view": {"callback": {"url": "http://h", "timeout": 1, "when_down": "allow"}}}]}`)
	if got := *d.Access.Default[access.View].Callback; got != (access.Callback{URL: "https://example.org/may?key=1", Timeout: 3 * time.Second}) || d.Access.Open() || d.Engine.Reserved != 2*access.CallbackDescriptors {
		t.Errorf("the callback is %+v, with %d descriptors", got, d.Engine.Reserved)
	}
	if got := *d.Access.Streams["a"].View.Callback; got != (access.Callback{URL: "http://h", Timeout: time.Second, AllowWhenDown: true}) {
		t.Errorf("the callback is %+v", got)
	}
	own := c.Access.Streams["own"]
	if len(c.Access.Streams) != 1 || own.View == nil || len(own.View.Accounts) != 1 || own.Publish == nil || !own.Publish.Open() {
		t.Errorf("streams are %+v", c.Access.Streams)
	}
	if c := good(t, `{`+push+`}`); !c.Access.Open() {
		t.Error("without rules it is not open")
	}
	good(t, `{"listen": "127.0.0.1:8086", "view": {"users": ["`+argonLine+`"]}, `+push+`}`) // nobody is on the way
}

func TestAccessMistakes(t *testing.T) {
	group := func(members string) string { return `{"view": {` + members + `}, ` + push + `}` }
	for _, c := range []struct{ name, src, want string }{
		{"network", group(`"networks": ["192.0.2.7/24"]`), `1:24: /view/networks/0: "192.0.2.7/24" has bits behind its prefix; the network is 192.0.2.0/24`},
		{"network_alone", group(`"trusted_networks": "here"`), `1:31: /view/trusted_networks: "here" is not a network, such as 192.0.2.0/24 or 2001:db8::/32, or an IP address`},
		{"user", group(`"users": ["anna:geheim"]`), `1:21: /view/users/0: the password of the account "anna" is not hashed: a line is NAME:REALM:HASH or NAME:$argon2id$…, as stream-pump passwd makes it`},
		{"user_twice", group(`"users": ["anna:r:` + ha1 + `", "anna:r:` + ha1 + `"]`), `1:64: /view/users/1: the account "anna" has a password for Digest with MD5 already`},
		{"realms", group(`"users": ["anna:r:` + ha1 + `", "otto:s:` + ha1 + `"]`), `1:64: /view/users/1: the realm "s" of the account "otto" is not that of the others, "r": a peer is told one only`},
		{"users_missing", group(`"users_file": "none.txt"`), `1:25: /view/users_file: the file "$/none.txt" cannot be opened: no such file or directory`},
		{"users_empty", group(`"users_file": "empty.txt"`), `1:25: /view/users_file: the file "$/empty.txt" has no accounts, so that it would keep nobody out`},
		{"users_bad", group(`"users_file": "bad.txt"`), `1:25: /view/users_file: the file "$/bad.txt", line 3: the password of the account "otto" is not hashed: a line is NAME:REALM:HASH or NAME:$argon2id$…, as stream-pump passwd makes it`},
		{"key_id", group(`"token_keys": [{"secret": "` + longSecret + `"}]`), `1:26: /view/token_keys/0: this key has no "id", which tokens name it by`},
		{"key_bad_id", group(`"token_keys": [{"id": "a~b", "secret": "` + longSecret + `"}]`), `1:33: /view/token_keys/0/id: an id has 1 to 32 letters, digits, _ and -`},
		{"key_without", group(`"token_keys": [{"id": "a"}]`), `1:26: /view/token_keys/0: a key needs either "secret" or "secret_file"`},
		{"key_both", group(`"token_keys": [{"id": "a", "secret": "x", "secret_file": "token.key"}]`), `1:26: /view/token_keys/0: a key needs either "secret" or "secret_file"`},
		{"key_short", group(`"token_keys": [{"id": "a", "secret": "geheim"}]`), `1:48: /view/token_keys/0/secret: the secret of the key "a" has 6 characters, and needs 16 at least; make one with: openssl rand -base64 32`},
		{"key_twice", group(`"token_keys": [{"id": "a", "secret": "` + longSecret + `"}, {"id": "a", "secret_file": "token.key"}]`), `1:85: /view/token_keys/1: there are two keys with the id "a"`},
		{"key_large", group(`"token_keys": [{"id": "a", "secret_file": "long.key"}]`), `1:53: /view/token_keys/0/secret_file: the file "$/long.key" is larger than 4KiB`},
		{"pump_clients", group(`"pump_clients": ["edge.1", "a b"]`), `1:38: /view/pump_clients/1: a client id has at most 64 letters, digits, dots, _ and -`},
		{"callback", group(`"callback": {}`), `1:23: /view/callback: this callback has no "url"`},
		{"callback_url", group(`"callback": {"url": "ftp://h/?geheim"}`), `1:31: /view/callback/url: this is not a web address that begins with "http://" or "https://" and a host`},
		{"callback_user", group(`"callback": {"url": "http://a:geheim@h/"}`), `1:31: /view/callback/url: a user name or password in this address is not sent; a key in its query is`},
		{"callback_time", group(`"callback": {"url": "http://h/", "timeout": "1m"}`), `1:55: /view/callback/timeout: the time must be between 100ms and 5s, not 1m`},
		{"callback_down", group(`"callback": {"url": "http://h/", "when_down": "deny"}`), `1:57: /view/callback/when_down: "deny" is unknown here; known are refuse, allow`},
		{"callback_publish", `{"publish": {"callback": {}}, ` + push + `}`, `1:14: /publish/callback: the key "callback" does not belong here, but in "view"`},
		{"key_word", group(`"token_keys": ["geheimgeheimgeheim"]`), `1:26: /view/token_keys/0: an object { … } is expected here, not a text`},
		{"key_list", group(`"token_keys": [{"id": "a", "secret": ["geheimgeheimgeheim"]}]`), `1:48: /view/token_keys/0/secret: text in double quotes is expected here, not a list`},
		{"key_bare", group(`"token_keys": [{"id": "a", "secret": geheimgeheimgeheim}]`), `1:48: this is not a JSON value: text is written in double quotes`},
		{"key_bare_number", group(`"token_keys": [{"id": "a", "secret": 0geheim}]`), `1:48: this is not a JSON value: text is written in double quotes`},
		{"key_bare_colon", group(`"users": [geheimgeheim:"x"]`), `1:21: this is a key or a text, which is written in double quotes`},
		{"key_place", `{"networks": [], ` + push + `}`, `1:2: /networks: the key "networks" does not belong here, but in "publish"`},
		{"stream", `{"streams": [{"type": "mmsh_push", "path": "live", "view": {"user": []}}]}`, `1:61: /streams/0/view/user: the key "user" is unknown here; did you mean "users"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := vault(t)
			got, ps := Parse("pump.json", []byte(c.src), dir)
			out := strings.ReplaceAll(text(ps), dir, "$")
			if got != nil || out != "pump.json:"+c.want+"\n" {
				t.Errorf("got %swant %s", out, c.want)
			}
			if strings.Contains(out, "geheim") || strings.Contains(out, ha1) {
				t.Errorf("a secret shows: %s", out)
			}
		})
	}
}

// The address of a source may hold secrets too.
func TestSourcesKeepTheirSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"mmsh://anna:geheim@h/x":              `"mmsh://…@h/x" cannot be pulled`,
		"ftp://h/x?a=1&token=geheim&b=2":      `"ftp://h/x?a=1&token=…&b=2" cannot be pulled`,
		"mmsh://anna:gehe im@h/?token=geheim": `"mmsh://…@h/?token=…" cannot be pulled`,
	} {
		_, ps := parse(t, pulled(`"url": "`+in+`"`))
		if out := text(ps); !strings.Contains(out, want) || strings.Contains(out, "geheim") || strings.Contains(out, "gehe im") {
			t.Errorf("%s: %s", in, out)
		}
	}
}

func TestAccessWarnings(t *testing.T) {
	dir := vault(t)
	for _, c := range []struct{ name, src, want string }{
		{"clear_text", `{"view": {"users": ["` + argonLine + `"]}, ` + push + `}`, `1:10: /view: warning: the passwords of accounts with argon2id travel in clear text (Basic) where a peer connects without TLS, and whoever is on the way can read them; those of accounts for Digest do not`},
		{"short", `{"view": {"token_keys": [{"id": "a", "secret": "0123456789abcdef"}]}, ` + push + `}`, `1:48: /view/token_keys/0/secret: warning: the secret of the key "a" has 16 characters only, and whoever guesses it can make tokens; make one with: openssl rand -base64 32`},
		{"open", `{"view": {"token_keys": [{"id": "a", "secret_file": "open.key"}]}, ` + push + `}`, `1:53: /view/token_keys/0/secret_file: warning: the file "$/open.key" holds secrets, and everybody on this machine may read it: chmod o-r`},
		{"pulled", `{"streams": [{"type": "mmsh_pull", "path": "p", "source_options": {"host": "a"}, "publish": {"networks": "::1"}}]}`, `1:93: /streams/0/publish: warning: no encoder can publish a stream of type mmsh_pull, whatever the rules`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ps := Parse("pump.json", []byte(c.src), dir)
			if out := strings.ReplaceAll(text(ps), dir, "$"); got == nil || out != "pump.json:"+c.want+"\n" {
				t.Errorf("got %swant %s", out, c.want)
			}
		})
	}
	// The configuration itself, which must not be open to everybody if it holds secrets.
	path := filepath.Join(dir, "pump.json")
	write(t, path, `{"view": {"token_keys": [{"id": "a", "secret": "`+longSecret+`"}]}, `+push+`}`)
	if _, ps := Load(path); len(ps) > 0 {
		t.Error(text(ps))
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ps := Load(path); !strings.HasSuffix(text(ps), "pump.json:1:48: /view/token_keys/0/secret: warning: this is secret, and everybody on this machine may read the configuration: chmod o-r, or use a file\n") {
		t.Error(text(ps))
	}
}
