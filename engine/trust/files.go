package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"streampump/internal/keypair"
)

// ReadAuthorities reads the certificates in a PEM file; there is at least one. The
// error does not name the file.
func ReadAuthorities(file string) ([]*x509.Certificate, error) { return keypair.Certificates(file) }

// ReadCertificate reads the first certificate of a PEM file: the one that is shown. The
// error does not name the file.
func ReadCertificate(file string) (*x509.Certificate, error) {
	certs, err := ReadAuthorities(file)
	if err != nil {
		return nil, err
	}
	return certs[0], nil
}

// CheckKey says what is wrong with the key of a certificate whose file can be read. The
// error does not name the key's file.
func CheckKey(cert, key string) error {
	var bad *keypair.Error
	if _, err := (keypair.Files{Cert: cert, Key: key}).Read(); errors.As(err, &bad) {
		return bad.Err
	}
	return nil
}

// readPair reads a client certificate. Its errors name the file, as readPool's do.
func readPair(certFile, keyFile string) (*tls.Certificate, error) {
	pair, err := keypair.Files{Cert: certFile, Key: keyFile}.Read()
	var bad *keypair.Error
	if errors.As(err, &bad) {
		what := "certificate"
		if bad.InKey {
			what = "key"
		}
		return nil, fmt.Errorf("the client %s's file %s %w", what, bad.File, bad.Err)
	}
	return pair, err
}

// readPool reads the authorities that are believed.
func readPool(file string) (*x509.CertPool, error) {
	certs, err := ReadAuthorities(file)
	if err != nil {
		return nil, fmt.Errorf("the authorities' file %s %w", file, err)
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// watched is what was read from files, and is read anew when they change.
type watched[T any] struct {
	files  []string
	read   func() (T, error)
	value  T
	ok     bool    // there is a value
	stamps []stamp // of the files when they were read last, well or not
}

func watch[T any](read func() (T, error), files ...string) *watched[T] {
	return &watched[T]{files: files, read: read}
}

// look is the present value. With one, the error says that the files have just changed
// and cannot be used; it is said once. Without one they are read each time.
func (w *watched[T]) look() (value T, ok bool, err error) {
	var now []stamp // from before reading: what changes meanwhile is seen the next time
	for _, file := range w.files {
		now = append(now, stampOf(file))
	}
	if w.ok && slices.Equal(now, w.stamps) {
		return w.value, true, nil
	}
	w.stamps = now
	if value, err = w.read(); err == nil {
		w.value, w.ok = value, true
	}
	return w.value, w.ok, err
}

// stamp changes when a file is written to, replaced, or given another mode.
type stamp struct {
	device, inode uint64
	size, changed int64
}

// stampOf is the zero stamp for a file that is not there.
func stampOf(file string) stamp {
	var st syscall.Stat_t
	if err := syscall.Stat(file, &st); err != nil {
		return stamp{}
	}
	return stamp{st.Dev, st.Ino, st.Size, st.Ctim.Nano()}
}
