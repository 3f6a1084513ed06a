package netlisten

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// clientCAs are the authorities that sign the certificates of clients. They are in a PEM file, which is loaded again when
// it changes.
type clientCAs struct {
	file string
	log  *slog.Logger
	base *tls.Config // has the authorities of the first load

	mu      sync.Mutex
	config  *tls.Config // base with the authorities of the last load; nil: base
	version string      // modification time and size of the file that config was loaded from
	checked time.Time
}

// VerifyClients makes a server with the configuration cfg ask its clients for certificates that an authority in the PEM
// file has signed. A client with another certificate is refused, and one without a certificate if required is true. section
// is the section of the configuration that sets the file. If file is empty, VerifyClients does nothing.
func VerifyClients(cfg *tls.Config, section, file string, required bool, log *slog.Logger) error {
	if file == "" {
		if required {
			return fmt.Errorf("%s.clientCert is required, but %s.clientCAFile is not set: set it to the PEM file of the authorities", section, section)
		}
		return nil
	}
	c := &clientCAs{file: file, log: log, base: cfg, version: fileVersion(file), checked: time.Now()}
	pool, err := loadAuthorities(file)
	if err != nil {
		return fmt.Errorf("%s.clientCAFile cannot be used: %w", section, err)
	}
	cfg.ClientCAs, cfg.ClientAuth = pool, tls.VerifyClientCertIfGiven
	if required {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	cfg.GetConfigForClient = c.get
	return nil
}

func loadAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bytes.TrimPrefix(text, []byte("\uFEFF"))) {
		return nil, errors.New("it has no certificate in PEM")
	}
	return pool, nil
}

// get returns the configuration for a client, or nil for the first one.
func (c *clientCAs) get(*tls.ClientHelloInfo) (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= checkInterval {
		c.checked = now
		c.reload()
	}
	return c.config, nil
}

// reload loads the file if it has changed. If the new file cannot be used, the current authorities stay in use until the
// next check.
func (c *clientCAs) reload() {
	version := fileVersion(c.file)
	if version == c.version {
		return
	}
	pool, err := loadAuthorities(c.file)
	if err != nil {
		c.log.Warn("the changed authorities of client certificates cannot be used; the old ones stay in use", "clientCAFile", c.file, "error", err.Error())
		return
	}
	next := c.base.Clone()
	next.ClientCAs, next.GetConfigForClient = pool, nil
	c.config, c.version = next, version
	c.log.Info("the authorities of client certificates were reloaded", "clientCAFile", c.file)
}
