package rtsp

import (
	"crypto/md5" //nolint:gosec // Digest needs it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"streampump/bench/rtpsynth"
	"streampump/e2e/rig"
)

// pullRows are about cameras and other servers that the pump pulls from. Each row has a
// camera of its own, which knows a name and a password.
func pullRows() []row {
	return []row{
		{70, "CameraChannels", "a camera that answers with other channels than those asked for is understood", "cameras", pulling, func(k *kit) {
			k.pulls(manner{channel: func(i int) byte { return byte(14 - 4*i) }})
		}},
		{70, "CameraNoChannels", "so is one that names none", "cameras", pulling, func(k *kit) {
			k.pulls(manner{transport: func(byte) string { return "RTP/AVP/TCP;unicast" }})
		}},
		{70, "CameraOneChannel", "and one that names one, and no TCP", "Escam", pulling, func(k *kit) {
			k.pulls(manner{transport: func(first byte) string { return fmt.Sprintf("RTP/AVP;unicast;interleaved=%d", first) }})
		}},
		{71, "InnerHost", "a Content-Base with another host does not lead there", "cameras behind NAT", pulling, innerHost},
		{72, "CameraKeepAlive", "the pump says that it is there within the session's timeout, and needs no answer", "Dahua, Hipcam", pulling, cameraKeepAlive},
		{73, "LateChallenge", "a camera that asks who we are at SETUP only gets an answer", "cameras", pulling, lateChallenge},
		{74, "CameraMoved", "301 and 302 are followed", "RFC 2326, 11.3", pulling, cameraMoved},
		{75, "NoOptions", "a camera that knows no OPTIONS is described all the same", "Foscam", pulling, noOptions},
		{76, "TeardownFirst", "the pump says TEARDOWN before it closes", "cheap cameras", pulling, teardownFirst},
		{77, "Junk", "junk between packets is passed over or ends the connection, and reaches nobody", "Reolink", pulling, junk},
		{0, "CameraDigest", "a camera is told who we are by Digest, MD5 or SHA-256, with qop or without", "RFC 7616", pulling, cameraDigest},
		{0, "CameraBasic", "and by Basic, if it takes nothing else", "RFC 7617", pulling, cameraBasic},
		{0, "Backchannel", "a track to the camera is not set up, and neither is what is no picture and no sound", "ONVIF", pulling, backchannel},
		{0, "CameraUDP", "a camera that refuses TCP (461) may send by UDP, in any order and twice; viewers get each packet once, in order", "cameras", pulling, cameraOverUDP},
		{0, "CameraElsewhere", "but not from another address than that of its connection", "what is not the camera's", pulling, cameraFromElsewhere},
		{0, "CameraLost", "a camera whose connection ends is asked again, and its viewers go on", "cameras", pulling, cameraLost},
		{0, "NoPasswords", "neither the log nor the status has the password", "what strangers cannot see", pulling, noPasswords},
	}
}

// pulls has the pump pull from the row's camera and a viewer watch for two key frames.
func (k *kit) pulls(m manner) *viewer {
	k.Helper()
	k.cam.begins(m)
	return k.watches()
}

// watches watches for two key frames.
func (k *kit) watches() *viewer {
	k.Helper()
	k.source("up")
	v := k.view(k.cam.sources()...)
	v.until(func(c rtpsynth.Counts) bool { return c.Packets[rtpsynth.Video] > k.cam.spec.PerGOP() })
	return v
}

func innerHost(k *kit) { k.pulls(manner{base: "rtsp://10.9.8.7:554/inner/ch0"}) }

func cameraKeepAlive(k *kit) {
	k.pulls(manner{timeout: 2, silent: true})
	k.await("two keep-alives", func() bool {
		return len(k.cam.asked("GET_PARAMETER"))+len(k.cam.asked("OPTIONS")) >= 3
	})
	for _, a := range append(k.cam.asked("GET_PARAMETER"), k.cam.asked("OPTIONS")...) {
		k.want(a.conn == 1, "a keep-alive that is not answered ends the pull: %+v", a)
	}
	for _, a := range k.cam.asked("GET_PARAMETER") {
		k.want(strings.HasPrefix(a.fields["session"], "4f1c22d0"), "a keep-alive is of session %q", a.fields["session"])
	}
}

// wants is a camera that challenges some requests until they bring a proof that begins as
// it has to.
func wants(challenge, proof string, methods ...string) manner {
	return manner{answer: func(_ *camera, a ask) string {
		for _, m := range methods {
			if a.method == m && !strings.HasPrefix(a.fields["authorization"], proof) {
				return status(a, "401 Unauthorized", "", "WWW-Authenticate: "+challenge)
			}
		}
		return ""
	}}
}

const nonce = "9c9a2f21"

func lateChallenge(k *kit) {
	k.pulls(wants(`Digest realm="cam", nonce="`+nonce+`"`, "Digest ", "SETUP"))
	asks := k.cam.asked("SETUP")
	k.want(strings.Contains(asks[len(asks)-1].fields["authorization"], `nonce="`+nonce+`"`), "%+v", asks)
}

func cameraMoved(k *kit) {
	k.pulls(manner{answer: func(c *camera, a ask) string {
		switch {
		case a.method != "DESCRIBE":
		case strings.Contains(a.url, "/ch0"):
			return status(a, "302 Found", "", fmt.Sprintf("Location: rtsp://%s/second", c.listener.Addr()))
		case strings.Contains(a.url, "/second"):
			return status(a, "301 Moved Permanently", "", fmt.Sprintf("Location: rtsp://%s/third", c.listener.Addr()))
		}
		return ""
	}})
	asks := k.cam.asked("PLAY")
	k.want(len(asks) > 0 && strings.Contains(asks[0].url, "/third"), "%+v", asks)
}

func noOptions(k *kit) {
	k.pulls(manner{answer: func(_ *camera, a ask) string {
		if a.method == "OPTIONS" {
			return status(a, "501 Not Implemented", "")
		}
		return ""
	}})
}

func teardownFirst(k *kit) {
	k.cam.begins(manner{})
	own := startCamera(k.T)
	own.begins(manner{})
	p := rig.Start(k.T, rig.Options{Config: fmt.Sprintf(`"streams": [{"type": "rtsp_pull", "path": "own", "source_options": {"url": %q}}]`, own.url())})
	k.await("the camera plays", func() bool { return len(own.asked("PLAY")) > 0 })
	k.check(p.Terminate())
	k.await("TEARDOWN", func() bool { return len(own.asked("TEARDOWN")) == 1 })
}

func junk(k *kit) {
	k.cam.begins(manner{junk: []byte("\x00\x01junk\r\n\x02")})
	k.source("up")
	// A connection that ends is followed by another run: what is junk passes for neither.
	k.watches()
}

func cameraDigest(k *kit) {
	for _, challenge := range []string{
		`Digest realm="cam", nonce="` + nonce + `"`,
		`Digest realm="cam", nonce="` + nonce + `", qop="auth", opaque="x", algorithm=MD5`,
		`Digest realm="cam", qop="auth", algorithm=SHA-256, nonce="` + nonce + `", opaque="x"`,
	} {
		c := startCamera(k.T)
		m := wants(challenge, "Digest ", "DESCRIBE", "SETUP", "PLAY")
		c.begins(m)
		p := rig.Start(k.T, rig.Options{Config: fmt.Sprintf(`"streams": [{"type": "rtsp_pull", "path": "own", "source_options": {"url": %q, "user": %q, "password": %q}}]`, c.url(), user, password)})
		k.await("the camera plays", func() bool { return len(c.asked("PLAY")) > 0 })
		for _, a := range c.asked("PLAY") {
			k.check(proven(a))
		}
		k.check(p.Terminate())
	}
	k.cam.begins(manner{})
}

// proven checks a proof by Digest (RFC 7616, 3.4.1).
func proven(a ask) error {
	given := a.fields["authorization"]
	hash := func(s string) string { b := md5.Sum([]byte(s)); return hex.EncodeToString(b[:]) } //nolint:gosec // see above
	if strings.Contains(given, "SHA-256") {
		hash = func(s string) string { b := sha256.Sum256([]byte(s)); return hex.EncodeToString(b[:]) }
	}
	middle := parameter(given, "nonce")
	if qop := parameter(given, "qop"); qop != "" {
		middle += ":" + parameter(given, "nc") + ":" + parameter(given, "cnonce") + ":" + qop
	}
	want := hash(hash(user+":cam:"+password) + ":" + middle + ":" + hash(a.method+":"+parameter(given, "uri")))
	if parameter(given, "username") != user || parameter(given, "realm") != "cam" || parameter(given, "response") != want {
		return fmt.Errorf("%s is proven by %q", a.method, given)
	}
	return nil
}

// parameter is one of the parameters of a proof, quoted or not.
func parameter(proof, name string) string {
	for _, part := range strings.Split(strings.TrimPrefix(proof, "Digest "), ",") {
		if key, value, _ := strings.Cut(strings.TrimSpace(part), "="); key == name {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

func cameraBasic(k *kit) {
	k.pulls(wants(`Basic realm="cam"`, "Basic YW5uYTpnZWhlaW0tMQ==", "DESCRIBE", "SETUP", "PLAY"))
}

func backchannel(k *kit) {
	k.pulls(manner{describe: func(s *rtpsynth.Spec) string {
		return s.Describe("trackID=1", "trackID=2") +
			"m=audio 0 RTP/AVP 0\r\na=sendonly\r\na=control:trackID=3\r\n" +
			"m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:trackID=4\r\n"
	}})
	for _, a := range k.cam.asked("SETUP") {
		k.want(!strings.Contains(a.url, "trackID=3") && !strings.Contains(a.url, "trackID=4"), "%+v", a)
	}
}

func cameraLost(k *kit) {
	v := k.pulls(manner{})
	k.cam.drop()
	before := v.Counts().Splices
	v.until(func(c rtpsynth.Counts) bool {
		return c.Splices[rtpsynth.Video] > before[rtpsynth.Video] && c.Splices[rtpsynth.Audio] > before[rtpsynth.Audio]
	})
	k.want(len(k.cam.asked("PLAY")) >= 2, "%+v", k.cam.asked("PLAY"))
}

func noPasswords(k *kit) {
	k.pulls(wants(`Basic realm="cam"`, "Basic ", "DESCRIBE"))
	k.want(!strings.Contains(k.pump.Log(), password), "the log has the password")
	k.want(!strings.Contains(fmt.Sprintf("%+v", k.pump.Status()), password), "the status has the password")
}
