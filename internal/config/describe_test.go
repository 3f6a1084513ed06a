package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	c := full()
	c.Misc.Users[0].Pass = "hidden"
	want := []Setting{
		{"general.apiVersion", "ACTIONHERO_GENERAL_API_VERSION", "text", "1.0", ""},
		{"general.flatFileDirectory", "ACTIONHERO_GENERAL_FLAT_FILE_DIRECTORY", "text", "./public", ""},
		{"general.origins", "ACTIONHERO_GENERAL_ORIGINS", "list of text", "a,b", ""},
		{"general.httpHeaders", "ACTIONHERO_GENERAL_HTTP_HEADERS", "map of text", "X-A=1", ""},
		{"general.nestedSection.deepKey", "ACTIONHERO_GENERAL_NESTED_SECTION_DEEP_KEY", "true or false", "true", ""},
		{"httpServer.port", "ACTIONHERO_HTTP_SERVER_PORT", "whole number", "81", "the port to listen on"},
		{"httpServer.bindIP", "ACTIONHERO_HTTP_SERVER_BIND_IP", "text", "::1", ""},
		{"httpServer.enabled", "ACTIONHERO_HTTP_SERVER_ENABLED", "true or false", "true", ""},
		{"httpServer.timeout", "ACTIONHERO_HTTP_SERVER_TIMEOUT", "duration", "1.5s", ""},
		{"httpServer.maxBodyBytes", "ACTIONHERO_HTTP_SERVER_MAX_BODY_BYTES", "size", "64 KiB", ""},
		{"httpServer.ratio", "ACTIONHERO_HTTP_SERVER_RATIO", "number", "0.5", ""},
		{"httpServer.small", "ACTIONHERO_HTTP_SERVER_SMALL", "whole number", "255", ""},
		{"redis.DB", "ACTIONHERO_REDIS_DB", "whole number", "3", ""},
		{"redis.password", "ACTIONHERO_REDIS_PASSWORD", "text", "[FILTERED]", ""},
		{"misc.flag", "ACTIONHERO_MISC_FLAG", "text", "true", ""},
		{"misc.proxies", "ACTIONHERO_MISC_PROXIES", "list of text", "10.0.0.0/8", ""},
		{"misc.maybe", "ACTIONHERO_MISC_MAYBE", "true or false", "false", ""},
		{"misc.users", "", "list of objects", "{name: u, pass: [FILTERED], age: -128}", ""},
		{"misc.waits", "ACTIONHERO_MISC_WAITS", "list of whole number", "1,2", ""},
	}
	if d := cmp.Diff(want, Describe(c)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(len(want), len(Describe(testConfig{}))); d != "" {
		t.Errorf("a nil section must be listed too: %s", d)
	}
}

// TestDescribedValuesLoad makes sure that what the help shows can be given back.
func TestDescribedValuesLoad(t *testing.T) {
	t.Parallel()
	var env []string
	for _, s := range Describe(full()) {
		if s.Env != "" && s.Value != "[FILTERED]" {
			env = append(env, s.Env+"="+s.Value)
		}
	}
	c := defaults()
	if err := Load(c, Options{Dir: t.TempDir(), Env: env}); err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Misc.Users = nil
	want.Redis.Password = ""
	if d := diff(want, c); d != "" {
		t.Error(d)
	}
}

func TestMistakesInTheStruct(t *testing.T) {
	t.Parallel()
	type loop struct {
		Next *loop `json:"next"`
	}
	for name, tt := range map[string]struct {
		dst  any
		want string
	}{
		"no pointer": {testConfig{}, "needs a pointer to a struct"},
		"nil":        {(*testConfig)(nil), "needs a pointer to a struct"},
		"bad type": {&struct {
			A struct{ F func() }
		}{}, "A.F has the type func()"},
		"bad type in a list": {&struct{ L []struct{ C chan int } }{}, "L has the type"},
		"same name": {&struct {
			listen
			Own int `json:"port"`
		}{}, "two settings are named port"},
		"same variable": {&struct {
			A int `json:"fooBar"`
			B int `json:"foo_bar"`
		}{}, "share the environment variable ACTIONHERO_FOO_BAR"},
		"endless": {&loop{}, "does its type contain itself?"},
	} {
		if err := Load(tt.dst, Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

func TestSizesAndDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"1048576": 1 << 20, "1MiB": 1 << 20, "64 KiB": 64 << 10, "10MB": 10e6, " 2 gib ": 2 << 30, "5b": 5, "0": 0, "-1": -1, "3TB": 3e12,
		"": -99, "MiB": -99, "1.5MiB": -99, "1M": -99, "1 MiBs": -99, "9999999999TiB": -99, "1Ki": -99,
	} {
		got, ok := parseSize(&node{kind: anyKind, text: text})
		if ok != (want != -99) || ok && got != want {
			t.Errorf("parseSize(%q) = %d, %v", text, got, ok)
		}
	}
	for text, want := range map[string]time.Duration{
		"15s": 15 * time.Second, "250": 250 * time.Millisecond, "0.5": 500 * time.Microsecond, "1h2m": 62 * time.Minute, "0": 0, "1e3": time.Second,
		"": -99, "soon": -99, "1e300": -99, "NaN": -99, "Inf": -99,
	} {
		got, ok := parseDuration(&node{kind: anyKind, text: text})
		if ok != (want != -99) || ok && got != int64(want) {
			t.Errorf("parseDuration(%q) = %d, %v", text, got, ok)
		}
	}
}
