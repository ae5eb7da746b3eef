package keypair

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strconv"
)

// maxFile is the largest file that is read. All public CAs together take 250 KB.
const maxFile = 4 << 20

// Roots reads the certificates of CAs that are to be trusted. The error is a sentence
// that names the file.
func Roots(file string) (*x509.CertPool, error) {
	chain, err := Certificates(file)
	if err != nil {
		return nil, fmt.Errorf("the file %s %w", strconv.Quote(file), err)
	}
	pool := x509.NewCertPool()
	for _, c := range chain {
		pool.AddCert(c)
	}
	return pool, nil
}

// Certificates reads all certificates of a file; there is at least one. The error does
// not name the file.
func Certificates(file string) ([]*x509.Certificate, error) {
	text, err := content(file)
	if err != nil {
		return nil, err
	}
	return certificates(text)
}

// content is what is in a regular file. Anything else is refused before it is opened:
// to open a pipe would wait for its other end. Errors do not name the file.
func content(name string) ([]byte, error) {
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, plain("cannot be opened", err)
	case st.IsDir():
		return nil, errors.New("is a folder, not a file")
	case !st.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, plain("cannot be opened", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, plain("cannot be read", err)
	case len(b) > maxFile:
		return nil, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	return b, nil
}

// plain is a file system's error that does not repeat the name.
func plain(what string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// blocks are the PEM blocks of a text.
func blocks(text []byte) iter.Seq[*pem.Block] {
	return func(yield func(*pem.Block) bool) {
		for {
			var b *pem.Block
			if b, text = pem.Decode(text); b == nil || !yield(b) {
				return
			}
		}
	}
}
