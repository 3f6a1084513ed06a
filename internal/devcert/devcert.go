// Package devcert makes TLS certificates for development: one signed by an own authority, or a self-signed one. Begin with
// [Make]. It never replaces a file.
package devcert

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// The names of the files in the folder.
const (
	CACert     = "ca-cert.pem"
	CAKey      = "ca-key.pem"
	ServerCert = "server-cert.pem"
	ServerKey  = "server-key.pem"
)

// MaxDays is the longest life of a certificate of a server, because some systems refuse a longer one.
const MaxDays = 825

// caYears is the life of the authority.
const caYears = 10

// always are the names that each certificate has.
var always = []string{"localhost", "127.0.0.1", "::1"}

// Options are the wishes for a certificate.
type Options struct {
	Folder     string    // is created if it is missing
	Names      []string  // host names and IP addresses in addition to localhost, 127.0.0.1 and ::1
	SelfSigned bool      // without an authority
	Days       int       // for which the certificate is valid, 1 to MaxDays
	Now        time.Time // default: time.Now()
}

// Made describes what [Make] has written.
type Made struct {
	Names     []string // all names of the certificate
	Until     time.Time
	Trust     string    // the file that a client must trust
	NewCA     bool      // the authority was made, too
	CAUntil   time.Time // zero if self-signed
	Cert, Key string    // files
}

// Make writes a certificate and its key. Unless the certificate is self-signed, an authority signs it: the one in the
// folder, or a new one. If a file of the certificate is there already, the error names it, and Make writes nothing.
func Make(o Options) (Made, error) {
	o.Now = cmp.Or(o.Now, time.Now())
	names, err := allNames(o.Names)
	if err != nil {
		return Made{}, err
	}
	if o.Days < 1 || o.Days > MaxDays {
		return Made{}, fmt.Errorf("a certificate is valid for %d days: choose 1 to %d", o.Days, MaxDays)
	}
	made := Made{Names: names, Until: o.Now.AddDate(0, 0, o.Days), Cert: filepath.Join(o.Folder, ServerCert), Key: filepath.Join(o.Folder, ServerKey)}
	for _, path := range []string{made.Cert, made.Key} {
		if _, err := os.Lstat(path); err == nil {
			return Made{}, fmt.Errorf("%s is there already: move or remove it, or choose another folder", path)
		}
	}
	if err := os.MkdirAll(o.Folder, 0o755); err != nil {
		return Made{}, err
	}
	w := &writer{}
	if err := o.write(w, &made); err != nil {
		w.undo()
		return Made{}, err
	}
	return made, nil
}

func (o *Options) write(w *writer, made *Made) error {
	template, err := certificate(made.Names[0], o.Now, made.Until)
	if err != nil {
		return err
	}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range made.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	parent, signer := template, crypto.Signer(key)
	made.Trust = made.Cert
	if !o.SelfSigned {
		made.Trust = filepath.Join(o.Folder, CACert)
		if parent, signer, made.NewCA, err = o.authority(w); err != nil {
			return err
		}
		made.CAUntil = parent.NotAfter
		if parent.NotAfter.Before(made.Until) {
			return fmt.Errorf("the authority in %s ends on %s, before the certificate: remove %s and %s, or choose another folder", o.Folder, parent.NotAfter.Format(time.DateOnly), CACert, CAKey)
		}
	}
	return w.pair(made.Cert, made.Key, template, parent, key, signer)
}

// authority returns the authority in the folder. If there is none, authority makes one.
func (o *Options) authority(w *writer) (cert *x509.Certificate, key crypto.Signer, isNew bool, err error) {
	certFile, keyFile := filepath.Join(o.Folder, CACert), filepath.Join(o.Folder, CAKey)
	certText, err1 := os.ReadFile(certFile)
	keyText, err2 := os.ReadFile(keyFile)
	switch {
	case errors.Is(err1, fs.ErrNotExist) && errors.Is(err2, fs.ErrNotExist):
		cert, key, err = o.newAuthority(w, certFile, keyFile)
		return cert, key, true, err
	case err1 != nil || err2 != nil:
		return nil, nil, false, fmt.Errorf("the authority cannot be read: %w; restore the missing file, or remove the other one", errors.Join(err1, err2))
	}
	cert, key, err = parsePair(certText, keyText)
	if err != nil {
		return nil, nil, false, fmt.Errorf("the authority of %s and %s cannot be used: %w; remove both for a new one", certFile, keyFile, err)
	}
	return cert, key, false, nil
}

func (o *Options) newAuthority(w *writer, certFile, keyFile string) (*x509.Certificate, crypto.Signer, error) {
	host, _ := os.Hostname()
	template, err := certificate("development on "+cmp.Or(host, "this machine"), o.Now, o.Now.AddDate(caYears, 0, 0))
	if err != nil {
		return nil, nil, err
	}
	template.IsCA, template.MaxPathLenZero = true, true // it signs no other authority
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if err := w.pair(certFile, keyFile, template, template, key, key); err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(certFile)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes) // with the id of its key, which the template lacks
	return cert, key, err
}

func parsePair(certText, keyText []byte) (*x509.Certificate, crypto.Signer, error) {
	certBlock, _ := pem.Decode(certText)
	keyBlock, _ := pem.Decode(keyText)
	if certBlock == nil || keyBlock == nil {
		return nil, nil, errors.New("it is no PEM")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !cert.IsCA || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errors.New("the two files do not belong together")
	}
	return cert, key, nil
}

// certificate returns a template with a random serial number.
func certificate(name string, from, until time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"actionHero development"}, CommonName: name},
		NotBefore: from.Add(-time.Hour), NotAfter: until, BasicConstraintsValid: true,
	}, nil
}

var hostName = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)

// allNames returns the names that every certificate has, and further ones, each once.
func allNames(further []string) ([]string, error) {
	names := slices.Clone(always)
	for _, name := range further {
		if addr, err := netip.ParseAddr(name); err == nil {
			name = addr.Unmap().String()
		} else if len(name) > 253 || !hostName.MatchString(name) {
			return nil, fmt.Errorf("%q is neither a host name nor an IP address: write a name such as app.test, without a scheme and a port", name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// writer writes files that were not there, and can remove them again.
type writer struct{ written []string }

// pair writes a certificate and its key, which only the user of this process can read.
func (w *writer) pair(certFile, keyFile string, template, parent *x509.Certificate, key *ecdsa.PrivateKey, signer crypto.Signer) error {
	cert, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := w.file(keyFile, "PRIVATE KEY", raw, 0o600); err != nil {
		return err
	}
	return w.file(certFile, "CERTIFICATE", cert, 0o644)
}

func (w *writer) file(path, kind string, raw []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	w.written = append(w.written, path)
	return errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: raw}), f.Close())
}

// undo removes what was written.
func (w *writer) undo() {
	for _, path := range w.written {
		_ = os.Remove(path)
	}
}
