//go:build unix

package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Options are the settings of a server. The zero value is a server without a password that stores nothing on disk and
// has no memory limit.
type Options struct {
	Password   string   // of the user default; empty: none
	Users      []string // further users, in the form of ACL SETUSER without these two words
	AppendOnly string   // "always", "everysec" or "no" turns the append-only file on with this fsync; empty: off
	MaxMemory  string   // as in "64mb"; empty: no limit
	Policy     string   // maxmemory-policy; empty: noeviction
	Cert, Key  string   // files of a certificate and its key: the server speaks TLS only

	// DownAfter is the time after which the Sentinels replace a master that does not answer; 0: 2 s. On a busy machine a
	// living master may be silent for longer, so a test without a failover sets a minute.
	DownAfter time.Duration
	Unix      bool     // also listen on the Unix socket Server.Unix
	Lines     []string // further lines of the configuration
}

func (o Options) lines(t testing.TB) []string {
	t.Helper()
	lines := []string{`save ""`, "protected-mode no", "bind 127.0.0.1", "daemonize no", "enable-debug-command yes"}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if o.Password != "" {
		add("requirepass %q", o.Password)
		add("masterauth %q", o.Password)
	}
	for _, user := range o.Users {
		add("user %s", user)
	}
	if o.AppendOnly != "" {
		add("appendonly yes")
		add("appendfsync %s", o.AppendOnly)
	}
	if o.MaxMemory != "" {
		add("maxmemory %s", o.MaxMemory)
	}
	if o.Policy != "" {
		add("maxmemory-policy %s", o.Policy)
	}
	return append(lines, o.Lines...)
}

// writeConfig writes the file of the configuration into the folder of the server.
func (s *Server) writeConfig(t testing.TB, lines []string) {
	t.Helper()
	text := ""
	for _, line := range lines {
		text += line + "\n"
	}
	if err := os.WriteFile(filepath.Join(s.Dir, configFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
