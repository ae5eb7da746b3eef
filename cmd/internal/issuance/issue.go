package issuance

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/acme"
)

const (
	// tryTime is how long one try of one proof may take. CAs look from several places
	// of the world, and wait for slow ones.
	tryTime = 5 * time.Minute
	// callTime is how long one request to the CA may take.
	callTime = 30 * time.Second
)

// issue gets a certificate for a name: each proof that can be given is tried in turn.
func (a *Agent) issue(ctx context.Context, domain string) (*tls.Certificate, error) {
	if err := a.register(ctx); err != nil {
		return nil, err
	}
	var failed error
	for _, p := range a.kinds() {
		c, err := a.order(ctx, domain, p)
		if err == nil {
			return c, nil
		}
		var refused *proofError
		if !errors.As(err, &refused) {
			return nil, err // another proof would not help
		}
		if failed != nil {
			err = fmt.Errorf("%w; and %w", failed, err)
		}
		failed = err
	}
	return nil, failed
}

// register makes the account known to the CA, once.
func (a *Agent) register(ctx context.Context) error {
	if a.known {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	account := &acme.Account{}
	if a.o.Email != "" {
		account.Contact = []string{"mailto:" + a.o.Email}
	}
	// The operator has accepted the terms in the configuration.
	_, err := a.client.Register(ctx, account, acme.AcceptTOS)
	if err != nil && !errors.Is(err, acme.ErrAccountAlreadyExists) {
		return explain(err)
	}
	a.known = true
	return nil
}

// order gets a certificate by one kind of proof.
func (a *Agent) order(ctx context.Context, domain string, p kind) (*tls.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	order, err := a.client.AuthorizeOrder(ctx, acme.DomainIDs(domain))
	if err != nil {
		return nil, explain(err)
	}
	for _, url := range order.AuthzURLs {
		if err := a.prove(ctx, url, domain, p); err != nil {
			return nil, err
		}
	}
	if order, err = a.client.WaitOrder(ctx, order.URI); err != nil {
		return nil, explain(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{domain}}, key)
	if err != nil {
		return nil, err
	}
	chain, _, err := a.client.CreateCertFromOrder(ctx, order, csr, true)
	if err != nil {
		return nil, explain(err)
	}
	return joined(chain, key)
}

// prove shows the CA that a name is ours.
func (a *Agent) prove(ctx context.Context, url, domain string, p kind) error {
	z, err := a.client.GetAuthorization(ctx, url)
	if err != nil {
		return explain(err)
	}
	if z.Status == acme.StatusValid { // from a short while ago
		return nil
	}
	i := slices.IndexFunc(z.Challenges, func(c *acme.Challenge) bool { return c.Type == string(p) })
	if i < 0 {
		return &proofError{p, errors.New("the CA does not offer it")}
	}
	challenge := z.Challenges[i]
	withdraw, err := a.offer(p, domain, challenge.Token)
	if err != nil {
		return err
	}
	defer withdraw()
	if _, err := a.client.Accept(ctx, challenge); err != nil {
		return explain(err)
	}
	if _, err := a.client.WaitAuthorization(ctx, z.URI); err != nil {
		if said := (*acme.AuthorizationError)(nil); errors.As(err, &said) {
			return &proofError{p, explain(err)}
		}
		return explain(err)
	}
	return nil
}

// caller makes requests to the CA.
func caller(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: callTime,
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true,
			// Months pass between two certificates.
			IdleConnTimeout: time.Minute,
		},
	}
}

// backoff is the time to the nth repetition of a request. Where the CA has said that
// it is too much, the whole try is put off instead.
func backoff(n int, _ *http.Request, r *http.Response) time.Duration {
	const most = 4
	switch {
	case n > most || r != nil && r.StatusCode == http.StatusTooManyRequests:
		return -1
	case r != nil && r.StatusCode == http.StatusBadRequest: // a nonce was too old
		return time.Millisecond
	}
	return time.Second << (n - 1)
}
