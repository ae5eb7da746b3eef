package trust

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// maxFile is the largest file that is read. A system's whole list of authorities has
// about 250 KB.
const maxFile = 4 << 20

// ReadAuthorities reads the certificates in a PEM file; there is at least one. The
// error does not name the file.
func ReadAuthorities(file string) ([]*x509.Certificate, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		if b.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("has a certificate (no. %d) that cannot be read: %s", len(certs)+1, words(err))
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errors.New("holds no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----")
	}
	return certs, nil
}

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
	_, err := readKey(cert, key)
	return err
}

// readKey reads a certificate, which is known to be good, with its key. The error is
// about the key.
func readKey(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := readFile(certFile)
	if err != nil {
		return nil, err
	}
	key, err := readFile(keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	switch {
	case err == nil:
		return &pair, nil
	case bytes.Contains(key, []byte("ENCRYPTED")):
		return nil, errors.New("has a key with a passphrase, and there is nobody here to type that")
	case strings.Contains(err.Error(), "does not match"):
		return nil, errors.New("has the key of another certificate")
	}
	return nil, errors.New("holds no private key in PEM form, which begins with -----BEGIN PRIVATE KEY-----")
}

// readPair reads a client certificate. Its errors name the file, as readPool's do.
func readPair(certFile, keyFile string) (*tls.Certificate, error) {
	if _, err := ReadCertificate(certFile); err != nil {
		return nil, fmt.Errorf("the client certificate's file %s %w", certFile, err)
	}
	pair, err := readKey(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("the client key's file %s %w", keyFile, err)
	}
	return pair, nil
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

// readFile reads a regular file. Anything else is refused before it is opened: opening a
// pipe would wait for its other end.
func readFile(file string) ([]byte, error) {
	st, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, plain("cannot be opened", err)
	case st.IsDir():
		return nil, errors.New("is a folder, not a file")
	case !st.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, plain("cannot be opened", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, plain("cannot be read", err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	return text, nil
}

// plain is a file system's error as a sentence that does not repeat the name.
func plain(what string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", what, err)
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
