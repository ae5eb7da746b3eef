package rtsp

import (
	"crypto/md5" //nolint:gosec // Digest needs it
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"streampump/access"
	"streampump/bench/answer"
	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// accessRows are about who may push and who may watch. On the pump called closed encoders
// need a password; on those called private viewers need one, or a token.
func accessRows() []row {
	return []row{
		{64, "Challenged", "without proof a viewer gets 401, Digest first with realm and nonce in that order, then Basic if it can be; the connection stays", "live555", private, challenged},
		{66, "DigestBase", "a proof may name the stream's address in place of a track's, and not that of another stream", "live555, Bosch", private, digestBase},
		{67, "OldNonce", "a right proof with a nonce that is not ours gets 401 with stale=TRUE, and is let in with the new one", "RFC 7616, 3.3", private, oldNonce},
		{68, "UnknownAlike", "a stream that does not exist answers as one that is closed", "what strangers cannot do", private, unknownAlike},
		{69, "GuessSlowed", "after many wrong passwords an address gets 503 and Retry-After; others do not", "what strangers cannot do", suspicious, guessSlowed},
		{0, "ViewToken", "a token in the address lets a viewer in, and one that is not good gets 403", "players", private, viewToken},
		{0, "ViewDigest", "a viewer with a password plays, and its keep-alives need no other proof", "ffmpeg, VLC, GStreamer", private, viewDigest},
		{0, "PushDigest", "an encoder needs its password from ANNOUNCE on, and gets 401 without", "ffmpeg", closed, pushDigest},
		{0, "PushWrong", "a wrong one gets 401, and the log says whose", "operators", closed, pushWrong},
	}
}

// secret brings a stream up on a pump whose encoders need nothing, and connects a viewer
// that knows the password.
func (k *kit) secret() *viewer {
	k.Helper()
	k.push(rtpsynth.Plain())
	v := k.viewer(rtpsynth.Plain())
	v.User, v.Password = user, password
	return v
}

// challenges are what an answer asks for, in its order.
func challenges(h *answer.Head) (all []string) {
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, "WWW-Authenticate") {
			all = append(all, f.Value)
		}
	}
	return all
}

func challenged(k *kit) {
	k.push(rtpsynth.Plain())
	c := k.client()
	for range 2 {
		h := k.try(c, 401, "DESCRIBE", k.url())
		all := challenges(h)
		k.want(len(all) > 0 && strings.HasPrefix(all[0], `Digest realm="`) && strings.Contains(all[0], `", nonce="`), "it is asked for %q", all)
		k.want(!strings.Contains(all[0], "qop") && !strings.Contains(all[0], "SHA"), "it is asked for %q", all)
		for _, more := range all[1:] {
			k.want(strings.HasPrefix(more, "Basic ") || strings.HasPrefix(more, "Digest "), "it is asked for %q", all)
		}
	}
	k.try(c, 200, "OPTIONS", k.url())
	k.try(c, 401, "SETUP", k.url()+"/trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
}

func digestBase(k *kit) {
	for _, base := range []string{k.url(), k.url() + "/", "/" + k.path} {
		v := k.secretAgain()
		v.Client.Base = base
		k.check(v.Open(k.ctx))
		v.packets(1)
		k.check(v.Close())
	}
	v := k.secretAgain()
	v.Client.Base = k.at("/another")
	k.want(v.Describe(k.ctx) != nil, "a proof for another stream is taken")
}

// secretAgain is secret for a stream that may be up.
func (k *kit) secretAgain() *viewer {
	k.Helper()
	if k.stream().State != "up" {
		return k.secret()
	}
	v := k.viewer(rtpsynth.Plain())
	v.User, v.Password = user, password
	return v
}

// proof is what a player proves itself with.
func proof(method, url, realm, nonce, password string) string {
	hash := func(s string) string {
		sum := md5.Sum([]byte(s)) //nolint:gosec // see above
		return hex.EncodeToString(sum[:])
	}
	return fmt.Sprintf(`Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s"`, user, realm, nonce, url,
		hash(hash(user+":"+realm+":"+password)+":"+nonce+":"+hash(method+":"+url)))
}

func oldNonce(k *kit) {
	v := k.secret()
	h := k.try(v.Client, 401, "DESCRIBE", k.url(), proof("DESCRIBE", k.url(), access.DefaultRealm, "0123456789abcdef", password))
	all := challenges(h)
	k.want(len(all) > 0 && strings.Contains(all[0], "stale=TRUE"), "it is asked for %q", all)
	k.check(v.Open(k.ctx))
	v.packets(1)
}

func unknownAlike(k *kit) {
	k.push(rtpsynth.Plain())
	var seen []string
	for _, path := range []string{k.path, "nobody-has-this"} {
		h, body := k.ask(k.dial(), request("DESCRIBE "+k.at("/"+path)+" RTSP/1.0", "CSeq: 1"))
		k.is(h, 401, "1")
		text := body
		for _, f := range h.Fields {
			value, _, _ := strings.Cut(f.Value, "nonce=")
			text += "\n" + f.Name + ": " + value
		}
		seen = append(seen, text)
	}
	k.want(seen[0] == seen[1], "one is told\n%s\nand the other\n%s", seen[0], seen[1])
}

func guessSlowed(k *kit) {
	k.push(rtpsynth.Plain())
	from := func(ip string) *rtspclient.Client {
		d := &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
		return &rtspclient.Client{Conn: k.dialWith(d), User: user}
	}
	const guesses = 40 // twice what an address may be wrong
	slowed := 0
	for i := range guesses {
		c := from("127.0.0.9")
		c.Password = fmt.Sprint("guess", i)
		_, _, err := c.Ask(k.ctx, "DESCRIBE", k.url(), "")
		var status *rtspclient.StatusError
		k.want(errors.As(err, &status) && (status.Head.Status == 401 || status.Head.Status == 503), "guess %d gets %v", i, err)
		if status.Head.Status == 503 {
			k.want(status.Head.Get("Retry-After") != "", "Retry-After is missing")
			slowed++
		}
		k.check(c.Close())
	}
	k.want(slowed > 0, "%d wrong passwords and the last is answered as the first", guesses)
	// Of two addresses one in some thousands shares the fate of the other by chance: of three
	// others no more than one may.
	var refused []error
	for _, ip := range []string{"127.0.0.10", "127.0.0.11", "127.0.0.12"} {
		other := rtspclient.NewViewer(from(ip), k.url(), rtpsynth.Plain())
		other.Password = password
		if err := other.Open(k.ctx); err != nil {
			refused = append(refused, err)
		}
	}
	k.want(len(refused) <= 1, "others are slowed as well: %v", refused)
}

func viewToken(k *kit) {
	k.push(rtpsynth.Plain())
	for _, c := range []struct {
		stream string
		want   int
	}{{k.path, 200}, {"another", 403}} {
		v := k.viewer(rtpsynth.Plain())
		token := access.Token{Key: keyID, Role: access.View, Stream: strings.ToLower(c.stream), Expires: time.Now().Add(time.Hour)}.Text(access.NewSecret(keySecret))
		v.URL += "?token=" + token
		if c.want != 200 {
			k.try(v.Client, c.want, "DESCRIBE", v.URL)
			continue
		}
		k.check(v.Describe(k.ctx))
		for i := range v.Media {
			k.check(v.Setup(k.ctx, i))
		}
		k.check(v.Play(k.ctx))
		v.packets(1)
		k.want(len(k.log(token)) == 0, "the log shows a token")
	}
}

func viewDigest(k *kit) {
	v := k.secret()
	k.check(v.Open(k.ctx))
	v.packets(1)
	for range 3 { // the same proof each time
		_, _, err := v.Ask(k.ctx, "GET_PARAMETER", v.Base, "")
		k.check(err)
	}
}

func pushDigest(k *kit) {
	s := rtpsynth.Plain()
	e := k.encoder(s)
	h, _, err := e.Try(k.ctx, "ANNOUNCE", e.URL, s.Describe("streamid=0", "streamid=1"), "Content-Type: application/sdp")
	k.check(err)
	k.want(h.Status == 401 && len(challenges(h)) > 0, "without a password an encoder gets %v", h)
	e.User, e.Password = user, password
	e.begin()
	v := k.view(s)
	e.send(few)
	v.whole(e)
}

func pushWrong(k *kit) {
	e := k.encoder(rtpsynth.Plain())
	e.User, e.Password = user, "wrong"
	k.want(e.Announce(k.ctx) != nil, "a wrong password is taken")
	k.logged("path="+k.path+" ", "encoder is refused", user)
	k.want(!strings.Contains(k.pump.Log(), password), "the password is in the log")
}
