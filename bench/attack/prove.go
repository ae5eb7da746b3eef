package attack

import (
	"crypto/md5" //nolint:gosec // Digest needs it
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"streampump/bench/answer"
)

// Login is what an attacker knows of an account.
type Login struct{ Name, Password, Realm string }

// proving are the attacks on passwords by somebody who knows none.
func proving() []Attack {
	return []Attack{stuffing()}
}

// stuffing tries names and passwords from many addresses, for viewers by Basic and for
// encoders by Digest.
func stuffing() Attack {
	return Attack{
		Name: "stuffing", What: "tries names with passwords, for Basic and for Digest, from 40 addresses",
		Unit: "guesses",
		Own:  Bounds{For: 3 * time.Second, Units: 20_000, Connections: 40, Rate: 2000},
		run: func(a *assault) error {
			var list []string
			for i := range 200 {
				list = append(list, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "anna:password%d", i)),
					base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "user%d:123456", i)))
			}
			return a.numbered(func(worker int) error {
				for i := worker; a.next(1); i++ {
					text := get(a.t.View, "Authorization: Basic "+list[i%len(list)]+"\r\n")
					if i%2 == 1 {
						text = strings.TrimSuffix(fmt.Sprintf(setupText, a.t.Push, a.t.Addr), "\r\n") + "Connection: close\r\n" +
							digest(Login{"anna", fmt.Sprint(i), "stream-pump"}, "POST", a.t.Push, "AAAA", i) + "\r\n\r\n"
					}
					if err := a.guess(sourceOf(worker), strings.ReplaceAll(text, "{host}", a.t.Addr)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// numbered is workers for those who must know which they are.
func (a *assault) numbered(work func(worker int) error) error {
	numbers := make(chan int, a.b.Connections)
	for i := range a.b.Connections {
		numbers <- i
	}
	return a.workers(func() error {
		n := <-numbers
		defer func() { numbers <- n }()
		return work(n)
	})
}

// guess sends one request and counts the answer.
func (a *assault) guess(from net.IP, text string) error {
	h, err := a.exchange(from, text)
	if err == nil && h == nil {
		err = errors.New("no answer")
	}
	return err
}

// exchange sends a request on a connection of its own, and counts and returns the head
// of the answer.
func (a *assault) exchange(from net.IP, text string) (*answer.Head, error) {
	c, err := a.dialFrom(from, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer ends(a, c)()
	n, err := io.WriteString(c, text)
	a.count(func(d *Did) { d.Sent += int64(n) })
	if err != nil {
		return nil, err
	}
	h, rest, err := answer.Read(c)
	a.count(func(d *Did) {
		d.Received += int64(len(rest))
		if err == nil {
			d.Answers[fmt.Sprint(h.Status)]++
		} else if a.ctx.Err() == nil {
			d.Closed++
		}
	})
	return h, err
}

// Replays is an attack by somebody who has listened to an encoder proving itself with
// Digest, and repeats that: as it was, with another count, for another path, and from
// another address. The encoder's own proof is one of the shapes.
func Replays(l Login, other string) Attack {
	return Attack{
		Name: "digest-replay", What: "repeats what an encoder proved itself with: as it was, with another count, for another stream, from elsewhere",
		Unit: "proofs", Shapes: 5,
		Own: Bounds{For: 3 * time.Second, Units: 10_000, Connections: 2, Rate: 100},
		run: func(a *assault) error {
			return a.workers(func() error {
				for a.next(1) {
					if err := a.replay(l, other); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// replay is one proof and all that is made of it.
func (a *assault) replay(l Login, other string) error {
	setup := func(path, proof string) string {
		return strings.TrimSuffix(fmt.Sprintf(setupText, path, a.t.Addr), "\r\n") + "Connection: close\r\n" + proof + "\r\n"
	}
	h, err := a.exchange(source, setup(a.t.Push, ""))
	if err != nil {
		return err
	}
	_, nonce, _ := strings.Cut(h.Get("WWW-Authenticate"), `nonce="`)
	nonce, _, _ = strings.Cut(nonce, `"`)
	proof := digest(l, "POST", a.t.Push, nonce, 1) + "\r\n"
	for _, p := range []struct {
		name string
		from net.IP
		text string
		want int
	}{
		{"the encoder", source, setup(a.t.Push, proof), 204},
		{"as it was", source, setup(a.t.Push, proof), 401},
		{"from elsewhere", sourceOf(0), setup(a.t.Push, proof), 401},
		{"with another count", source, setup(a.t.Push, strings.Replace(proof, "nc=00000001", "nc=00000002", 1)), 401},
		{"for another stream", source, setup(other, proof), 401},
	} {
		h, err := a.exchange(p.from, p.text)
		if err != nil {
			return err
		}
		a.count(func(d *Did) {
			if h.Status == p.want {
				d.Right[p.name] = true
			} else if len(d.Wrong) < maxWrong {
				d.Wrong = append(d.Wrong, fmt.Sprintf("%s: answered %d, and must be %d", p.name, h.Status, p.want))
			}
		})
	}
	return nil
}

// digest is an Authorization by Digest with MD5 (RFC 7616).
func digest(l Login, method, uri, nonce string, count int) string {
	hash := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) } //nolint:gosec // see above
	nc := fmt.Sprintf("%08x", count)
	response := hash(strings.Join([]string{hash(l.Name + ":" + l.Realm + ":" + l.Password), nonce, nc, "c", "auth", hash(method + ":" + uri)}, ":"))
	return fmt.Sprintf(`Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", qop=auth, nc=%s, cnonce="c", response="%s"`,
		l.Name, l.Realm, nonce, uri, nc, response)
}
