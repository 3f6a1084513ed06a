package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// TestPagesOfSettings compares docs/settings.md and docs/limits.md with the settings of the program.
func TestPagesOfSettings(t *testing.T) {
	t.Parallel()
	for path, page := range map[string]struct {
		write func(io.Writer) error
		flag  string
	}{
		"docs/settings.md": {server.SettingsMarkdown, "--markdown"},
		"docs/limits.md":   {server.LimitsMarkdown, "--limits"},
	} {
		old, err := os.ReadFile("../" + path)
		if err != nil {
			t.Error(err)
		}
		var now bytes.Buffer
		if err := page.write(&now); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(old, now.Bytes()) {
			t.Errorf("%[1]s is out of date; renew it with: go run ./cmd/actionhero config %[2]s > %[1]s", path, page.flag)
		}
	}
}

// described is one element of the JSON of the settings.
type described struct{ Key, Value, Origin, Default, Type, Range, Env, Doc string }

func describe(t testing.TB, cfg server.Config) map[string]described {
	t.Helper()
	var out bytes.Buffer
	if err := cfg.SettingsJSON(&out); err != nil {
		t.Fatal(err)
	}
	var list []described
	if err := json.Unmarshal(out.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	byKey := map[string]described{}
	for _, s := range list {
		byKey[s.Key] = s
	}
	return byKey
}

// load loads the configuration of a folder with one file.
func load(t testing.TB, name, text string) server.Config {
	t.Helper()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, name), text)
	cfg, err := server.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A Config{} in a program, and a configuration without any setting, are the same.
func TestDefaults(t *testing.T) {
	t.Parallel()
	loaded := describe(t, load(t, "config.json", "{}"))
	for key, literal := range describe(t, server.Config{}) {
		if loaded[key] != literal || literal.Value != literal.Default || literal.Origin != "default" {
			t.Errorf("a literal has %+v, a loaded configuration %+v", literal, loaded[key])
		}
		if literal.Doc == "" || literal.Env == "" {
			t.Errorf("%s has no explanation or no variable", key)
		}
	}
	if len(loaded) < 90 {
		t.Errorf("only %d settings", len(loaded))
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	cfg := load(t, "config.json", "{\n\"webSockets\": {\"maxInFlight\": 7,\n\"pingTimeout\": \"1s\"}, \"tasks\": {\"workers\": 2},\n\"general\": {\"serverName\": \"file\", \"maxRooms\": 5}}")
	cfg.TCPServer.Port, cfg.General.ServerName, cfg.General.MaxRooms = -1, "program", 64
	all := describe(t, cfg)
	for key, want := range map[string]string{
		"webSockets.maxInFlight": "7 from config.json:2", "webSockets.pingTimeout": "1s from config.json:3", "tasks.workers": "2 from config.json:3",
		"tcpServer.port": "-1 from program", "general.serverName": "program from program", "general.maxRooms": "64 from program", "httpServer.port": "8080 from default", "general.apiVersion": "the version of actionHero from default",
	} {
		if got := all[key].Value + " from " + all[key].Origin; got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	if a, b := cfg.WebSockets.Plain, cfg.WebSockets.SocketIO; a.MaxInFlight != 7 || b.MaxInFlight != 7 || a.PingTimeout != b.PingTimeout {
		t.Errorf("the two transports have %d and %d, %v and %v", a.MaxInFlight, b.MaxInFlight, a.PingTimeout, b.PingTimeout)
	}
}

func TestSettingsForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := load(t, "config.toml", "[log]\nmaxFileSize = \"1 MiB\"").Settings(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`log\.maxFileSize +1 MiB +config\.toml +size, above zero\n    ACTIONHERO_LOG_MAX_FILE_SIZE: size at which the log file is rotated`,
		`commonWeb\.trustedProxies +"" +default +list of text, addresses or networks \(CIDR\)`,
		`tasks\.workers +4 for each processor +default +tasks, from 1 to 100000, or 0 for the default`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).Match(out.Bytes()) {
			t.Errorf("no line is like %s in\n%s", line, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("it is in colour, but this is no terminal")
	}
}

// What a file sets to zero is zero, not the default.
func TestExplicitZerosCount(t *testing.T) {
	t.Parallel()
	cfg := load(t, "config.yaml", `
general: {serverName: "", welcomeMessage: "", announceLimit: 0, roomStatusLimit: 0, defaultLimit: 0, actionTimeout: 0s, stopGrace: 0s, flatFileNotFoundMessage: ""}
commonWeb: {flatFileCacheDuration: 0, compress: false}
httpServer: {port: -1, bindIP: 127.0.0.1}
tcpServer: {port: -1, bindIP: 127.0.0.1}
log: {logging: off}
tasks: {memory: true, path: "", timeout: 0s, grace: 0s, keepCompleted: 0s, keepFailed: 0s}
`)
	s, err := server.New(cfg, builtin.Stock)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(t.Context()) })
	general := s.Config()
	if general.ServerName != "" || general.AnnounceLimit != 0 || general.RoomStatusLimit != 0 || general.ActionTimeout != 0 || general.StopGrace != 0 {
		t.Errorf("the API has %+v", general)
	}
	client, err := net.Dial("tcp", s.TCP.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	line, err := bufio.NewReader(client).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, `{"welcome":"",`) {
		t.Errorf("the welcome is %q, %v", line, err)
	}
	for path, want := range map[string]struct{ body, cache string }{
		"/api/status":        {`{"stats":`, "private, no-store"},
		"/public/index.html": {"<html", "max-age=0, must-revalidate"},
		"/public/none.html":  {"", ""},
	} {
		res, err := http.Get("http://" + s.Web.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		text, cache := string(body), res.Header.Get("Cache-Control")
		if !strings.Contains(text, want.body) || want.body == "" && text != "" || cache != want.cache {
			t.Errorf("%s: Cache-Control %q, %s", path, cache, text)
		}
	}
}

func TestZerosOutOfRange(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"general": {"maxRooms": 0}`:           "general.maxRooms is 0: it must be above zero",
		`"general": {"requestLimitWindow": 0}`: "general.requestLimitWindow is 0s: it must be above zero",
		`"general": {"defaultChatRoom": ""}`:   `general.defaultChatRoom is "": it must be a text of 1 to 128 bytes`,
		`"commonWeb": {"urlPathForFiles": ""}`: `commonWeb.urlPathForFiles is "": it must be one segment`,
		`"commonWeb": {"maxBodyBytes": 0}`:     "commonWeb.maxBodyBytes is 0: it must be above zero",
		`"webSockets": {"bind": ""}`:           `webSockets.bind is "": it must be http, https or both`,
		`"log": {"level": "", "file": false}`:  `log.level is "": it must be debug, info, warn or error`,
		`"httpServer": {"port": 0}`:            "httpServer.port is 0: it must be 1 to 65535, or -1 for any free port",
		`"httpsServer": {"port": 0}`:           "httpsServer.port is 0: it must be 1 to 65535, or -1 for any free port",
		`"tcpServer": {"port": 0}`:             "tcpServer.port is 0: it must be 1 to 65535, or -1 for any free port",
		`"tcpServer": {"tlsPort": -2}`:         "tcpServer.tlsPort is -2: it must be 1 to 65535, -1 for any free port, or 0 for none",
		`"tcpServer": {"maxInFlight": 0}`:      "tcpServer.maxInFlight is 0: it must be above zero",
		`"cache": {"maxBytes": 0}`:             "cache.maxBytes is 0: it must be above zero",
		`"tasks": {"maxJobs": 0}`:              "tasks.maxJobs is 0: it must be above zero",
		`"tasks": {"workers": -1}`:             "tasks.workers is -1: it must be from 1 to 100000, or 0 for the default",
		`"tasks": {"queues": {"mail": 0}}`:     `tasks.queues gives "mail" the weight 0: it must be from 1 to 1000000`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			cfg := load(t, "config.json", "{"+text+"}")
			cfg.Log.Logging, cfg.Tasks.Memory = new(false), true
			if _, err := server.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "config.json:1: "+want) {
				t.Errorf("got %v, want config.json:1: %s", err, want)
			}
		})
	}
}

// A shared setting of the two WebSocket transports is refused with one sentence.
func TestSharedSettingOutOfRange(t *testing.T) {
	t.Parallel()
	cfg := load(t, "config.json", `{"webSockets": {"maxInFlight": 0}, "log": {"logging": false}, "tasks": {"memory": true}}`)
	if _, err := server.New(cfg); err == nil || err.Error() != "config.json:1: webSockets.maxInFlight is 0: it must be above zero" {
		t.Errorf("got %v", err)
	}
}

// An empty tasks.path does not turn the queue into one in memory; only tasks.memory does.
func TestEmptyTasksPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"tasks": {"path": ""}`:                 `config.json:1: tasks.path is "": it must be a folder, unless tasks.memory is true`,
		`"tasks": {"path": "", "memory": true}`: "",
	} {
		cfg := load(t, "config.json", `{"log": {"logging": false}, `+text+`}`)
		got := ""
		if _, err := server.New(cfg); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	literal := server.Config{}
	if folder := literal.Tasks.Folder(); folder != "./data" {
		t.Errorf("a literal keeps its tasks in %q", folder)
	}
}
