package certs

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"streampump/internal/keypair"
)

// Options are what a store begins with.
type Options struct {
	// Files are pairs that must be there and fit. The first certificate is for
	// clients that ask for no name or an unknown one.
	Files []keypair.Files
	// Domains get their certificates by [Store.Put].
	Domains []string
	// Challenge may return another configuration for a handshake, by which a CA
	// examines the pump; nil for all other handshakes. It may be nil itself.
	Challenge func(*tls.ClientHelloInfo) *tls.Config
	Log       *slog.Logger
}

// Store is the certificates of a pump.
type Store struct {
	// Set once.
	log    *slog.Logger
	config *tls.Config

	// For handshakes, which take no lock.
	index atomic.Pointer[index]

	mu      sync.Mutex // guards what follows
	entries []*entry
}

// Open reads the files. An error is a [*keypair.Error]; that a certificate has
// expired is none.
func Open(o Options) (*Store, error) {
	s := &Store{log: o.Log}
	for _, f := range o.Files {
		c, err := f.Read()
		if err != nil {
			return nil, err
		}
		s.entries = append(s.entries, &entry{files: f, cert: c})
	}
	for _, d := range o.Domains {
		s.entries = append(s.entries, &entry{domain: d, problem: noneYet})
	}
	s.config = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: s.pick,
		// A viewer's packets are whole records from the first on: small ones would only
		// cost more calls and bytes.
		DynamicRecordSizingDisabled: true,
	}
	if o.Challenge != nil {
		s.config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) { return o.Challenge(h), nil }
	}
	s.reindex()
	return s, nil
}

// noneYet is the problem of a domain before its first certificate.
const noneYet = "there is no certificate yet"

// TLSConfig is the configuration for every listener. It is one and the same, so that
// a ticket of one is good at all; it must not be changed.
func (s *Store) TLSConfig() *tls.Config { return s.config }

// Reload reads all files now. Pairs that are not good are refused, and the old ones
// kept; the error says why, for all of them.
func (s *Store) Reload() error {
	s.look(time.Now(), 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, e := range s.entries {
		if e.domain == "" && e.problem != "" {
			errs = append(errs, errors.New(e.problem))
		}
	}
	return errors.Join(errs...)
}

// Put makes c the certificate of one of the domains.
func (s *Store) Put(domain string, c *tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.domain == domain {
			s.replace(e, c)
			e.problem = ""
		}
	}
}

// Trouble notes why there is no new certificate for one of the domains. Whoever calls
// it has written the log.
func (s *Store) Trouble(domain, problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.domain == domain {
			e.problem = problem
		}
	}
}

// Bar says why a file could not be read anew, for the status: the old certificate stays
// until it can. Whoever calls it has written the log.
func (s *Store) Bar(file, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.domain == "" && (e.files.Cert == file || e.files.Key == file) {
			e.barred, e.problem = why, why
		}
	}
}

// look reads the files of all entries. Those that are not good are refused once they
// have been so for the given time; doubt says that some were not refused yet.
func (s *Store) look(now time.Time, patience time.Duration) (doubt bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.domain == "" && s.read(e, now, patience) {
			doubt = true
		}
	}
	return doubt
}

// read reads the files of an entry.
func (s *Store) read(e *entry, now time.Time, patience time.Duration) (doubt bool) {
	c, err := e.files.Read()
	if err == nil {
		err = e.worse(c, now)
	}
	if err == nil {
		e.doubted = time.Time{}
		switch {
		case !same(c, e.cert):
			s.replace(e, c)
			e.problem = ""
			s.log.Info("a certificate was read anew", append(e.attrs(now), "file", e.files.Cert)...)
		case e.problem != "":
			e.problem = ""
			s.log.Info("a certificate's files are again those in use", "file", e.files.Cert)
		}
		return false
	}
	if e.barred != "" && errors.Is(err, fs.ErrPermission) {
		return false // it was said, with what is to be done
	}
	if e.doubted.IsZero() {
		e.doubted = now
	}
	switch {
	case err.Error() == e.problem:
	case now.Sub(e.doubted) < patience:
		return true
	default:
		e.problem = err.Error()
		s.log.Error("a new certificate is refused, and the old one stays", append(e.attrs(now), "why", e.problem)...)
	}
	return false
}

// replace puts a new certificate in the place of an entry's old one: handshakes have it
// before anybody is told.
func (s *Store) replace(e *entry, c *tls.Certificate) {
	e.cert, e.told, e.ended = c, time.Time{}, false
	s.reindex()
}

// reindex shows handshakes the certificates that there are now.
func (s *Store) reindex() {
	var all []*tls.Certificate
	for _, e := range s.entries {
		if e.cert != nil {
			all = append(all, e.cert)
		}
	}
	s.index.Store(newIndex(all))
}
