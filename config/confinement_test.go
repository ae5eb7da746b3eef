package config

import (
	"os"
	"strings"
	"testing"
)

func TestConfinement(t *testing.T) {
	for _, c := range []struct {
		text string
		want Confinement
		says string
	}{
		{`{}`, Confinement{User: "nobody"}, ""},
		{`{"group": ""}`, Confinement{User: "nobody"}, ""},
		{`{"user": "nobody", "sandbox": "required"}`, Confinement{User: "nobody", Sandbox: SandboxRequired}, ""},
		{`{"user": 4123456, "group": 4123457, "sandbox": "off"}`, Confinement{User: "4123456", Group: "4123457", Sandbox: SandboxOff}, ""},
		{`{"user": "root"}`, Confinement{User: "root"}, `c.json:1:10: /user: warning: the pump stays root`},
		{`{"group": "root"}`, Confinement{User: "nobody", Group: "root"}, `c.json:1:11: /group: warning: the pump may read what root's group may`},
	} {
		got, problems := Parse("c.json", []byte(c.text), ".")
		if got == nil || got.Confinement != c.want {
			t.Errorf("%s: %+v, %v", c.text, got, problems)
		}
		if c.says != "" && !strings.HasPrefix(problems[len(problems)-1].String(), c.says) {
			t.Errorf("%s: %v, want %q", c.text, problems, c.says)
		}
	}
	for text, want := range map[string]string{
		`{"user": "no-such-user"}`:    `c.json:1:10: /user: there is no user "no-such-user" on this machine; make one with: useradd`,
		`{"user": " "}`:               `c.json:1:10: /user: this text is empty`,
		`{"user": 4123456}`:           `c.json:1:10: /user: the user 4123456 is not in /etc/passwd, so its group is not known: give "group" too`,
		`{"group": "no-such-group"}`:  `c.json:1:11: /group: there is no group "no-such-group" on this machine; make one with: groupadd`,
		`{"sandbox": "on"}`:           `c.json:1:13: /sandbox: "on" is unknown here; known are auto, required, off`,
		`{"sandbox": true, "port":1}`: `c.json:1:13: /sandbox: text in double quotes is expected here, not true or false`,
	} {
		got, problems := Parse("c.json", []byte(text), ".")
		if got != nil || !strings.HasPrefix(problems[0].String(), want) && !strings.HasPrefix(problems[len(problems)-1].String(), want) {
			t.Errorf("%s: %v, want %q", text, problems, want)
		}
	}
}

// Files with accounts and keys are noted: a reload reads them again.
func TestSecretFilesAreNoted(t *testing.T) {
	dir := t.TempDir()
	c, _ := Parse("c.json", []byte(`{"view": {"token_keys": [{"id": "a", "secret_file": "key"}]}}`), dir)
	if c != nil {
		t.Error("a file that is missing was read")
	}
	if err := os.WriteFile(dir+"/key", []byte(strings.Repeat("k", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := Parse("c.json", []byte(`{"view": {"token_keys": [{"id": "a", "secret_file": "key"}]}}`), dir)
	if c == nil || len(c.Secrets) != 1 || c.Secrets[0] != dir+"/key" {
		t.Errorf("%+v, %v", c, problems)
	}
}
