package server_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// originalSettings are the settings of the original's version 3 that this server has under the same names, each with a
// value and the form in which the server prints it.
var originalSettings = map[string][2]string{
	"general.apiVersion": {`"3.0.0"`, "3.0.0"}, "general.serverName": {`"my API"`, "my API"}, "general.welcomeMessage": {`"Hi"`, "Hi"},
	"general.flatFileDirectory": {`"./files"`, "./files"}, "general.flatFileNotFoundMessage": {`"no file"`, "no file"},
	"general.flatFileIndexPageNotFoundMessage": {`"no page"`, "no page"}, "general.defaultChatRoom": {`"lobby"`, "lobby"},
	"general.defaultLimit": {"50", "50"}, "general.defaultOffset": {"5", "5"},
	"log.logging": {"false", "false"}, "log.logFolder": {`"./logs/"`, "./logs/"}, "log.logFile": {`"my.log"`, "my.log"}, "log.logRequests": {"false", "false"},
	"redis.enable": {"true", "true"}, "redis.host": {`"192.0.2.1"`, "192.0.2.1"}, "redis.port": {"6380", "6380"},
	"redis.password": {`"hunter2"`, "[FILTERED]"}, "redis.DB": {"2", "2"},
	"commonWeb.httpHeaders": {`{"X-A": "b"}`, "X-A=b"}, "commonWeb.urlPathForActions": {`"v1"`, "v1"}, "commonWeb.urlPathForFiles": {`"static"`, "static"},
	"commonWeb.rootEndpointType": {`"public"`, "public"},
	"httpServer.enable":          {"false", "false"}, "httpServer.port": {"8081", "8081"}, "httpServer.bindIP": {`"127.0.0.1"`, "127.0.0.1"},
	"httpsServer.enable": {"true", "true"}, "httpsServer.port": {"4444", "4444"}, "httpsServer.bindIP": {`"127.0.0.1"`, "127.0.0.1"},
	"httpsServer.keyFile": {`"./certs/server-key.pem"`, "./certs/server-key.pem"}, "httpsServer.certFile": {`"./certs/server-cert.pem"`, "./certs/server-cert.pem"},
	"tcpServer.enable": {"false", "false"}, "tcpServer.port": {"5001", "5001"}, "tcpServer.bindIP": {`"0.0.0.0"`, "0.0.0.0"},
	"webSockets.enable": {"false", "false"}, "webSockets.bind": {`"http"`, "http"},
}

// formerSettings are the other settings of the original, each with its value there.
var formerSettings = map[string]string{
	"general.apiBaseDir": `"./node_modules/actionHero/"`, "general.workers": "3", "general.developmnetMode": "false", "general.maxLogFileSize": "1000",
	"redis.options": "null", "webSockets.logLevel": "1", "webSockets.settings": `["browser client gzip"]`,
}

// one returns a configuration with one setting.
func one(key, value string) string {
	section, name, _ := strings.Cut(key, ".")
	return `{"` + section + `": {"` + name + `": ` + value + `}}`
}

func TestEverySettingOfTheOriginalIsRead(t *testing.T) {
	t.Parallel()
	for key, value := range originalSettings {
		all := describe(t, load(t, "config.json", one(key, value[0])))
		if s := all[key]; s.Value != value[1] || !strings.HasPrefix(s.Origin, "config.json") {
			t.Errorf("%s: %s is read as %s from %s", key, value[0], s.Value, s.Origin)
		}
	}
}

func TestAFormerSettingStopsTheStart(t *testing.T) {
	t.Parallel()
	for key, value := range formerSettings {
		dir := t.TempDir()
		testkit.WriteFile(t, filepath.Join(dir, "config.json"), one(key, value))
		if _, err := server.Load(dir); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("with %s, the error is %v", key, err)
		}
	}
}

var (
	rowOfTable = regexp.MustCompile(`(?m)^\| (.+) \| (.+) \| (.+) \|$`)
	testInRow  = regexp.MustCompile("`(Test\\w+)`")
	testInCode = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// TestThePageForUsersOfTheOriginalIsProved holds each row of the page against the tests that it names, and the rows of
// settings against the settings of the original.
func TestThePageForUsersOfTheOriginalIsProved(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/from-actionhero.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, settings, rows := testNames(t), map[string]string{}, 0
	for _, row := range rowOfTable.FindAllStringSubmatch(string(page), -1) {
		if row[1] == "the original" {
			continue
		}
		rows++
		if !regexp.MustCompile(`^\*(works|differs|not offered)\*`).MatchString(row[2]) {
			t.Errorf("the row %q does not begin with a verdict", row[0])
		}
		named := testInRow.FindAllStringSubmatch(row[3], -1)
		if len(named) == 0 {
			t.Errorf("the row %q names no test", row[0])
		}
		for _, m := range named {
			if !tests[m[1]] {
				t.Errorf("there is no test %s", m[1])
			}
		}
		settings[strings.Trim(row[1], "`")] = row[2]
	}
	for key := range originalSettings {
		if verdict := settings[key]; verdict == "" || strings.HasPrefix(verdict, "*not offered*") {
			t.Errorf("the row of %s says %q", key, verdict)
		}
	}
	for key := range formerSettings {
		if verdict := settings[key]; verdict == "" || strings.HasPrefix(verdict, "*works*") {
			t.Errorf("the row of %s says %q", key, verdict)
		}
	}
	if rows < 100 {
		t.Errorf("only %d rows were found", rows)
	}
}

// testNames returns the names of all tests of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir("..", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := os.ReadFile(name)
		for _, m := range testInCode.FindAllSubmatch(source, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil || len(names) < 1000 {
		t.Fatalf("%d tests were found: %v", len(names), err)
	}
	return names
}
