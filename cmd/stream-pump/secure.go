package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"sync"
	"time"

	"streampump/admin"
	"streampump/cmd/internal/certs"
	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/confine"
	"streampump/cmd/internal/issuance"
	"streampump/config"
	"streampump/internal/account"
	"streampump/internal/keypair"
)

// security is what the listeners over TLS need. The zero value is that of a pump
// without any.
type security struct {
	store *certs.Store
	agent *issuance.Agent // nil if no certificate is automatic
}

// secure reads the certificates that a configuration needs.
func secure(c *config.Config, log *slog.Logger) (x *security, err error) {
	x = &security{}
	if len(c.TLS.Listen) == 0 {
		return x, nil
	}
	auto := c.TLS.Automatic
	o := certs.Options{Files: c.TLS.Certificates, Domains: auto.Domains, Log: log}
	if len(auto.Domains) > 0 {
		o.Challenge = func(h *tls.ClientHelloInfo) *tls.Config { return x.agent.Challenge(h) }
	}
	if x.store, err = certs.Open(o); err != nil || len(auto.Domains) == 0 {
		return x, err
	}
	var roots *x509.CertPool
	if auto.CAFile != "" {
		if roots, err = keypair.Roots(auto.CAFile); err != nil {
			return nil, err
		}
	}
	byTLS, byHTTP := c.Proofs()
	asKeeper(auto.Folder, auto.Directory, func() {
		x.agent, err = issuance.New(issuance.Options{
			Domains: auto.Domains, Email: auto.Email, Directory: auto.Directory, Roots: roots, Folder: auto.Folder,
			TLS: byTLS, HTTP: byHTTP, Keep: x.store.Put, Trouble: x.store.Trouble, Version: cli.Version, Log: log,
		})
	})
	return x, err
}

// asKeeper runs f, which looks into a folder for automatic certificates, with the rights
// of whom that folder belongs to, if the process is root: once it was handed over, a link
// in it may point anywhere. A keeper to whom the folder is closed cannot have put
// anything there.
func asKeeper(folder, directory string, f func()) {
	ran := false
	if uid, gid, ok := issuance.Keeper(folder, directory); ok && os.Geteuid() == 0 {
		_ = confine.As(account.Account{UID: uid, GID: gid}, func() { // root that cannot become anybody has no more rights
			if _, err := os.Stat(folder); err == nil {
				f()
				ran = true
			}
		})
	}
	if !ran {
		f()
	}
}

// bar says of a certificate's file that it cannot be read again.
func (x *security) bar(b confine.Barred) {
	if x.store != nil {
		x.store.Bar(b.Path, b.Text)
	}
}

// handOver gives what root has made for automatic certificates to whom the process
// becomes.
func (x *security) handOver(c *config.Config, a account.Account) error {
	if x.agent == nil || os.Geteuid() != 0 {
		return nil
	}
	auto := c.TLS.Automatic
	return issuance.HandOver(auto.Folder, auto.Directory, a.UID, a.GID)
}

// page is the page that a CA may ask for; see [issuance.Agent.Page].
func (x *security) page(path string) (string, bool) {
	if x.agent == nil {
		return "", false
	}
	return x.agent.Page(path)
}

// run keeps the certificates up to date until ctx ends; wait returns after that.
func (x *security) run(ctx context.Context) (wait func()) {
	var running sync.WaitGroup
	if x.store != nil {
		running.Go(func() { x.store.Run(ctx) })
	}
	if x.agent != nil {
		running.Go(func() { x.agent.Run(ctx) })
	}
	return running.Wait
}

// reload reads the certificates from files now. Which are new, and which are refused, the
// store itself says.
func (x *security) reload(log *slog.Logger) {
	if x.store == nil {
		return
	}
	if err := x.store.Reload(); err != nil {
		log.Error("reload: not all certificates are good; for these the old ones stay", "why", err)
	}
}

// status are the certificates now.
func (x *security) status() []admin.CertificateStatus {
	if x.store == nil {
		return statusOf(nil, time.Time{})
	}
	return statusOf(x.store.Snapshot(), time.Now())
}
