//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"streampump/access"
	"streampump/e2e/rig"
	"streampump/engine"
)

// adobeEncoders are encoders that prove a name and a password by the scheme named after Adobe,
// which are in the address, in place of URL. Debian's librtmp is none: it sends what lies in
// its memory behind its proof.
var adobeEncoders = []struct {
	name    string
	command []string
	denied  string // what it says where the password is wrong
}{
	{"ffmpeg", append(append([]string{"ffmpeg"}, filming()...), "-f", "flv", "URL"), "Incorrect username/password"},
	{"gstreamer_rtmp2sink", gstFilm("rtmp2sink", "location=URL"), "wrong credentials"},
}

// pushAdobe starts an encoder with a password.
func pushAdobe(t testing.TB, command []string, url, password string) *program {
	t.Helper()
	need(t, command[0])
	args := append([]string(nil), command[1:]...)
	for i := range args {
		args[i] = strings.Replace(args[i], "URL", strings.Replace(url, "://", "://"+adobeUser+":"+password+"@", 1), 1)
	}
	return start(t, exec.Command(command[0], args...), false)
}

// adobePump is a pump with the stream live, for which encoders need a name and a password.
func adobePump(t testing.TB) *rig.Pump {
	t.Helper()
	return rtmpPump(t, fmt.Sprintf(`"publish": {"users": [%q]},`, access.NewDigest(access.DigestMD5, adobeUser, access.DefaultRealm, adobePassword)))
}

const adobeUser, adobePassword = "anna", "geheim-4"

// TestRTMPAdobe: encoders that have a name and a password in front of the host push, whether
// they say in connect or in publish which stream, and the password is not in the log.
func TestRTMPAdobe(t *testing.T) {
	for _, e := range adobeEncoders {
		for name, end := range map[string]string{"in_publish": "_push", "in_connect": "_push/"} {
			if name == "in_connect" && e.name != "ffmpeg" {
				continue // GStreamer takes no address without a name in publish
			}
			t.Run(e.name+"_"+name, func(t *testing.T) {
				t.Parallel()
				p := adobePump(t)
				x := pushAdobe(t, e.command, rtmpURL(p, "rtmp")+end, adobePassword)
				up(t, p, "live")
				k := rtmpKinds()[0]
				need(t, k.binary)
				w := k.rtmpWatch(t, rtmpURL(p, "rtmp"))
				w.decode(enough)
				w.finish()
				x.interrupt()
				if log := p.Log(); strings.Contains(log, adobePassword) || strings.Contains(log, "response=") {
					t.Errorf("the log has what is secret:\n%s", log)
				}
			})
		}
	}
}

// TestRTMPAdobeDenied: with a wrong password they end, and say why.
func TestRTMPAdobeDenied(t *testing.T) {
	for _, e := range adobeEncoders {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			p := adobePump(t)
			const wrong = "falsch-4"
			x := pushAdobe(t, e.command, rtmpURL(p, "rtmp"), wrong)
			if err := x.end(); err == nil {
				t.Error("it ends as if all were well")
			}
			if said := x.said(); !strings.Contains(said, e.denied) {
				t.Errorf("it says\n%s", said)
			}
			p.Await("the password of the account", "is wrong")
			if strings.Contains(p.Log(), wrong) {
				t.Error("the password is in the log")
			}
			if s := streamOf(p.Status(), "live"); s.State != engine.SourceDown.String() {
				t.Errorf("the stream is %s", s.State)
			}
		})
	}
}
