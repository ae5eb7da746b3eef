package conform

import (
	"crypto/md5" //nolint:gosec // Digest needs it
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"streampump/access"
	"streampump/bench/answer"
	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
)

// accessRows are about who may push and who may watch. On the pump called closed
// encoders need a password, for Digest; on the one called private viewers need a
// token, or a password for Digest; on the one called basic encoders need one for Basic.
func accessRows() []row {
	return []row{
		{62, "PushDigest", "wrong Digest credentials get 401 with WWW-Authenticate, right ones 204; the start then needs only the cookie", "[MS-WMHTTP] 3.2.5.1; Flumotion", closed, pushDigest},
		{0, "PushDigestElsewhere", "the start may come on another connection", "[MS-WMHTTP] 3.1.4.2.1", closed, pushDigestElsewhere},
		{0, "PushDigestEmpty", "bodies may be empty while the encoder proves itself", "[MS-WMHTTP] 2.2.2.1", closed, pushDigestEmpty},
		{0, "PushDigestOld", "with HTTP/1.0 and Keep-Alive the 401 keeps the connection too", "[MS-WMHTTP] 3.1.5.1", closed, pushDigestOld},
		{0, "PushDigestSpelling", "WWW-Authenticate is spelled as encoders compare it", "Windows Media Encoder 9", closed, pushDigestSpelling},
		{0, "PushDigestWithoutQop", "a proof without qop, cnonce, nc and opaque is taken", "RFC 2069; Windows Media Encoder 9", closed, pushDigestWithoutQop},
		{0, "PushDigestLater", "an encoder that comes back with the nonce it knows is let in, if it does not repeat itself", "Windows Media Encoder 9 does not know stale", closed, pushDigestLater},
		{0, "PushDigestTwice", "the same proof twice gets 401 with stale=true", "RFC 7616, 3.3", closed, pushDigestTwice},
		{0, "PushAccepts", "the challenge is of the schemes that X-Accept-Authentication lists, or of all", "[MS-WMHTTP] 3.2.5.1", closed, pushAccepts},
		{0, "PushBasicUnlisted", "Basic is offered to an encoder that does not list it, if there is nothing else", "[MS-WMHTTP] notes 2 to 5", basic, pushBasicUnlisted},
		{0, "PushStartUnproven", "a start without a proven session gets 401 before its body, and the connection's end", "[MS-WMHTTP] 3.2.5.2", closed, pushStartUnproven},
		{0, "PushStartStolen", "a push-id is good for its own stream only", "what strangers cannot do", closed, pushStartStolen},
		{0, "UploadBasic", "an upload with Basic is let in, one without is told before it sends", "ffmpeg", basic, uploadBasic},
		{0, "PushUnknownAlike", "a stream that does not exist answers as one that is closed", "what strangers cannot do", closed, pushUnknownAlike},
		{0, "GuessSlowed", "after 20 wrong passwords an address gets 429 and Retry-After, even for the right one; an encoder elsewhere, or one that was here before, does not", "what strangers cannot do", closed, guessSlowed},
		{0, "ViewDigest", "Describe and Play with Digest on one connection, as Windows Media Player does", "[MS-WMSP] 3.2.5.1", private, viewDigest},
		{0, "ViewToken", "a token lets a viewer in: MMSH, plain ASF and the playlist, which hands it on", "VLC, ffmpeg, MPlayer", private, viewToken},
		{0, "ViewTokenRefused", "a token that is not good gets 403, and the log says why", "what the operator must know", private, viewTokenRefused},
		{0, "ViewNothing", "a viewer that brings nothing gets 401, one whose password is in clear text 403", "VLC, MPlayer", private, viewNothing},
		{0, "ViewUnknownAlike", "a stream that does not exist answers as one that is closed, and those who are let in are told", "what strangers cannot do", private, viewUnknownAlike},
		{0, "ViewCallback", "a web site that is asked lets viewers in or not; while it is down they get 503 and no question for a password", "icecast-kh 292", asking, viewCallback},
		{0, "ViewClient", "the client id of a token is in the line about its viewer", "what the operator must know", private, viewClient},
	}
}

// What the closed pumps know.
const (
	user, password, otherUser = "anna", "geheim-1", "otto"
	keyID, keySecret          = "k1", "conformance-conformance-conformance"
)

// Configurations of the pumps that are not open.
func closedConfig() string {
	return fmt.Sprintf(`"publish": {"users": [%q, %q]},`, access.NewDigest(access.DigestMD5, user, access.DefaultRealm, password),
		access.NewDigest(access.DigestMD5, otherUser, access.DefaultRealm, password))
}

func basicConfig() string {
	return fmt.Sprintf(`"publish": {"users": [%q]},`, access.NewArgon2id(user, password))
}

func privateConfig() string {
	return fmt.Sprintf(`"view": {"users": [%q], "token_keys": [{"id": %q, "secret": %q}]},`,
		access.NewDigest(access.DigestMD5, user, access.DefaultRealm, password), keyID, keySecret)
}

// askingConfig is that of a pump whose viewers a web site knows by their tokens.
func askingConfig(t *testing.T) string {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Action, Stream, Address, Token string }
		switch err := json.NewDecoder(r.Body).Decode(&asked); {
		case err != nil || asked.Action != "view" || asked.Stream != "viewcallback" || asked.Address != "127.0.0.1":
			w.WriteHeader(http.StatusNotFound)
		case asked.Token == "down":
			w.WriteHeader(http.StatusBadGateway)
		case asked.Token == "good":
			_, _ = io.WriteString(w, `{"client": "customer.8"}`)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(site.Close)
	return fmt.Sprintf(`"view": {"callback": {"url": %q}},`, site.URL)
}

// ids makes each client nonce of these tests another one.
var ids atomic.Int64

// proof is an Authorization for Digest that answers a challenge.
func (k *kit) proof(challenge *answer.Head, method, uri, name, secret string, qop bool) string {
	k.Helper()
	nonce := param(challenge.Get("WWW-Authenticate"), "nonce")
	k.want(nonce != "", "there is no nonce in %v", challenge.Fields)
	return proofOf(nonce, method, uri, name, secret, qop)
}

func proofOf(nonce, method, uri, name, secret string, qop bool) string {
	ha1, ha2 := md5Of(name, access.DefaultRealm, secret), md5Of(method, uri)
	head := fmt.Sprintf(`Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s"`, name, access.DefaultRealm, nonce, uri)
	if !qop {
		return fmt.Sprintf(`%s, response="%s"`, head, md5Of(ha1, nonce, ha2))
	}
	c := fmt.Sprintf("%08x", ids.Add(1))
	return fmt.Sprintf(`%s, qop=auth, nc=00000001, cnonce="%s", response="%s"`, head, c, md5Of(ha1, nonce, "00000001", c, "auth", ha2))
}

// md5Of is the hash that Digest is made of.
func md5Of(parts ...string) string {
	return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":"))))
}

// param is a parameter of a challenge.
func param(challenge, name string) string {
	_, rest, _ := strings.Cut(challenge, name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// challenged asks for a setup with nothing, and returns the connection and the 401.
func (k *kit) challenged(fields ...string) (*player.Conn, *answer.Head) {
	k.Helper()
	c, h := k.open(k.setupHead("0", push.AutoDestroy, fields...))
	k.asked(c, h)
	return c, h
}

// asked checks a 401 and reads its body.
func (k *kit) asked(c *player.Conn, h *answer.Head) {
	k.Helper()
	k.want(h.Status == 401 && h.Has("WWW-Authenticate"), "the answer is %v with %v", h, h.Fields)
	k.body(c, h)
}

// proven sets up with a proof, and returns the push-id.
func (k *kit) proven(fields ...string) (*player.Conn, string) {
	k.Helper()
	c, h := k.challenged("HTTP/1.1")
	fields = append([]string{"HTTP/1.1", k.proof(h, "POST", k.pushURL(), user, password, true)}, fields...)
	return c, k.pushID(k.ask(c, k.setupHead("0", push.AutoDestroy, fields...)))
}

func pushDigest(k *kit) {
	c, h := k.challenged("HTTP/1.1")
	k.want(strings.HasPrefix(h.Get("Server"), "Cougar/"), "the server is %q", h.Get("Server"))
	k.want(strings.EqualFold(h.Get("Connection"), "keep-alive"), "the connection is %q", h.Get("Connection"))
	for _, wrong := range []string{
		k.proof(h, "POST", k.pushURL(), user, "wrong", true), k.proof(h, "POST", k.pushURL(), "nobody", password, true),
		k.proof(h, "GET", k.pushURL(), user, password, true), k.proof(h, "POST", "/streams/other_push", user, password, true),
	} {
		h = k.ask(c, k.setupHead("0", push.AutoDestroy, "HTTP/1.1", wrong))
		k.asked(c, h)
		k.want(strings.Contains(h.Get("WWW-Authenticate"), "stale=false"), "the challenge is %q", h.Get("WWW-Authenticate"))
	}
	k.logged("encoder is refused", "path="+k.path+" ", `why="the password of the account \"anna\" is wrong`)
	id := k.pushID(k.ask(c, k.setupHead("0", push.AutoDestroy, "HTTP/1.1", k.proof(h, "POST", k.pushURL(), user, password, true))))
	e := k.encoder(synth.Plain(rate), push.Options{PushID: id})
	e.begin(push.Endless)
	v := k.view(player.VLC(), player.Options{})
	e.send(gop)
	v.reaches(e)
	k.logged("encoder is connected", k.tag(), "client="+user+" ")
}

func pushDigestElsewhere(k *kit) {
	c, id := k.proven()
	k.check(c.Close())
	e := k.encoder(synth.Plain(rate), push.Options{PushID: id})
	e.begin(push.Endless)
	k.check(e.Close())
	k.source("held")
	again := k.encoder(synth.Plain(rate), push.Options{PushID: id})
	again.begin(push.Endless)
	k.source("up")
}

func pushDigestEmpty(k *kit) {
	c, h := k.open(k.setupHead("0", "", "HTTP/1.1"))
	k.asked(c, h)
	k.pushID(k.ask(c, k.setupHead("0", push.AutoDestroy, "HTTP/1.1", k.proof(h, "POST", k.pushURL(), user, password, true))))
}

func pushDigestOld(k *kit) {
	c, h := k.challenged("HTTP/1.0", keeps)
	k.pushID(k.ask(c, k.setupHead("0", "", "HTTP/1.0", keeps, k.proof(h, "POST", k.pushURL(), user, password, true))))
}

func pushDigestSpelling(k *kit) {
	_, h := k.challenged("HTTP/1.1")
	for _, name := range []string{"WWW-Authenticate", "Server", "Content-Length", "Cache-Control", "Connection"} {
		_, ok := h.Spelled(name)
		k.want(ok, "the answer has no %s in this spelling: %v", name, h.Fields)
	}
	c := h.Get("WWW-Authenticate")
	k.want(strings.HasPrefix(c, "Digest ") && param(c, "realm") == access.DefaultRealm && param(c, "qop") == "auth" &&
		strings.Contains(c, "algorithm=MD5"), "the challenge is %q", c)
}

func pushDigestWithoutQop(k *kit) {
	c, h := k.challenged("HTTP/1.1")
	k.pushID(k.ask(c, k.setupHead("0", "", "HTTP/1.1", k.proof(h, "POST", k.pushURL(), user, password, false))))
}

func pushDigestLater(k *kit) {
	_, h := k.challenged("HTTP/1.1")
	for range 3 {
		_, again := k.open(k.setupHead("0", "", "HTTP/1.1", k.proof(h, "POST", k.pushURL(), user, password, true)))
		k.pushID(again)
	}
}

func pushDigestTwice(k *kit) {
	c, h := k.challenged("HTTP/1.1")
	proof := k.proof(h, "POST", k.pushURL(), user, password, true)
	k.pushID(k.ask(c, k.setupHead("0", "", "HTTP/1.1", proof)))
	d, again := k.open(k.setupHead("0", "", "HTTP/1.1", proof))
	k.asked(d, again)
	k.want(strings.Contains(again.Get("WWW-Authenticate"), "stale=true"), "the challenge is %q", again.Get("WWW-Authenticate"))
	k.pushID(k.ask(d, k.setupHead("0", "", "HTTP/1.1", k.proof(again, "POST", k.pushURL(), user, password, true))))
}

func pushAccepts(k *kit) {
	for _, list := range []string{"Negotiate, NTLM, Digest", "NTLM", "Basic"} {
		_, h := k.challenged("HTTP/1.1", "X-Accept-Authentication: "+list)
		k.want(strings.HasPrefix(h.Get("WWW-Authenticate"), "Digest "), "for %q the challenge is %v", list, h.Fields)
	}
}

// basicOf is an Authorization for Basic.
func basicOf(secret string) string {
	return map[string]string{password: "Authorization: Basic YW5uYTpnZWhlaW0tMQ==", "wrong": "Authorization: Basic YW5uYTp3cm9uZw=="}[secret]
}

func pushBasicUnlisted(k *kit) {
	c, h := k.challenged("HTTP/1.1", "X-Accept-Authentication: Negotiate, NTLM, Digest")
	k.want(strings.HasPrefix(h.Get("WWW-Authenticate"), "Basic "), "the challenge is %v", h.Fields)
	h = k.ask(c, k.setupHead("0", "", "HTTP/1.1", basicOf("wrong")))
	k.asked(c, h)
	k.pushID(k.ask(c, k.setupHead("0", "", "HTTP/1.1", basicOf(password))))
}

func pushStartUnproven(k *kit) {
	for _, id := range []string{"0", "12345"} {
		h, body := k.final(request("POST "+k.pushURL(), "HTTP/1.1", startType, "Cookie: push-id="+id, fmt.Sprintf("Content-Length: %d", push.Endless)))
		k.refusal(401, h, body, "a name and a password")
		k.want(h.Has("WWW-Authenticate"), "the answer has no challenge: %v", h.Fields)
	}
}

func pushStartStolen(k *kit) {
	_, id := k.proven()
	k.refused(401, request("POST "+k.second().pushURL(), "HTTP/1.1", startType, "Cookie: push-id="+id, "Content-Length: 1000"))
}

func uploadBasic(k *kit) {
	head := func(fields ...string) string {
		return request("POST "+k.pushURL(), append([]string{"HTTP/1.1", "Transfer-Encoding: chunked", "Expect: 100-continue"}, fields...)...)
	}
	k.refused(401, head(), "a name and a password")
	k.refused(401, head(basicOf("wrong")), "the name or the password is wrong")
	_, h := k.open(head(basicOf(password)))
	k.want(h.Status == 100, "the answer is %v", h)
	// Without the word that its body is awaited, the encoder's packets follow at once.
	e, _ := k.upload(synth.Plain(rate), basicOf(password))
	k.view(player.VLC(), player.Options{}).packets(1)
	k.want(e.sent() == 1, "%d packets were sent", e.sent())
}

// alike checks that two answers differ in nothing but the nonce.
func (k *kit) alike(one, other string) {
	k.Helper()
	shape := func(first string) string {
		h, body := k.final(first)
		for i, f := range h.Fields {
			if n := param(f.Value, "nonce"); n != "" {
				h.Fields[i].Value = strings.Replace(f.Value, n, "N", 1)
			}
		}
		return fmt.Sprint(h, h.Fields, body)
	}
	a, b := shape(one), shape(other)
	k.want(a == b, "one is answered\n%s\nand the other\n%s", a, b)
}

func pushUnknownAlike(k *kit) {
	for _, kind := range []string{setupType, startType} {
		head := func(url string) string {
			return request("POST "+url, "HTTP/1.1", closes, kind, "Content-Length: 16", "Cookie: push-id=0") + push.AutoDestroy
		}
		k.alike(head(k.pushURL()), head("/streams/nothing_push"))
	}
}

func guessSlowed(k *kit) {
	at := func(host byte) *kit {
		other := *k
		other.from = &net.TCPAddr{IP: net.IPv4(127, 0, 77, host)}
		return &other
	}
	try := func(k *kit, secret string) *answer.Head {
		c, h := k.open(k.setupHead("0", "", "HTTP/1.1"))
		k.asked(c, h)
		return k.ask(c, k.setupHead("0", "", "HTTP/1.1", k.proof(h, "POST", k.pushURL(), otherUser, secret, true)))
	}
	encoder, stranger := at(1), at(2)
	k.pushID(try(encoder, password))
	for range 20 {
		k.want(try(stranger, "wrong").Status == 401, "a guess is not looked at")
	}
	for _, secret := range []string{"wrong", password} {
		h := try(stranger, secret)
		k.want(h.Status == 429 && h.Get("Retry-After") != "" && !h.Has("WWW-Authenticate"), "the answer is %v with %v", h, h.Fields)
	}
	k.logged("encoder is refused", "path="+k.path+" ", "too many wrong passwords")
	k.pushID(try(encoder, password))
	k.pushID(try(at(3), password))
}

// ticket is the query with a token for the row's stream.
func (k *kit) ticket(change func(*access.Token)) string {
	t := access.Token{Role: access.View, Stream: k.path, Key: keyID, Expires: time.Now().Add(time.Hour)}
	if change != nil {
		change(&t)
	}
	return "?token=" + t.Text(access.NewSecret(keySecret))
}

func viewDigest(k *kit) {
	e := k.push(synth.Plain(rate))
	fields := []string{"HTTP/1.1", wmp, "X-Accept-Authentication: Negotiate, NTLM, Digest, Basic"}
	c, h := k.open(k.get(fields...))
	k.asked(c, h)
	h = k.ask(c, k.get(append(fields, k.proof(h, "GET", k.url(), user, password, true))...))
	k.want(h.Status == 200, "a Describe with a proof is answered %v", h)
	k.header(k.body(c, h))
	first := h
	h = k.ask(c, k.get(append(fields, plays, "Pragma: client-id="+k.clientID(first))...))
	k.asked(c, h)
	h = k.ask(c, k.get(append(fields, plays, "Pragma: client-id="+k.clientID(first), k.proof(h, "GET", k.url(), user, password, true))...))
	k.check(player.CheckPlay(h))
	v := k.watch(c, player.VLC(), player.Options{})
	e.send(3)
	v.packets(3)
}

func viewToken(k *kit) {
	e := k.push(synth.Plain(rate))
	for _, c := range []player.Client{player.VLC(), player.Curl()} {
		v := k.viewWith(k.ticket(nil), c, player.Options{})
		e.send(1)
		v.reaches(e)
		k.check(v.Close())
	}
	ticket := k.ticket(nil)
	h, list := k.final(request("GET "+k.url()+".asx"+ticket, closes))
	addresses := strings.Count(list, "HREF=")
	k.want(h.Status == 200 && addresses > 0 && strings.Count(list, ticket+`"`) == addresses, "the playlist is %v %s", h, list)
	k.want(len(k.log(ticket[len("?token="):])) == 0, "the log shows a token")
}

func viewTokenRefused(k *kit) {
	for why, change := range map[string]func(*access.Token){
		"the token expired at":                                             func(t *access.Token) { t.Expires = time.Now().Add(-time.Minute) },
		"the token is for another stream":                                  func(t *access.Token) { t.Stream = "other" },
		"the token is for another network":                                 func(t *access.Token) { t.Network, _ = access.ParseNetwork("192.0.2.0/24") },
		"the token is to publish, and not to view":                         func(t *access.Token) { t.Role = access.Publish },
		`the token is signed with the key \"k9\", which is not known here`: func(t *access.Token) { t.Key = "k9" },
	} {
		k.refused(403, request("GET "+k.url()+k.ticket(change), vlc, closes), "the token is not good")
		k.logged("viewer is refused", "path="+k.path+" ", why)
	}
	forged := strings.Replace(k.ticket(nil), "~", "~x", 1)
	k.refused(403, request("GET "+k.url()+forged, vlc, closes), "the token is not good")
	k.logged("viewer is refused", "path="+k.path+" ", "forged")
}

func viewNothing(k *kit) {
	k.refused(401, k.get(vlc, closes), "a token in the address, or a name and a password")
	k.refused(401, k.get(vlc, plays, closes))
	k.refused(401, k.get("User-Agent: curl/7.88.1", closes))
	k.refused(403, k.get(vlc, closes, basicOf(password)), "only Digest")
	h := k.status(401, request("HEAD "+k.url(), "HTTP/1.1"))
	k.want(h.Has("WWW-Authenticate"), "HEAD is answered %v", h.Fields)
}

func viewUnknownAlike(k *kit) {
	for _, fields := range [][]string{{vlc, closes}, {vlc, plays, closes}, {firefox, closes}} {
		k.alike(request("GET "+k.url(), fields...), request("GET /streams/nothing", fields...))
		k.alike(request("GET "+k.url()+".asx", fields...), request("GET /streams/nothing.asx", fields...))
	}
	ticket := k.ticket(func(t *access.Token) { t.Stream = "nothing" })
	k.refused(404, request("GET /streams/nothing"+ticket, vlc, closes), "no such stream")
	k.refused(404, request("GET /favicon.ico", firefox, closes), "no such stream")
}

func viewCallback(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.viewWith("?token=good", player.VLC(), player.Options{})
	e.send(1)
	v.packets(1)
	k.check(v.Close())
	e.send(gop)
	k.logged("viewer left", k.tag(), "client=customer.8 ")
	k.refused(403, request("GET "+k.url()+"?token=bad", vlc, closes), "you may not view this stream")
	k.refused(403, k.get(vlc, closes))
	k.logged("viewer is refused", "path="+k.path+" ", "the callback says no: it answers 403")
	h := k.refused(503, request("GET "+k.url()+"?token=down", vlc, closes), "cannot be found out now")
	k.want(h.Get("Retry-After") == "5" && !h.Has("WWW-Authenticate"), "the answer is %v", h.Fields)
}

func viewClient(k *kit) {
	e := k.push(synth.Plain(rate))
	v := k.viewWith(k.ticket(func(t *access.Token) { t.Client = "customer.7" }), player.VLC(), player.Options{})
	e.send(1)
	v.packets(1)
	k.check(v.Close())
	e.send(gop)
	k.logged("viewer left", k.tag(), "client=customer.7 ")
}
