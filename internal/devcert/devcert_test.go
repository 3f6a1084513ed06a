package devcert_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/devcert"
)

// A client that trusts the file that Make names connects to each of the names, and to no other.
func TestAClientTrustsTheCertificate(t *testing.T) {
	t.Parallel()
	for _, selfSigned := range []bool{false, true} {
		made, err := devcert.Make(devcert.Options{Folder: filepath.Join(t.TempDir(), "certs"), Names: []string{"app.test", "192.0.2.7", "localhost"}, SelfSigned: selfSigned, Days: 30})
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"localhost", "127.0.0.1", "::1", "app.test", "192.0.2.7"}; !slices.Equal(made.Names, want) || made.NewCA == selfSigned {
			t.Errorf("self-signed %v: %+v", selfSigned, made)
		}
		trusted, err := os.ReadFile(made.Trust)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(trusted)
		for name, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "app.test": true, "192.0.2.7": true, "other.test": false, "192.0.2.8": false} {
			if err := verify(t, made, pool, name); (err == nil) != want {
				t.Errorf("self-signed %v, %s: %v", selfSigned, name, err)
			}
		}
		if err := verify(t, made, x509.NewCertPool(), "localhost"); err == nil {
			t.Error("a client that trusts nothing connects")
		}
	}
}

// verify checks the certificate as a client that trusts pool does under a name. The key must belong to the certificate.
func verify(t *testing.T, made devcert.Made, pool *x509.CertPool, name string) error {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(made.Cert, made.Key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name, CurrentTime: time.Now()})
	return err
}

// Make replaces nothing: a certificate that is there is an error, and an authority that is there signs again.
func TestFilesAreNeverReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := devcert.Make(devcert.Options{Folder: dir, Days: 30})
	if err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	if _, err := devcert.Make(devcert.Options{Folder: dir, Days: 30}); err == nil || !strings.Contains(err.Error(), first.Cert+" is there already: move or remove it") {
		t.Errorf("the second time: %v", err)
	}
	if after := contents(t, dir); before != after {
		t.Errorf("the files have changed:\n%s\n%s", before, after)
	}
	for _, path := range []string{first.Cert, first.Key} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	authority := contents(t, dir)
	again, err := devcert.Make(devcert.Options{Folder: dir, Names: []string{"app.test"}, Days: 30})
	if err != nil || again.NewCA || !strings.HasPrefix(contents(t, dir), authority) {
		t.Errorf("with the authority that is there: %+v, %v", again, err)
	}
	if runtime.GOOS != "windows" {
		for _, name := range []string{devcert.CAKey, devcert.ServerKey} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
	}
}

// contents returns the files of a folder and their contents.
func contents(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(e.Name() + "\n" + string(text))
	}
	return all.String()
}

// An error leaves no file behind, and says what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	long := time.Now().AddDate(-10, 0, 20)
	for name, tt := range map[string]struct {
		prepare func(dir string) error
		options devcert.Options
		want    string
	}{
		"a URL":             {nil, devcert.Options{Names: []string{"https://app.test"}, Days: 1}, `"https://app.test" is neither a host name nor an IP address`},
		"a port":            {nil, devcert.Options{Names: []string{"app.test:80"}, Days: 1}, "without a scheme and a port"},
		"no days":           {nil, devcert.Options{}, "choose 1 to 825"},
		"too many days":     {nil, devcert.Options{Days: 826}, "choose 1 to 825"},
		"half an authority": {func(dir string) error { return os.WriteFile(filepath.Join(dir, devcert.CACert), nil, 0o600) }, devcert.Options{Days: 1}, "restore the missing file, or remove the other one"},
		"no authority": {func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, devcert.CACert), nil, 0o600), os.WriteFile(filepath.Join(dir, devcert.CAKey), nil, 0o600))
		}, devcert.Options{Days: 1}, "cannot be used: it is no PEM; remove both for a new one"},
		"an old authority": {func(dir string) error {
			_, err := devcert.Make(devcert.Options{Folder: dir, Days: 1, Now: long})
			return errors.Join(err, os.Remove(filepath.Join(dir, devcert.ServerCert)), os.Remove(filepath.Join(dir, devcert.ServerKey)))
		}, devcert.Options{Days: 60}, "before the certificate: remove ca-cert.pem and ca-key.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.prepare != nil {
				if err := tt.prepare(dir); err != nil {
					t.Fatal(err)
				}
			}
			before := contents(t, dir)
			tt.options.Folder = dir
			if _, err := devcert.Make(tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %s", err, tt.want)
			}
			if after := contents(t, dir); after != before {
				t.Errorf("it leaves\n%s", after)
			}
		})
	}
}
