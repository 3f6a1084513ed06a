// Package certs keeps a TLS certificate in step with its files, so that a renewed one is served without a restart
// and without dropping a connection.
package certs

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the files' times are looked at, at most: once in this time, by a handshake.
const lookEvery = time.Second

// Loader serves the certificate of a pair of PEM files.
type Loader struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	cert    *tls.Certificate
	version string // the times and sizes of the files that cert was read from
	looked  time.Time
}

// New reads the pair; section names the settings in the error.
func New(section, certFile, keyFile string, log *slog.Logger) (*Loader, error) {
	l := &Loader{certFile: certFile, keyFile: keyFile, log: log}
	l.version = l.stamp()
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s.certFile and %s.keyFile cannot be used: %w", section, section, err)
	}
	l.cert, l.looked = &cert, time.Now()
	return l, nil
}

// Config returns a TLS configuration that serves the certificate for the given application protocols.
func (l *Loader) Config(protocols ...string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetCertificate: l.get}
}

func (l *Loader) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.looked) >= lookEvery {
		l.looked = now
		l.refresh()
	}
	return l.cert, nil
}

// refresh reads the files again if they changed. A pair that does not fit, as while it is being replaced, leaves the
// old one in service until the next look.
func (l *Loader) refresh() {
	version := l.stamp()
	if version == l.version {
		return
	}
	cert, err := tls.LoadX509KeyPair(l.certFile, l.keyFile)
	if err != nil {
		l.log.Warn("the changed certificate cannot be used; the old one stays in service", "certFile", l.certFile, "error", err.Error())
		return
	}
	l.cert, l.version = &cert, version
	l.log.Info("the certificate was read again", "certFile", l.certFile)
}

func (l *Loader) stamp() string {
	stamp := ""
	for _, name := range []string{l.certFile, l.keyFile} {
		if info, err := os.Stat(name); err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), ";")
		}
	}
	return stamp
}
