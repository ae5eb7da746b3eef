package issuance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/crypto/acme"
)

// Options are what an agent is told.
type Options struct {
	Domains   []string // each gets a certificate of its own
	Email     string   // where the CA may write to; may be empty
	Directory string   // the CA's address
	// Roots are trusted with the CA; nil means the system's.
	Roots  *x509.CertPool
	Folder string
	// TLS and HTTP say which proofs can be given: whether the CA, at its ports 443 and
	// 80, meets Challenge and Page.
	TLS, HTTP bool
	// Keep gets each certificate, those of the folder before New returns, and Trouble
	// the reason why there is no new one.
	Keep    func(domain string, c *tls.Certificate)
	Trouble func(domain, problem string)
	Version string // of the program, for the CA
	Log     *slog.Logger
}

// Agent gets certificates. Its methods may be called from any goroutine.
type Agent struct {
	o      Options
	dir    string // of this CA
	client *acme.Client
	known  bool // the account is known to the CA; of Run
	names  []*name
	proofs proofs
}

// name is a domain on its way to a certificate. It belongs to Run.
type name struct {
	domain   string
	leaf     *x509.Certificate // in use; nil if there is none
	failures int               // one after the other
	due      time.Time         // of the next try
}

// New makes an agent, with its folder, and reads the certificates that are there.
func New(o Options) (*Agent, error) {
	a := &Agent{o: o, dir: Place(o.Folder, o.Directory)}
	if err := makeFolder(a.dir); err != nil {
		return nil, err
	}
	key, err := accountKey(a.dir)
	if err != nil {
		return nil, err
	}
	a.client = &acme.Client{
		Key: key, DirectoryURL: o.Directory, HTTPClient: caller(o.Roots),
		UserAgent: "stream-pump/" + o.Version, RetryBackoff: backoff,
	}
	for _, d := range o.Domains {
		n := &name{domain: d}
		switch c, err := Stored(o.Folder, o.Directory, d); {
		case err == nil:
			n.leaf, n.due = c.Leaf, renewal(c.Leaf)
			o.Keep(d, c)
		case !errors.Is(err, fs.ErrNotExist):
			o.Log.Warn("a stored certificate cannot be used", "domain", d, "why", err)
		}
		a.patient(n)
		a.names = append(a.names, n)
	}
	return a, nil
}

// patient puts the first try of a name off if there were too many before the start:
// the CA counts them, whoever restarts the pump.
func (a *Agent) patient(n *name) {
	if at := nextTry(a.dir, n.domain); at.After(n.due) {
		n.due = at
		problem := fmt.Sprintf("no certificate was issued, and the CA is not asked again before %s, because more failures in an hour would lock the name out", at.Format("15:04"))
		a.o.Trouble(n.domain, problem)
		a.o.Log.Warn(problem, "domain", n.domain)
	}
}

// renewal is when a certificate should be renewed.
func renewal(c *x509.Certificate) time.Time {
	return c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 3)
}

// Run gets and renews certificates until ctx ends.
func (a *Agent) Run(ctx context.Context) {
	for {
		next := a.names[0]
		for _, n := range a.names {
			if n.due.Before(next.due) {
				next = n
			}
		}
		// A timer of months would not notice that the clock was set.
		wait := min(time.Until(next.due), time.Hour)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if !time.Now().Before(next.due) {
			a.try(ctx, next)
		}
	}
}

// try gets a certificate for one name, or finds out why there is none.
func (a *Agent) try(ctx context.Context, n *name) {
	c, err := a.issue(ctx, n.domain)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		a.keep(n, c)
		return
	}
	n.failures++
	a.known = false // perhaps the CA no longer knows us
	wait := pause(n.failures, err)
	n.due = time.Now().Add(wait)
	if !unreached(err) {
		noteTry(a.dir, n.domain)
	}
	a.o.Trouble(n.domain, "no certificate was issued: "+err.Error())
	level := slog.LevelWarn
	if n.leaf == nil || time.Now().After(n.leaf.NotAfter) {
		level = slog.LevelError
	}
	a.o.Log.Log(ctx, level, "no certificate was issued", "domain", n.domain, "why", err, "again", wait.Round(time.Second), "failures", n.failures)
}

// keep puts a new certificate into the folder and into use.
func (a *Agent) keep(n *name, c *tls.Certificate) {
	n.leaf, n.due, n.failures = c.Leaf, renewal(c.Leaf), 0
	lost := store(a.dir, n.domain, c)
	forgetTries(a.dir, n.domain)
	a.o.Keep(n.domain, c)
	a.o.Log.Info("a certificate was issued", "domain", n.domain, "until", c.Leaf.NotAfter, "renewal", n.due)
	if lost != nil {
		// It is good until the next start, when another one is asked for.
		a.o.Trouble(n.domain, lost.Error())
		a.o.Log.Error("a new certificate is lost at the next start", "domain", n.domain, "why", lost)
	}
}

// How long to wait after failures, from the first one on and at most.
const (
	refusedFirst, refusedMost = 30 * time.Minute, 12 * time.Hour
	unreachedFirst            = time.Minute
	unreachedMost             = time.Hour
)

// pause is the time from the nth failure in a row to the next try, with something
// added at random so that many pumps do not come at once.
func pause(n int, err error) time.Duration {
	wait, most := refusedFirst, refusedMost
	if unreached(err) {
		wait, most = unreachedFirst, unreachedMost
	}
	for ; n > 1 && wait < most; n-- {
		wait *= 2
	}
	wait = max(min(wait, most), retryAfter(err))
	return wait + rand.N(wait/10)
}
