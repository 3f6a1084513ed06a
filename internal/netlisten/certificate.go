package netlisten

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// checkInterval is the minimum time between two checks whether the certificate files have changed. The check is made
// during a TLS handshake.
const checkInterval = time.Second

// Certificate is a TLS certificate that is stored in two PEM files, the certificate chain and the private key. If the
// files change, Certificate reloads them without a restart and without dropping a connection. It is safe for concurrent
// use.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	cert    *tls.Certificate
	version string // modification times and sizes of the files that cert was loaded from
	checked time.Time
}

// LoadCertificate loads a certificate from the files certFile and keyFile. section is the section of the configuration
// that sets both files. If the files cannot be used, the error names the two settings.
func LoadCertificate(section, certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	if certFile == "" || keyFile == "" {
		return nil, fmt.Errorf("%s needs a certificate: set %s.certFile and %s.keyFile to its PEM files, or switch TLS off", section, section, section)
	}
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.version = c.fileVersion()
	cert, err := loadPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s.certFile and %s.keyFile cannot be used: %w", section, section, err)
	}
	c.cert, c.checked = &cert, time.Now()
	if leaf := cert.Leaf; leaf != nil && c.checked.After(leaf.NotAfter) {
		log.Warn("the certificate has expired, and clients refuse it: renew it", "setting", section+".certFile", "certFile", certFile, "since", leaf.NotAfter)
	}
	return c, nil
}

// loadPair is tls.LoadX509KeyPair, but it ignores a byte order mark at the beginning of a file, which editors on Windows
// write.
func loadPair(certFile, keyFile string) (tls.Certificate, error) {
	var text [2][]byte
	for i, name := range [...]string{certFile, keyFile} {
		var err error
		if text[i], err = os.ReadFile(name); err != nil {
			return tls.Certificate{}, err
		}
		text[i] = bytes.TrimPrefix(text[i], []byte("\uFEFF"))
	}
	return tls.X509KeyPair(text[0], text[1])
}

// Config returns a TLS configuration that serves the certificate for the given application protocols.
func (c *Certificate) Config(protocols ...string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetCertificate: c.get, CipherSuites: suites}
}

// suites lists the cipher suites of TLS 1.2 with forward secrecy and authenticated encryption. TLS 1.3 has no others.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
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

// reload loads the files if they have changed. If the new files cannot be used, the current certificate stays in use
// until the next check. This happens, for example, while only one of the two files has been replaced.
func (c *Certificate) reload() {
	version := c.fileVersion()
	if version == c.version {
		return
	}
	cert, err := loadPair(c.certFile, c.keyFile)
	if err != nil {
		c.log.Warn("the changed certificate cannot be used; the old one stays in use", "certFile", c.certFile, "error", err.Error())
		return
	}
	c.cert, c.version = &cert, version
	c.log.Info("the certificate was reloaded", "certFile", c.certFile)
}

func (c *Certificate) fileVersion() string { return fileVersion(c.certFile, c.keyFile) }

// fileVersion returns a text that changes when one of the files does.
func fileVersion(names ...string) string {
	version := ""
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			version += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), ";")
		}
	}
	return version
}
