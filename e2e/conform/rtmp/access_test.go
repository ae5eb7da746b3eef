package rtmp

import (
	"crypto/md5" //nolint:gosec // see proof
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"streampump/access"
)

// accessRows are about who may push and who may watch. On the pump called closed encoders
// need a password or a token; on the one called private viewers do.
func accessRows() []row {
	return []row{
		{0, "PushToken", "an encoder brings its token in its key, in the ways in which keys are written", "OBS, ffmpeg", closed, pushToken},
		{0, "PushPassword", "or a name and a password", "MediaMTX's users", closed, pushPassword},
		{0, "PushWrong", "one with nothing, or what is wrong, is denied with a reason, and the connection ends", "OBS", closed, pushWrong},
		{0, "PushProof", "an encoder is asked for a name and a proof of its password in three connections, in the words that encoders look for", "OBS, ffmpeg, GStreamer", proving, pushProof},
		{0, "PushProofWrong", "a wrong proof is told from a missing one, and a right one is good once", "what strangers cannot do", proving, pushProofWrong},
		{0, "ViewToken", "a token in the address lets a viewer in", "players", private, viewToken},
		{0, "ViewWrong", "and one without, or with another stream's, is told no more than one who asks for a stream that does not exist", "what strangers cannot do", private, viewWrong},
	}
}

// tokenFor is a token for a stream, which is good for an hour.
func tokenFor(role access.Role, stream string) string {
	return access.Token{Key: keyID, Role: role, Stream: strings.ToLower(stream), Expires: time.Now().Add(time.Hour)}.Text(access.NewSecret(keySecret))
}

// unlogged checks that the log does not have what must not be seen.
func (k *kit) unlogged(secrets ...string) {
	k.Helper()
	for _, s := range secrets {
		k.want(!strings.Contains(k.pump.Log(), s), "the log has %q", s)
	}
}

func pushToken(k *kit) {
	token := tokenFor(access.Publish, k.path)
	for n, c := range [][2]string{
		{"streams", k.path + "?token=" + token}, {"streams", k.path + "?key=" + token}, {"streams", k.path + "/" + token},
		{k.path, token}, {"streams/" + k.path, token}, {"streams?token=" + token, k.path}, {k.path + "_push", token},
	} {
		f := plain()
		f.run = byte(10 * (n + 1))
		k.story = story{}
		e := k.encoder(f)
		e.publish(c[0], c[1])
		e.begin()
		v := k.view()
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
	k.unlogged(token)
}

func pushPassword(k *kit) {
	for _, name := range []string{"pass", "password"} {
		k.story = story{}
		e := k.encoder(plain())
		e.publish("streams", fmt.Sprintf("%s?user=%s&%s=%s", k.path, user, name, password))
		e.begin()
		v := k.view()
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
	k.unlogged(password)
}

// rejected checks that a connect is rejected, and returns the description.
func (k *kit) rejected(app string) string {
	k.Helper()
	l := k.link()
	l.call(0, "connect", 1, properties(app, "type", "nonprivate"))
	c := l.answer(1)
	s := c.Status()
	k.want(c.Name == "_error" && s.Level == "error" && s.Code == "NetConnection.Connect.Rejected", "connect is answered %s", said(c))
	l.gone()
	return s.Description
}

// challenged is what an encoder is asked once it has said its name: salt and opaque.
func (k *kit) challenged(app string) (salt, opaque string) {
	k.Helper()
	if got, want := k.rejected(app), "code=403 need auth; authmod=adobe"; got != want {
		k.Fatalf("connect is rejected with %q, and not with %q", got, want)
	}
	text := k.rejected(app + "?authmod=adobe&user=" + user)
	query, ok := strings.CutPrefix(text, "[ AccessManager.Reject ] : [ authmod=adobe ] : ?")
	k.want(ok, "connect is rejected with %q", text)
	values := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	k.want(values["reason"] == "needauth" && values["user"] == user && values["salt"] != "" && values["challenge"] != "" && values["opaque"] != "", "it is asked %q", query)
	return values["salt"], values["opaque"]
}

// proof is the app of an encoder that answers.
func proof(app, salt, opaque, password, own string) string {
	sum := func(s string) string {
		sum := md5.Sum([]byte(s)) //nolint:gosec // it is the protocol's
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	return fmt.Sprintf("%s?authmod=adobe&user=%s&challenge=%s&response=%s&opaque=%s", app, user, own, sum(sum(user+salt+password)+opaque+own), opaque)
}

func pushProof(k *kit) {
	for _, c := range [][2]string{{"streams", k.path}, {"streams", k.path + "_push"}, {"streams/" + k.path, ""}, {k.path, ""}} {
		k.story = story{}
		salt, opaque := k.challenged(c[0])
		e := k.encoder(plain())
		e.publish(proof(c[0], salt, opaque, password, "rOH4Qw=="), c[1])
		e.begin()
		v := k.view()
		v.follow()
		e.finish()
		v.ends()
		k.source("down")
	}
	k.unlogged(password, "response=")
}

func pushProofWrong(k *kit) {
	const failed = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed"
	salt, opaque := k.challenged("streams")
	for _, app := range []string{
		proof("streams", salt, opaque, "falsch-5", "a"), proof("streams", salt, "falsch", "falsch-5", "a"), proof("streams", ":x:", opaque, password, "a"),
		proof("streams", salt, opaque, password, "a") + "x", "streams?authmod=adobe&user=" + user + "&response=x",
	} {
		if got := k.rejected(app); got != failed {
			k.Errorf("%s is rejected with %q", app, got)
		}
	}
	good := proof("streams", salt, opaque, password, "b")
	e := k.encoder(plain())
	e.publish(good, k.path)
	e.begin()
	e.finish()
	k.source("down")
	if got := k.rejected(good); !strings.Contains(got, "reason=needauth") {
		k.Errorf("a proof that was used is rejected with %q", got)
	}
	k.logged("encoder is refused", "is wrong")
	k.unlogged("falsch-5")
}

func pushWrong(k *kit) {
	wrong := tokenFor(access.View, k.path)
	for _, name := range []string{k.path, k.path + "?user=" + user + "&pass=falsch-2", k.path + "/" + wrong, k.path + "?token=" + tokenFor(access.Publish, "another")} {
		e := k.encoder(plain())
		e.connect("streams")
		e.call(0, "createStream", 2, nil)
		e.stream = e.created(2)
		e.call(1, "publish", 3, nil, name, "live")
		e.status("NetStream.Publish.Denied", "error")
		e.gone()
	}
	k.logged("encoder is refused", "path="+k.path+" ")
	k.unlogged(wrong, "falsch-2")
	k.want(k.stream().State == "down", "the stream is %s", k.stream().State)
}

func viewToken(k *kit) {
	e := k.push(plain())
	token := tokenFor(access.View, k.path)
	for _, c := range [][2]string{{"streams", k.path + "?token=" + token}, {"streams?token=" + token, k.path}, {"streams/" + k.path + "?token=" + token, ""}} {
		v := k.viewerOf(k.link(), c[0])
		v.play(c[1])
		e.send(few)
		v.follow()
	}
	v := k.viewer()
	v.play(fmt.Sprintf("%s?user=%s&pass=%s", k.path, user, password))
	v.follow()
	k.unlogged(token, password)
}

func viewWrong(k *kit) {
	k.push(plain())
	var told []string
	for _, name := range []string{k.path, "nobody-has-this", k.path + "?token=" + tokenFor(access.View, "another"), k.path + "?user=" + user + "&pass=falsch-3"} {
		v := k.viewer()
		v.call(v.stream, "play", 4, nil, name)
		c := v.command()
		s := c.Status()
		k.want(c.Name == "onStatus" && s.Level == "error" && s.Code != "", "play is answered %s", said(c))
		v.gone()
		told = append(told, s.Code+" "+s.Description)
	}
	k.want(told[0] == told[1], "one is told %q, and another %q", told[0], told[1])
	k.unlogged("falsch-3")
}
