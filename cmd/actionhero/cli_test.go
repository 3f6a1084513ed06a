package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		says []string // each is a pattern
	}{
		"version":        {[]string{"version"}, []string{`^actionhero ` + regexp.QuoteMeta(actionhero.Version) + `(\+\w+)? \(go\S+, \w+/\w+\)\n$`}},
		"help":           {[]string{"help"}, []string{`(?m)^  start  `, `(?m)^  version  `, `config\.json, config\.yaml or config\.toml`, `HTTP, HTTPS, TCP, WebSocket and Socket\.IO`}},
		"nothing":        {nil, []string{`(?m)^  start  `}},
		"help, a flag":   {[]string{"--help"}, []string{`(?m)^  start  `}},
		"start --help":   {[]string{"start", "--help"}, []string{`Start the server; Ctrl\+C stops it`, `--config string`}},
		"help start":     {[]string{"help", "start"}, []string{`Start the server; Ctrl\+C stops it`, `--config string`}},
		"actions":        {[]string{"actions"}, []string{`(?m)^cacheTest \(write\) +Tests the cache`, `(?m)^  key \(string, required\) +\w+`, `(?m)^randomNumber \(read\)  `}},
		"actions --json": {[]string{"actions", "--json"}, []string{`^\[\n  \{\n    "name": "actionClusterCacheTest"`, `"kind": "read"`, `"type": "string",\n +"required": true,\n +"secret": false`}},
		"config":         {[]string{"config"}, []string{`(?m)^httpServer\.port +-1 +ACTIONHERO_HTTP_SERVER_PORT +whole number, 1 to 65535, or -1 for any free port\n +ACTIONHERO_HTTP_SERVER_PORT: port to listen on\n`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			stdout, stderr, code := run(t, dir, nil, tt.args...)
			if code != 0 || stderr != "" {
				t.Errorf("exit code %d, on standard error %q", code, stderr)
			}
			for _, pattern := range tt.says {
				if !regexp.MustCompile(pattern).MatchString(stdout) {
					t.Errorf("nothing matches %s in\n%s", pattern, stdout)
				}
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("it leaves %v behind, %v", left, err)
			}
		})
	}
}

// An error is one sentence on standard error, and the exit code is 1.
func TestRefusals(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	port := taken.Addr().(*net.TCPAddr).Port
	local := "ACTIONHERO_TCP_SERVER_BIND_IP=127.0.0.1"
	start := []string{"start"}
	for name, tt := range map[string]struct {
		file string
		env  []string
		args []string
		want string
	}{
		"unknown command":   {"", nil, []string{"serve"}, `unknown command "serve" for "NAME"`},
		"unknown flag":      {"", nil, []string{"start", "--prot", "1"}, `unknown flag: --prot`},
		"unknown argument":  {"", nil, []string{"start", "now"}, `unknown command "now" for "NAME start"`},
		"no such file":      {"", nil, []string{"start", "--config", "other.json"}, `the file of settings cannot be opened: open other.json: no such file or directory`},
		"no such format":    {"", nil, []string{"start", "--config", "other.ini"}, `other.ini: the extension must be .json, .yaml, .yml or .toml, so that the format is known`},
		"port in use, TCP":  {"", []string{local, fmt.Sprintf("ACTIONHERO_TCP_SERVER_PORT=%d", port)}, start, fmt.Sprintf("port %d is in use: stop the program that listens there, or choose another tcpServer.port", port)},
		"port in use, HTTP": {"", []string{"ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1", fmt.Sprintf("ACTIONHERO_HTTP_SERVER_PORT=%d", port)}, start, fmt.Sprintf("port %d is in use: stop the program that listens there, or choose another httpServer.port", port)},

		"wrong type, file":        {`{"httpServer": {"port": "80"}}`, nil, start, `config.json:1:25: httpServer.port must be a whole number, not the text "80"`},
		"unknown key, file":       {`{"httpServer": {"prot": 80}}`, nil, start, `config.json:1:17: httpServer.prot is not a known setting; did you mean httpServer.port?`},
		"unknown section, file":   {`{"htpServer": {"port": 80}}`, nil, start, `config.json:1:2: htpServer is not a known setting; did you mean httpServer?`},
		"unknown value, file":     {`{"commonWeb": {"rootEndpointType": "files"}}`, nil, start, `config.json:1: commonWeb.rootEndpointType is "files": it must be api or public`},
		"no JSON":                 {`{"commonWeb": `, nil, start, `config.json:1:15: this is not valid JSON: `},
		"wrong type, variable":    {"", []string{"ACTIONHERO_HTTP_SERVER_PORT=eighty"}, start, `ACTIONHERO_HTTP_SERVER_PORT: httpServer.port must be a whole number, not "eighty"`},
		"wrong duration":          {"", []string{"ACTIONHERO_GENERAL_STOP_GRACE=soon"}, start, `ACTIONHERO_GENERAL_STOP_GRACE: general.stopGrace must be a duration with its unit, such as "15s" or "250ms", not "soon"`},
		"neither on nor off":      {"", []string{"ACTIONHERO_TCP_SERVER_ENABLE=maybe"}, start, `ACTIONHERO_TCP_SERVER_ENABLE: tcpServer.enable must be true or false, not "maybe"`},
		"unknown variable":        {"", []string{"ACTIONHERO_HTP_SERVER_PORT=80"}, start, `ACTIONHERO_HTP_SERVER_PORT: this environment variable belongs to no known setting; did you mean ACTIONHERO_HTTP_SERVER_PORT?`},
		"unknown value, variable": {"", []string{"ACTIONHERO_LOG_LEVEL=loud"}, start, `ACTIONHERO_LOG_LEVEL: log.level is "loud": it must be debug, info, warn or error`},
		"no such port":            {"", []string{"ACTIONHERO_HTTP_SERVER_PORT=99999"}, start, `ACTIONHERO_HTTP_SERVER_PORT: httpServer.port is 99999: it must be 1 to 65535, or -1 for any free port`},
		"no address":              {"", []string{"ACTIONHERO_TCP_SERVER_BIND_IP=here"}, start, `tcpServer.bindIP is "here": write an IP address of this machine, or leave it empty for all of them`},
		"TLS without certificate": {"", []string{"ACTIONHERO_TCP_SERVER_TLS_PORT=-1"}, start, `tcpServer needs a certificate: set tcpServer.certFile and tcpServer.keyFile`},
		"below zero":              {"", []string{"ACTIONHERO_TCP_SERVER_MAX_IN_FLIGHT=-5"}, start, `ACTIONHERO_TCP_SERVER_MAX_IN_FLIGHT: tcpServer.maxInFlight is -5: it must be above zero`},
		"bytes below zero":        {`{"commonWeb": {"maxBodyBytes": -1}}`, nil, start, `config.json:1: commonWeb.maxBodyBytes is -1: it must be above zero`},
		"time below zero":         {"", []string{"ACTIONHERO_COMMON_WEB_READ_TIMEOUT=-1s"}, start, `ACTIONHERO_COMMON_WEB_READ_TIMEOUT: commonWeb.readTimeout is -1s: it must be above zero`},
		"cache below zero":        {"", []string{"ACTIONHERO_CACHE_MAX_BYTES=-1"}, start, `ACTIONHERO_CACHE_MAX_BYTES: cache.maxBytes is -1: it must be above zero`},
		"HTTPS without a key":     {`{"httpsServer": {"enable": true, "port": -1, "certFile": "none.pem"}}`, nil, start, `httpsServer needs a certificate: set httpsServer.certFile and httpsServer.keyFile`},
		"of another command":      {`{"general": {"port": 1}}`, nil, []string{"actions"}, `config.json:1:14: general.port is not a known setting`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.file != "" {
				testkit.WriteFile(t, filepath.Join(dir, "config.json"), tt.file)
			}
			stdout, stderr, code := run(t, dir, tt.env, tt.args...)
			want := "Error: " + strings.ReplaceAll(tt.want, "NAME", "actionhero.test")
			if code != 1 || stdout != "" || !strings.HasPrefix(stderr, want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, standard output %q, on standard error\n%swant\n%s", code, stdout, stderr, want)
			}
		})
	}
}

func TestMisspelledCommand(t *testing.T) {
	t.Parallel()
	_, stderr, code := run(t, t.TempDir(), nil, "strat")
	if code != 1 || !strings.Contains(stderr, `unknown command "strat"`) || !strings.Contains(stderr, "\tstart\n") {
		t.Errorf("exit code %d, no suggestion in: %s", code, stderr)
	}
}

// If a port is in use, the server serves no client, and closes the ports that it has opened.
func TestPortInUseLeavesNothing(t *testing.T) {
	t.Parallel()
	p := start(t, "actionhero", t.TempDir())
	_, port, _ := strings.Cut(p.tcp, ":")
	_, stderr, code := run(t, t.TempDir(), []string{"ACTIONHERO_TCP_SERVER_PORT=" + port}, "start")
	if code != 1 || !strings.Contains(stderr, "port "+port+" is in use") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if status, _ := p.get("/api/status"); status != 200 {
		t.Errorf("the server that was there answers %d", status)
	}
	p.stop()
}
