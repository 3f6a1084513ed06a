package cli

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// folders checks the folders of the server.
func (d *doctor) folders() {
	if folder := d.cfg.Tasks.Folder(); folder != "" && !d.cfg.Clustered() {
		d.folder("tasks.path", folder)
	}
	if *d.cfg.Log.Logging && *d.cfg.Log.File {
		d.folder("log.logFolder", d.cfg.Log.LogFolder)
	}
	public := d.cfg.General.FlatFileDirectory
	switch info, err := os.Stat(public); {
	case errors.Is(err, fs.ErrNotExist):
		d.ok("folder", "general.flatFileDirectory %s is not there: the embedded start page is served", public)
	case err != nil:
		d.fail("folder", "Correct its path or its rights.", "general.flatFileDirectory %s cannot be read: %v", public, err)
	case !info.IsDir():
		d.fail("folder", "Name a folder.", "general.flatFileDirectory %s is a file", public)
	default:
		if _, err := os.ReadDir(public); err != nil {
			d.fail("folder", "Give the user of the server the right to read it.", "general.flatFileDirectory %s cannot be read: %v", public, err)
			return
		}
		d.ok("folder", "general.flatFileDirectory %s can be read", public)
	}
}

// folder checks that the server can write into a folder, or create it.
func (d *doctor) folder(setting, path string) {
	existing := path
	for {
		info, err := os.Stat(existing)
		if err == nil && !info.IsDir() {
			d.fail("folder", "Name another folder.", "%s %s: %s is a file", setting, path, existing)
			return
		}
		if err == nil {
			break
		}
		parent := filepath.Dir(existing)
		if parent == existing || !errors.Is(err, fs.ErrNotExist) {
			d.fail("folder", "Correct its path or its rights.", "%s %s cannot be read: %v", setting, path, err)
			return
		}
		existing = parent
	}
	probe, err := os.CreateTemp(existing, ".doctor-*")
	if err != nil {
		d.fail("folder", "Give the user of the server the right to write into "+existing+", or name another folder.", "%s %s is not writable: %v", setting, path, err)
		return
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	free, known := freeBytes(existing)
	switch {
	case known && free < lowSpace:
		d.warn("folder", "Free some space on its disk.", "%s %s is writable, but its disk has only %d MB left", setting, path, free/1e6)
	case existing != path:
		d.ok("folder", "%s %s can be created", setting, path)
	default:
		d.ok("folder", "%s %s is writable", setting, path)
	}
}

// lowSpace is the number of free bytes of a disk below which doctor warns.
const lowSpace = 1e9

// soon is the time before the end of a certificate in which doctor warns.
const soon = 30 * 24 * time.Hour

// certificates checks the certificates of HTTPS and of TCP over TLS at the time now.
func (d *doctor) certificates(now time.Time) {
	for _, c := range []struct{ section, cert, key string }{
		{"httpsServer", d.cfg.HTTPSServer.CertFile, d.cfg.HTTPSServer.KeyFile}, {"tcpServer", d.cfg.TCPServer.CertFile, d.cfg.TCPServer.KeyFile},
	} {
		if c.cert != "" {
			d.certificate(c.section, c.cert, c.key, now)
		}
	}
}

func (d *doctor) certificate(section, certFile, keyFile string, now time.Time) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		d.fail("certificate", "Correct "+section+".certFile and "+section+".keyFile; \""+d.app.name+" cert\" makes a pair for development.", "%s: %v", section, err)
		return
	}
	cert := pair.Leaf
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	until := cert.NotAfter.Format(time.DateOnly)
	switch {
	case now.After(cert.NotAfter):
		d.fail("certificate", "Renew it; the server reads the files again when they change.", "%s: %s has ended on %s", section, certFile, until)
	case now.Before(cert.NotBefore):
		d.fail("certificate", "Correct the clock of this machine, or wait.", "%s: %s begins on %s", section, certFile, cert.NotBefore.Format(time.DateTime))
	case len(names) == 0:
		d.fail("certificate", "Make one with the names of the server: clients ignore the field CN.", "%s: %s has no names", section, certFile)
	case cert.NotAfter.Sub(now) < soon:
		d.warn("certificate", "Renew it; the server reads the files again when they change.", "%s: %s ends on %s", section, certFile, until)
	default:
		d.ok("certificate", "%s: %s is for %s, until %s", section, certFile, strings.Join(names, ", "), until)
	}
	if info, err := os.Stat(keyFile); err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		d.warn("certificate", "chmod 600 "+keyFile, "%s: other users of this machine may read the key %s", section, keyFile)
	}
}

// spareFiles are the files that a server opens besides its connections.
const spareFiles = 100

// limits checks how many files the process may open, because each connection is one.
func (d *doctor) limits() {
	needed := uint64(spareFiles)
	for _, n := range []int{d.cfg.CommonWeb.MaxConns, d.cfg.TCPServer.MaxConns} {
		needed += uint64(max(n, 0))
	}
	most, known := maxFiles()
	switch {
	case !known:
	case most < needed:
		d.warn("limits", "Raise it with \"ulimit -n\" or LimitNOFILE of the systemd unit, or lower commonWeb.maxConnections and tcpServer.maxConnections.",
			"the process may open %d files, and the settings allow %d connections", most, needed-spareFiles)
	default:
		d.ok("limits", "the process may open %d files, enough for %d connections", most, needed-spareFiles)
	}
}

// isLocalAddress reports whether ip is an address of this machine, or empty.
func isLocalAddress(ip string) bool {
	if ip == "" || net.ParseIP(ip).IsUnspecified() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true // the listener says it
	}
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(net.ParseIP(ip)) || ok && n.IP.IsLoopback() && net.ParseIP(ip).IsLoopback()
	})
}
