package netlisten

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// checkInterval is the least time between two checks of the certificate files. A TLS handshake makes the check.
const checkInterval = time.Second

// Certificate is a TLS certificate in a pair of PEM files. It reloads the files if they change, without a restart and
// without dropping a connection. It may be used concurrently.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	cert    *tls.Certificate
	version string // modification times and sizes of the files that cert was loaded from
	checked time.Time
}

// LoadCertificate loads the pair. The error names the settings certFile and keyFile in their section.
func LoadCertificate(section, certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.version = c.fileVersion()
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s.certFile and %s.keyFile cannot be used: %w", section, section, err)
	}
	c.cert, c.checked = &cert, time.Now()
	return c, nil
}

// Config returns a TLS configuration that serves the certificate for the given application protocols.
func (c *Certificate) Config(protocols ...string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetCertificate: c.get}
}

func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= checkInterval {
		c.checked = now
		c.reload()
	}
	return c.cert, nil
}

// reload loads the files if they changed. If they cannot be used, for example because only one of the two is replaced
// yet, the current certificate stays in use until the next check.
func (c *Certificate) reload() {
	version := c.fileVersion()
	if version == c.version {
		return
	}
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		c.log.Warn("the changed certificate cannot be used; the old one stays in use", "certFile", c.certFile, "error", err.Error())
		return
	}
	c.cert, c.version = &cert, version
	c.log.Info("the certificate was reloaded", "certFile", c.certFile)
}

func (c *Certificate) fileVersion() string {
	version := ""
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			version += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), ";")
		}
	}
	return version
}
