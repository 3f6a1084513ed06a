package basics

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificate makes a certificate for 127.0.0.1 that is valid for an hour. It returns the names of the certificate file
// and the key file, and the configuration of a TLS client that trusts only this certificate.
func Certificate(t testing.TB) (certFile, keyFile string, client *tls.Config) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	// Many clients must connect in little time, and the race detector does not slow down the arithmetic of P-256.
	curves := []tls.CurveID{tls.CurveP256}
	return certFile, keyFile, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", CurvePreferences: curves}
}

// RenewCertificate replaces the contents of certFile and keyFile with a new certificate and its key. It returns the
// configuration of a TLS client that trusts only the new certificate.
func RenewCertificate(t testing.TB, certFile, keyFile string) (client *tls.Config) {
	t.Helper()
	cert, key, client := Certificate(t)
	for from, to := range map[string]string{cert: certFile, key: keyFile} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	return client
}
