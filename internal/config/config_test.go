package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// flag is a text with an UnmarshalText of its own.
type flag string

func (f *flag) UnmarshalText(b []byte) error {
	if string(b) == "bad" {
		return fmt.Errorf("bad is not good")
	}
	*f = flag(b)
	return nil
}

type user struct {
	Name string `json:"name"`
	Pass string `json:"pass" secret:"true"`
	Age  int8   `json:"age"`
}

type listen struct {
	Port   int    `json:"port" doc:"the port to listen on"`
	BindIP string `json:"bindIP"`
}

type testConfig struct {
	General struct {
		APIVersion string            `json:"apiVersion"`
		Folder     string            `json:"flatFileDirectory"`
		Origins    []string          `json:"origins"`
		Headers    map[string]string `json:"httpHeaders"`
		Nested     struct {
			DeepKey bool `json:"deepKey"`
		} `json:"nestedSection"`
	} `json:"general"`
	HTTPServer struct {
		listen
		Enabled bool          `json:"enabled"`
		Timeout time.Duration `json:"timeout"`
		MaxBody int64         `json:"maxBodyBytes" unit:"bytes"`
		Ratio   float64       `json:"ratio"`
		Small   uint8         `json:"small"`
	} `json:"httpServer"`
	Redis *struct {
		DB       int    `json:"DB"`
		Password string `json:"password" secret:"true"`
	} `json:"redis"`
	Misc struct {
		Flag    flag           `json:"flag"`
		Proxies []netip.Prefix `json:"proxies"`
		Maybe   *bool          `json:"maybe"`
		Users   []user         `json:"users"`
		Hidden  chan int       `json:"-"`
		Waits   []int64        `json:"waits"`
	} `json:"misc"`
}

func defaults() *testConfig {
	c := &testConfig{}
	c.General.APIVersion = "1.0"
	c.General.Folder = "./public"
	c.General.Origins = []string{"default"}
	c.General.Headers = map[string]string{"X-Default": "yes"}
	c.HTTPServer.Port = 8080
	c.HTTPServer.MaxBody = 10 << 20
	c.HTTPServer.Timeout = 15 * time.Second
	return c
}

// loadText loads one file of the given name.
func loadText(t testing.TB, c *testConfig, name, text string, env ...string) error {
	t.Helper()
	dir := t.TempDir()
	if name != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(c, Options{Dir: dir, Env: env})
	return err
}

func TestEnvName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, want string }{
		{"httpServer.port", "ACTIONHERO_HTTP_SERVER_PORT"},
		{"general.flatFileDirectory", "ACTIONHERO_GENERAL_FLAT_FILE_DIRECTORY"},
		{"commonWeb.urlPathForActions", "ACTIONHERO_COMMON_WEB_URL_PATH_FOR_ACTIONS"},
		{"redis.DB", "ACTIONHERO_REDIS_DB"},
		{"httpServer.bindIP", "ACTIONHERO_HTTP_SERVER_BIND_IP"},
		{"general.apiVersion", "ACTIONHERO_GENERAL_API_VERSION"},
		{"a.urlHTTPPath", "ACTIONHERO_A_URL_HTTP_PATH"},
		{"general.nestedSection.deepKey", "ACTIONHERO_GENERAL_NESTED_SECTION_DEEP_KEY"},
		{"http2Server", "ACTIONHERO_HTTP2_SERVER"},
	} {
		if got := EnvName("ACTIONHERO", tt.key); got != tt.want {
			t.Errorf("EnvName(%s) = %s, want %s", tt.key, got, tt.want)
		}
	}
}

const jsonText = "\ufeff" + `{
  "general": {"origins": ["a", "b"], "httpHeaders": {"X-A": "1"}, "apiVersion": null, "nestedSection": {"deepKey": true}},
  "httpServer": {"port": 81, "bindIP": "::1", "enabled": true, "timeout": "1500ms", "maxBodyBytes": "64 KiB", "ratio": 0.5, "small": 255},
  "redis": {"DB": 3, "password": "s"},
  "misc": {"flag": true, "proxies": ["10.0.0.0/8"], "maybe": false, "users": [{"name": "u", "age": -128}], "waits": [1, 2]}
}`

const yamlText = `# a comment
general:
  origins: [a, b]
  httpHeaders: {X-A: "1"}
  apiVersion: ~
  nestedSection:
    deepKey: true
httpServer:
  port: 0x51
  bindIP: "::1"
  enabled: true
  timeout: 1.5s
  maxBodyBytes: 65536
  ratio: 0.5
  small: 255
redis: {DB: 3, password: s}
misc: {flag: true, proxies: [10.0.0.0/8], maybe: false, users: [{name: u, age: -128}], waits: [1, 2]}
`

const tomlText = `# a comment
[general]
origins = ["a", "b"]
httpHeaders = {X-A = "1"}
[general.nestedSection]
deepKey = true
[httpServer]
port = 0x51
bindIP = "::1"
enabled = true
timeout = "1500ms"
maxBodyBytes = "64KiB"
ratio = 0.5
small = 255
[redis]
DB = 3
password = "s"
[misc]
flag = true
proxies = ["10.0.0.0/8"]
maybe = false
waits = [1, 2]
[[misc.users]]
name = "u"
age = -128
`

func full() *testConfig {
	c := defaults()
	c.General.Origins = []string{"a", "b"}
	c.General.Headers = map[string]string{"X-A": "1"}
	c.General.Nested.DeepKey = true
	c.HTTPServer.Port, c.HTTPServer.BindIP, c.HTTPServer.Enabled = 81, "::1", true
	c.HTTPServer.Timeout, c.HTTPServer.MaxBody = 1500*time.Millisecond, 64<<10
	c.HTTPServer.Ratio, c.HTTPServer.Small = 0.5, 255
	c.Redis = &struct {
		DB       int    `json:"DB"`
		Password string `json:"password" secret:"true"`
	}{3, "s"}
	no := false
	c.Misc.Flag, c.Misc.Maybe, c.Misc.Waits = "true", &no, []int64{1, 2}
	c.Misc.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	c.Misc.Users = []user{{Name: "u", Age: -128}}
	return c
}

func diff(want, got *testConfig) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(listen{}, want.HTTPServer), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }))
}

func TestLoadFormats(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"config.json": jsonText, "config.yaml": yamlText, "config.yml": "\ufeff" + yamlText, "config.toml": "\ufeff" + tomlText,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := defaults()
			if err := loadText(t, c, name, text); err != nil {
				t.Fatal(err)
			}
			if d := diff(full(), c); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLoadEnvironmentWins(t *testing.T) {
	t.Parallel()
	c := defaults()
	err := loadText(t, c, "config.json", `{"httpServer":{"port":1,"bindIP":"file"},"general":{"httpHeaders":{"File":"1"}}}`,
		"PATH=/bin", "no equals sign", "ACTIONHERO_HTTP_SERVER_PORT=2", "ACTIONHERO_HTTP_SERVER_PORT=81",
		"ACTIONHERO_GENERAL_ORIGINS=a, b", "ACTIONHERO_GENERAL_HTTP_HEADERS=X-A=1",
		"ACTIONHERO_GENERAL_NESTED_SECTION_DEEP_KEY=1", "ACTIONHERO_HTTP_SERVER_BIND_IP=::1", "ACTIONHERO_HTTP_SERVER_ENABLED=true",
		"ACTIONHERO_HTTP_SERVER_TIMEOUT=1500ms", "ACTIONHERO_HTTP_SERVER_MAX_BODY_BYTES=64 KiB", "ACTIONHERO_HTTP_SERVER_RATIO=0.5",
		"ACTIONHERO_HTTP_SERVER_SMALL=255", "ACTIONHERO_REDIS_DB=3", "ACTIONHERO_REDIS_PASSWORD=s", "ACTIONHERO_MISC_FLAG=true",
		"ACTIONHERO_MISC_PROXIES=10.0.0.0/8", "ACTIONHERO_MISC_MAYBE=0", "ACTIONHERO_MISC_WAITS=1,2")
	if err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Misc.Users = nil
	if d := diff(want, c); d != "" {
		t.Error(d)
	}
}

func TestEnvironmentEmptiesListsAndMaps(t *testing.T) {
	t.Parallel()
	c := defaults()
	if err := loadText(t, c, "", "", "ACTIONHERO_GENERAL_ORIGINS=[]", "ACTIONHERO_GENERAL_HTTP_HEADERS={}"); err != nil {
		t.Fatal(err)
	}
	if len(c.General.Origins) != 0 || len(c.General.Headers) != 0 {
		t.Errorf("got %+v", c.General)
	}
}

// Process managers and Compose files set empty variables for values that they do not have.
func TestEmptyVariableIsNotSet(t *testing.T) {
	t.Parallel()
	c := defaults()
	err := loadText(t, c, "", "", "ACTIONHERO_GENERAL_ORIGINS=", "ACTIONHERO_GENERAL_API_VERSION=", "ACTIONHERO_HTTP_SERVER_PORT=",
		"ACTIONHERO_HTTP_SERVER_ENABLED=", "ACTIONHERO_MISC_USERS=", "ACTIONHERO_NONE=")
	if d := diff(defaults(), c); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

// Kubernetes and Docker set variables for each service that a container can reach. A service with the name of the
// program must not stop its start or change a setting.
func TestVariablesOfOrchestratorsAreIgnored(t *testing.T) {
	t.Parallel()
	c := defaults()
	env := []string{}
	for _, service := range []string{"ACTIONHERO", "ACTIONHERO_WEB", "ACTIONHERO_HTTP_SERVER"} {
		for name, value := range map[string]string{
			"_SERVICE_HOST": "10.0.0.1", "_SERVICE_PORT": "80", "_SERVICE_PORT_HTTP_ALT": "80", "_PORT": "tcp://10.0.0.1:80",
			"_PORT_80_TCP": "tcp://10.0.0.1:80", "_PORT_80_TCP_PROTO": "tcp", "_PORT_80_TCP_PORT": "80", "_PORT_80_TCP_ADDR": "10.0.0.1",
			"_PORT_53_UDP": "udp://10.0.0.1:53", "_PORT_53_UDP_ADDR": "10.0.0.1",
		} {
			env = append(env, service+name+"="+value)
		}
	}
	err := loadText(t, c, "", "", env...)
	if d := diff(defaults(), c); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	if err := loadText(t, c, "", "", "ACTIONHERO_PORT=80"); err == nil {
		t.Error("a misspelled variable is ignored, want an error")
	}
}

func TestNothingGivenKeepsDefaults(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"": "", "config.json": " \n", "config.yaml": "# nothing\n", "config.yml": "", "config.toml": "\ufeff",
	} {
		c := defaults()
		if err := loadText(t, c, name, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := diff(defaults(), c); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, text := range []string{"null", `{"general":null,"redis":null,"misc":{"users":null}}`} {
		c := defaults()
		if err := loadText(t, c, "config.json", text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if d := diff(defaults(), c); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

func TestExplicitFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "other.toml")
	if err := os.WriteFile(path, []byte("[httpServer]\nport = 9"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := defaults()
	if _, err := Load(c, Options{File: path}); err != nil || c.HTTPServer.Port != 9 {
		t.Errorf("port %d, %v", c.HTTPServer.Port, err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none.json"): "cannot be opened",
		filepath.Join(dir, "config"):    "the extension must be .json, .yaml, .yml or .toml",
	} {
		if _, err := Load(c, Options{File: file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestDefaultsAreNeverWrittenThrough(t *testing.T) {
	t.Parallel()
	shared := full()
	c := *shared
	err := loadText(t, &c, "config.json", `{"redis":{"DB":9},"misc":{"maybe":true,"waits":[7]},"general":{"httpHeaders":{"n":"n"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(full(), shared); d != "" {
		t.Errorf("a copy of the defaults changed:\n%s", d)
	}
	if c.Redis.DB != 9 || c.Redis.Password != "s" {
		t.Errorf("redis = %+v, want DB 9 and the default password", *c.Redis)
	}
}
