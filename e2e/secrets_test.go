//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"streampump/access"
	"streampump/e2e/rig"
	"streampump/engine"
)

// TestPublishersAreAdmitted has ffmpeg push with what is right, in each way that it
// knows, and with what is wrong.
func TestPublishersAreAdmitted(t *testing.T) {
	need(t, "ffmpeg")
	accounts := func(lines ...string) string { return fmt.Sprintf(`"users": ["%s"]`, strings.Join(lines, `", "`)) }
	p := rig.Start(t, rig.Options{Config: fmt.Sprintf(`
		"publish": {"token_keys": [{"id": %q, "secret": %q}]},
		"streams": [
			{"type": "mmsh_push", "path": "token"},
			{"type": "mmsh_push", "path": "basic", "publish": {%s}},
			{"type": "mmsh_push", "path": "digest", "publish": {%s}},
		]`, knownKey, knownSecret, accounts(access.NewArgon2id(knownUser, knownPassword)),
		accounts(access.NewDigest(access.DigestMD5, knownUser, access.DefaultRealm, knownPassword),
			access.NewDigest(access.DigestSHA256, knownUser, access.DefaultRealm, knownPassword)))})
	token := func(life time.Duration) string {
		return "?token=" + access.Token{Role: access.Publish, Stream: "token", Key: knownKey, Expires: time.Now().Add(life), Client: "studio"}.Text(access.NewSecret(knownSecret))
	}
	for _, c := range []struct{ path, right, wrong, client string }{
		{"token", "%s/streams/token_push" + token(time.Hour), "%s/streams/token_push" + token(-time.Hour), "studio"},
		{"basic", knownUser + ":" + knownPassword + "@%s/streams/basic_push", knownUser + ":" + wrongPassword + "@%s/streams/basic_push", knownUser},
		{"digest", knownUser + ":" + knownPassword + "@%s/streams/digest_push", knownUser + ":" + wrongPassword + "@%s/streams/digest_push", knownUser},
	} {
		t.Run(c.path, func(t *testing.T) {
			bad := pushWith(t, "http://"+fmt.Sprintf(c.wrong, p.Addr))
			if err := bad.end(); err == nil {
				t.Errorf("ffmpeg pushes with what is wrong:\n%s", tail(bad.said()))
			}
			good := pushWith(t, "http://"+fmt.Sprintf(c.right, p.Addr))
			p.AwaitStatus(c.path+" is up", func(s engine.Snapshot) bool { return streamOf(s, c.path).PacketsIn > 20 })
			p.Await("encoder is connected", "stream="+c.path+" ", "client="+c.client)
			good.terminate()
			p.Await("encoder is refused", "path="+c.path+" ")
		})
	}
}

// pushWith starts ffmpeg as an encoder.
func pushWith(t testing.TB, url string) *program {
	t.Helper()
	return start(t, exec.Command("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25",
		"-c:v", "wmv2", "-g", "25", "-b:v", "500k", "-f", "asf", url), false)
}

// TestSecretsShowNowhere lets a pump work with known secrets, right and wrong, and
// then looks for them wherever it leaves something: in its log, its status, its
// profiles, its command line and environment, and what it tells peers.
func TestSecretsShowNowhere(t *testing.T) {
	need(t, "curl")
	md5 := access.NewDigest(access.DigestMD5, knownUser, access.DefaultRealm, knownPassword)
	argon := access.NewArgon2id(knownUser, knownPassword)
	p := rig.Start(t, rig.Options{
		Env: []string{"GOTRACEBACK=crash"},
		Config: fmt.Sprintf(`"publish": {"users": [%q]}, "view": {"users": [%q, %q], "token_keys": [{"id": %q, "secret": %q}]},
			"streams": [{"type": "mmsh_push", "path": "live"}]`, md5, md5, argon, knownKey, knownSecret),
	})
	good, late := ticketFor("live", time.Hour), ticketFor("live", -time.Hour)
	forged := strings.Replace(good, "anna", "otto", 1)
	secrets := []string{
		knownPassword, wrongPassword, knownSecret, md5[strings.LastIndex(md5, ":")+1:], argon[strings.LastIndex(argon, "$")+1:],
		good, late, forged, good[strings.LastIndex(good, "~")+1:], "Z2VoZWltLTIw", "ZmFsc2NoLTIw", // what Basic makes of the passwords
	}
	var told strings.Builder
	for _, query := range []string{"", "?token=" + good, "?token=" + late, "?token=" + forged, "?token=" + knownSecret + "&x"} {
		for _, args := range [][]string{
			{}, {"--basic", "-u", knownUser + ":" + knownPassword}, {"--basic", "-u", knownUser + ":" + wrongPassword},
			{"--digest", "-u", knownUser + ":" + knownPassword}, {"--digest", "-u", knownUser + ":" + wrongPassword}, {"-X", "PUT"}, {"-X", "FETCH"},
		} {
			for _, path := range []string{"live", "live.asx", "live_push", "nothing"} {
				// The stream has no source, so that whoever is let in is told so.
				out, _ := exec.Command("curl", append(args, "-sS", "-i", "--max-time", "5", "http://"+p.Addr.String()+"/streams/"+path+query)...).CombinedOutput()
				told.Write(out)
			}
		}
	}
	p.Await("viewer is refused", "the token expired")
	p.Await("viewer is refused", "forged")
	p.Await("viewer is refused", "the password of the account")
	// A pump that pulls from it has a token in its source's address.
	edge := rig.Start(t, rig.Options{Config: fmt.Sprintf(`"timeouts": {"pull_first_retry": "100ms"},
		"streams": [{"type": "mmsh_pull", "path": "good", "source_options": {"url": "mmsh://%s/streams/live?token=%s"}},
			{"type": "mmsh_pull", "path": "late", "source_options": {"url": "mmsh://%s/streams/live?token=%s"}}]`, p.Addr, good, p.Addr, late)})
	edge.Await("source failed", "stream=good", "503")
	edge.Await("source failed", "stream=late", "403")
	places := map[string]string{
		"its log": p.Log(), "what it told peers": told.String(),
		"the log of a pump that pulls": edge.Log(), "the status of a pump that pulls": fetchText(t, "http://"+edge.Admin.String()+"/status"),
	}
	for _, path := range []string{"/status", "/healthz", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/debug/pprof/allocs", "/debug/pprof/cmdline", "/debug/pprof/profile?seconds=1"} {
		places[path] = fetchText(t, "http://"+p.Admin.String()+path)
	}
	for _, file := range []string{"cmdline", "environ", "comm", "status"} {
		text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(p.PID()), file))
		if err != nil {
			t.Fatal(err)
		}
		places["/proc/PID/"+file] = string(text)
	}
	for place, text := range places {
		if len(text) == 0 {
			t.Errorf("there is nothing in %s", place)
		}
		for _, s := range secrets {
			// A playlist is for the player that brought the token.
			if strings.Contains(strings.ReplaceAll(text, "asf?token="+good, ""), s) {
				t.Errorf("%s shows %q", place, s)
			}
		}
	}
	limits, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(p.PID()), "limits"))
	if err != nil || !regexp.MustCompile(`Max core file size\s+[01]\s+[01]\s`).Match(limits) {
		t.Errorf("the pump may leave a core dump (%v):\n%s", err, limits)
	}
}

// fetchText is what an address of the admin listener answers.
func fetchText(t testing.TB, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPageTokens runs the examples of docs/access.md of a web site that makes tokens, each in
// its language.
func TestPageTokens(t *testing.T) {
	page, err := os.ReadFile("../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	network, err := access.ParseNetwork("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ language, binary, prefix, call string }{
		{"python", "python3", "", `print(token(%q, "k1", "news", "anna.7", "192.0.2.0_24"))`},
		{"php", "php", "<?php\n", `echo token(%q, "k1", "news", "anna.7", "192.0.2.0_24"), "\n";`},
		{"javascript", "node", "", `console.log(token(%q, "k1", "news", "anna.7", "192.0.2.0_24"));`},
	} {
		t.Run(c.language, func(t *testing.T) {
			need(t, c.binary)
			m := regexp.MustCompile("(?s)\n```" + c.language + "\n(.*?)```\n").FindSubmatch(page)
			if m == nil {
				t.Fatal("docs/access.md has no such example")
			}
			file := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(file, []byte(c.prefix+string(m[1])+"\n"+fmt.Sprintf(c.call, knownSecret)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			text := strings.TrimSpace(run(t, c.binary, file))
			now := time.Now()
			got, err := access.VerifyToken(text, []access.Key{{ID: "k1", Secret: access.NewSecret(knownSecret)}}, access.View, "news", network.Addr(), now)
			if err != nil || got.Client != "anna.7" || got.Network != network || got.Expires.Sub(now).Round(time.Minute) != 6*time.Hour {
				t.Errorf("it makes %s: %+v, %v", text, got, err)
			}
			if text != (access.Token{Role: access.View, Stream: "news", Key: "k1", Client: "anna.7", Network: network, Expires: got.Expires}).Text(access.NewSecret(knownSecret)) {
				t.Errorf("it makes another token: %s", text)
			}
		})
	}
}
