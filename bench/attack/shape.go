package attack

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"streampump/bench/answer"
)

// Shape is something that is sent on a connection of its own, and how that must be
// answered. What follows the answers is the end of the connection, which the pump
// makes.
type Shape struct {
	Name string
	// Send is what is sent. {host}, {view} and {push} stand for the target's address and
	// paths, and {id} for the id of the session that was set up.
	Send string
	// Want are the statuses of the answers, in order and with blanks between them; empty
	// if there must be none. "400|404" is one or the other.
	Want string
	// Says, if it is not empty, is in the answers, and Hides in none of them.
	Says, Hides string
	// SetUp sets up an encoder's session first.
	SetUp bool
	// Elsewhere: it is sent from another address than the attackers'.
	Elsewhere bool
}

// Shapes is an attack that tries shapes one after another, again and again, and looks
// at each answer.
func Shapes(name, what string, door Door, list []Shape) Attack {
	return Attack{
		Name: name, What: what, Unit: "shapes", Door: door, Shapes: len(list),
		Own: Bounds{For: 3 * time.Second, Units: 100_000, Connections: 4, Rate: 300},
		run: func(a *assault) error { return a.shapes(list) },
	}
}

// shapes tries each shape in its turn.
func (a *assault) shapes(list []Shape) error {
	var turn atomic.Int64
	return a.workers(func() error {
		for a.next(1) {
			s := &list[int(turn.Add(1)-1)%len(list)]
			got, err := a.try(s)
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				return nil // dialling, which only the end of the attack cuts short
			}
			if a.ctx.Err() != nil {
				return nil
			}
			a.count(func(d *Did) {
				if err == nil {
					err = s.judge(got)
				}
				if err == nil {
					d.Right[s.Name] = true
				} else if len(d.Wrong) < maxWrong {
					d.Wrong = append(d.Wrong, s.Name+": "+err.Error())
				}
			})
		}
		return nil
	})
}

const (
	// shapePatience is how long the pump may take to answer a shape and to close.
	shapePatience = 8 * time.Second
	// maxAnswer is the most that is read of an answer: more is a stream.
	maxAnswer = 256 << 10
)

// try sends a shape and reads what comes, up to the end of the connection.
func (a *assault) try(s *Shape) (got string, err error) {
	from := source
	if s.Elsewhere {
		from = sourceOf(0)
	}
	c, err := a.dialFrom(from, nil)
	if err != nil {
		return "", err
	}
	defer c.Close()
	defer ends(a, c)()
	_ = c.SetDeadline(time.Now().Add(shapePatience))
	id := ""
	if s.SetUp {
		if id, err = a.setUp(c); err != nil {
			return "", err
		}
	}
	text := strings.NewReplacer("{host}", a.t.Addr, "{view}", a.t.View, "{push}", a.t.Push, "{id}", id).Replace(s.Send)
	sent, _ := io.WriteString(c, text) // whoever is refused in the middle cannot send the rest
	b, err := io.ReadAll(io.LimitReader(c, maxAnswer))
	a.count(func(d *Did) {
		d.Sent += int64(sent)
		d.Received += int64(len(b))
		new(statuses).count(b, d.Answers)
	})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", fmt.Errorf("the connection is still open after %v, and brought %.80q", shapePatience, b)
	case len(b) == maxAnswer:
		return "", fmt.Errorf("there is no end to the answer, which begins with %.80q", b)
	}
	a.count(func(d *Did) { d.Closed++ })
	return string(b), nil
}

// setUp sets up an encoder's session and returns its id.
func (a *assault) setUp(c net.Conn) (id string, err error) {
	n, err := fmt.Fprintf(c, setupText, a.t.Push, a.t.Addr)
	a.count(func(d *Did) { d.Sent += int64(n) })
	if err != nil {
		return "", err
	}
	h, rest, err := answer.Read(c)
	if err != nil {
		return "", fmt.Errorf("setting up: %w", err)
	}
	if h.Status/100 != 2 || len(rest) > 0 {
		return "", fmt.Errorf("setting up is answered %s", h)
	}
	id, _, _ = strings.Cut(strings.TrimPrefix(h.Get("Set-Cookie"), "push-id="), ";")
	return id, nil
}

// judge says what is wrong with what came.
func (s *Shape) judge(got string) error {
	found := new(statuses).next([]byte(got))
	switch statuses := strings.Join(found, " "); {
	case !slices.Contains(strings.Split(s.Want, "|"), statuses):
		return fmt.Errorf("answered %q, and must be %q", statuses, s.Want)
	case !strings.Contains(got, s.Says):
		return fmt.Errorf("the answer does not say %q", s.Says)
	case s.Hides != "" && strings.Contains(got, s.Hides):
		return fmt.Errorf("the answer says %q", s.Hides)
	}
	return nil
}
