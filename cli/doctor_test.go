package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// diagnosis is the output of `doctor --json`.
type diagnosis struct {
	OK     bool
	Checks []struct{ Check, State, Text, Remedy string }
}

// diagnose runs `doctor` with free ports and folders of its own, and the settings of config.
func diagnose(t *testing.T, config map[string]map[string]any) (d diagnosis, errs string) {
	t.Helper()
	dir := t.TempDir()
	settings := map[string]map[string]any{
		"httpServer": {"port": -1, "bindIP": "127.0.0.1"}, "tcpServer": {"port": -1, "maxConnections": 1}, "commonWeb": {"maxConnections": 1},
		"tasks": {"path": filepath.Join(dir, "data")}, "log": {"logFolder": filepath.Join(dir, "log")}, "general": {"flatFileDirectory": filepath.Join(dir, "public")},
	}
	for section, values := range config {
		if settings[section] == nil {
			settings[section] = map[string]any{}
		}
		for key, value := range values {
			settings[section][key] = value
		}
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	out, errs, code := run(t, string(text), nil, "doctor", "--json")
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	if d.OK != (code == 0) || d.OK != (errs == "") {
		t.Errorf("exit code %d, ok %v: %s", code, d.OK, errs)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v behind, %v", left, err)
	}
	return d, errs
}

// wants demands a finding. Each finding that is not ok has a remedy.
func (d *diagnosis) wants(t *testing.T, check, state, text string) {
	t.Helper()
	found := false
	for _, c := range d.Checks {
		found = found || c.Check == check && c.State == state && strings.Contains(c.Text, text)
		if (c.State != "ok") != (c.Remedy != "") {
			t.Errorf("the remedy of %+v", c)
		}
	}
	if !found {
		t.Errorf("no finding %s %s %q in %+v", state, check, text, d.Checks)
	}
}

// A machine without faults has only good findings.
func TestDoctorFindsNothing(t *testing.T) {
	t.Parallel()
	d, _ := diagnose(t, nil)
	for _, want := range [][2]string{{"version", "actionhero " + actionhero.Version}, {"configuration", "all settings are known"}, {"server", "no server of this configuration runs"}, {"port", "httpServer.port is any free port"}, {"folder", "data can be created"}, {"folder", "the embedded start page is served"}} {
		d.wants(t, want[0], "ok", want[1])
	}
	if slices.ContainsFunc(d.Checks, func(c struct{ Check, State, Text, Remedy string }) bool { return c.State != "ok" }) {
		t.Errorf("%+v", d.Checks)
	}
	if runtime.GOOS == "linux" {
		d.wants(t, "limits", "ok", "enough for 2 connections")
	}
	file := filepath.Join(t.TempDir(), "config.json")
	out, errs, code := run(t, `{"httpServer": {"port": -1}, "tcpServer": {"port": -1}, "tasks": {"memory": true}}`, nil, "doctor")
	if code != 0 || errs != "" || !strings.Contains(out, "\nok    configuration  all settings are known and in range\n") || !strings.Contains(out, "→ Set tasks.memory to false.") {
		t.Errorf("%s: exit code %d, it prints\n%s%s", file, code, out, errs)
	}
}

// A port that is in use names its process, if it belongs to the same user.
func TestDoctorNamesWhoHasAPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	port := taken.Addr().(*net.TCPAddr).Port
	d, errs := diagnose(t, map[string]map[string]any{"httpServer": {"port": port}, "tcpServer": {"bindIP": "192.0.2.1", "port": 5000}})
	want := fmt.Sprintf("httpServer.port %d is in use by ", port)
	if runtime.GOOS == "linux" {
		want += fmt.Sprintf("process %d (cli.test)", os.Getpid())
	}
	d.wants(t, "port", "fail", want)
	d.wants(t, "port", "fail", "tcpServer.port 5000: 192.0.2.1 is no address of this machine")
	if errs != "Error: 2 checks have failed\n" {
		t.Errorf("the error is %q", errs)
	}
}

// The running server of the configuration may have the ports.
func TestDoctorKnowsTheRunningServer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := testkit.Start(t, testkit.Options{Change: func(cfg *server.Config) { cfg.Tasks.Memory, cfg.Tasks.Path = false, folder }})
	port := s.Web.Addr().(*net.TCPAddr).Port
	d, _ := diagnose(t, map[string]map[string]any{"httpServer": {"port": port}, "tasks": {"path": folder}})
	d.wants(t, "server", "ok", fmt.Sprintf("the server of this configuration runs (process %d, node test)", os.Getpid()))
	d.wants(t, "port", "ok", "is in use by the running server")
	d.wants(t, "folder", "ok", folder+" is writable")
}

// A folder that cannot be written, and settings that are probably not meant, are findings.
func TestDoctorFindsFaultsOfFoldersAndSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	testkit.WriteFile(t, file, "")
	d, _ := diagnose(t, map[string]map[string]any{
		"log": {"logFolder": filepath.Join(file, "log")}, "general": {"flatFileDirectory": file}, "commonWeb": {"trustedProxies": []string{"0.0.0.0/0"}},
		"httpServer": {"enable": false}, "tcpServer": {"enable": false},
	})
	d.wants(t, "folder", "fail", "log.logFolder "+filepath.Join(file, "log"))
	d.wants(t, "folder", "fail", file+" is a file")
	d.wants(t, "configuration", "warn", "commonWeb.trustedProxies has 0.0.0.0/0")
	d.wants(t, "configuration", "warn", "no client can connect")
	d, errs := diagnose(t, map[string]map[string]any{"httpServer": {"prot": 1, "port": 99999}})
	d.wants(t, "configuration", "fail", "httpServer.prot is not a known setting; did you mean httpServer.port?")
	if !strings.HasPrefix(errs, "Error: ") {
		t.Errorf("the error is %q", errs)
	}
}

// A certificate is checked with its dates, its names and the rights of its key.
func TestDoctorReadsCertificates(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	_, err := os.Stat(filepath.Join(t.TempDir(), "missing"))
	missing := errors.Unwrap(err).Error() // the words differ by system
	for name, tt := range map[string]struct {
		from, until time.Duration
		names       []string
		mode        os.FileMode
		state, text string
	}{
		"good":            {-day, 90 * day, []string{"app.test"}, 0o600, "ok", "is for app.test, until "},
		"ended":           {-day, -time.Hour, []string{"app.test"}, 0o600, "fail", "has ended on "},
		"not begun":       {day, 90 * day, []string{"app.test"}, 0o600, "fail", "begins on "},
		"soon":            {-day, 10 * day, []string{"app.test"}, 0o600, "warn", "ends on "},
		"no names":        {-day, 90 * day, nil, 0o600, "fail", "has no names"},
		"a readable key":  {-day, 90 * day, []string{"app.test"}, 0o644, "warn", "other users of this machine may read the key"},
		"no certificates": {0, 0, nil, 0, "fail", "cert.pem: " + missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.mode != 0 {
				writeCertificate(t, dir, time.Now().Add(tt.from), time.Now().Add(tt.until), tt.names, tt.mode)
			}
			d, _ := diagnose(t, map[string]map[string]any{"httpsServer": {"enable": false, "certFile": filepath.Join(dir, "cert.pem"), "keyFile": filepath.Join(dir, "key.pem")}})
			d.wants(t, "certificate", tt.state, tt.text)
		})
	}
}

func writeCertificate(t *testing.T, dir string, from, until time.Time, names []string, mode os.FileMode) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: names}
	cert, err1 := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	raw, err2 := x509.MarshalPKCS8PrivateKey(key)
	err3 := os.WriteFile(filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600)
	err4 := os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600)
	if err := errors.Join(err1, err2, err3, err4, os.Chmod(filepath.Join(dir, "key.pem"), mode)); err != nil {
		t.Fatal(err)
	}
}

// A certificate of `cert` starts HTTPS, and a second call replaces nothing.
func TestCertMakesACertificateForTheServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "certs")
	out, errs, code := run(t, `{"not": "read"}`, nil, "cert", "--dir", dir, "app.test", "192.0.2.7")
	for _, want := range []string{filepath.Join(dir, "ca-cert.pem"), "for localhost, 127.0.0.1, ::1, app.test, 192.0.2.7, until ", "httpsServer.certFile: " + dir, "update-ca-certificates", "curl --cacert "} {
		if code != 0 || errs != "" || !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", code, want, out, errs)
		}
	}
	d, _ := diagnose(t, map[string]map[string]any{"httpsServer": {"port": -1, "bindIP": "127.0.0.1", "certFile": filepath.Join(dir, "server-cert.pem"), "keyFile": filepath.Join(dir, "server-key.pem")}})
	d.wants(t, "certificate", "ok", "is for localhost, app.test, 127.0.0.1, ::1, 192.0.2.7, until ")
	out, errs, code = run(t, `{}`, nil, "cert", "--dir", dir)
	if code != 1 || out != "" || !strings.Contains(errs, "is there already: move or remove it") {
		t.Errorf("the second time: exit code %d, %s%s", code, out, errs)
	}
	out, errs, code = run(t, `{}`, nil, "cert", "--dir", filepath.Join(dir, "other"), "--self-signed", "--days", "10")
	if code != 0 || strings.Contains(out, "authority,") || !strings.Contains(out, "curl --cacert "+filepath.Join(dir, "other", "server-cert.pem")) {
		t.Errorf("self-signed: exit code %d, %s%s", code, out, errs)
	}
}
