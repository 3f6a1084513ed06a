package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
		{Key: "general.apiVersion", Value: "1.0", Origin: FromDefault, Default: "1.0", Type: "text", Env: "ACTIONHERO_GENERAL_API_VERSION"},
		{Key: "general.flatFileDirectory", Value: "./public", Origin: FromDefault, Default: "./public", Type: "text", Env: "ACTIONHERO_GENERAL_FLAT_FILE_DIRECTORY"},
		{Key: "general.origins", Value: "a,b", Origin: FromProgram, Default: "default", Type: "list of text", Env: "ACTIONHERO_GENERAL_ORIGINS"},
		{Key: "general.httpHeaders", Value: "X-A=1", Origin: FromProgram, Default: "X-Default=yes", Type: "map of text", Env: "ACTIONHERO_GENERAL_HTTP_HEADERS"},
		{Key: "general.nestedSection.deepKey", Value: "true", Origin: FromProgram, Default: "false", Type: "true or false", Env: "ACTIONHERO_GENERAL_NESTED_SECTION_DEEP_KEY"},
		{Key: "httpServer.port", Value: "81", Origin: "config.json:3", Default: "8080", Type: "whole number", Env: "ACTIONHERO_HTTP_SERVER_PORT", Doc: "the port to listen on"},
		{Key: "httpServer.bindIP", Value: "::1", Origin: FromProgram, Type: "text", Env: "ACTIONHERO_HTTP_SERVER_BIND_IP"},
		{Key: "httpServer.enabled", Value: "true", Origin: FromProgram, Default: "false", Type: "true or false", Env: "ACTIONHERO_HTTP_SERVER_ENABLED"},
		{Key: "httpServer.timeout", Value: "1.5s", Origin: FromProgram, Default: "15s", Type: "duration", Env: "ACTIONHERO_HTTP_SERVER_TIMEOUT"},
		{Key: "httpServer.maxBodyBytes", Value: "64 KiB", Origin: FromProgram, Default: "10 MiB", Type: "size", Env: "ACTIONHERO_HTTP_SERVER_MAX_BODY_BYTES"},
		{Key: "httpServer.ratio", Value: "0.5", Origin: FromProgram, Default: "0", Type: "number", Env: "ACTIONHERO_HTTP_SERVER_RATIO"},
		{Key: "httpServer.small", Value: "255", Origin: FromProgram, Default: "0", Type: "whole number", Env: "ACTIONHERO_HTTP_SERVER_SMALL"},
		{Key: "redis.DB", Value: "3", Origin: FromProgram, Default: "0", Type: "whole number", Env: "ACTIONHERO_REDIS_DB"},
		{Key: "redis.password", Value: "[FILTERED]", Origin: FromProgram, Type: "text", Env: "ACTIONHERO_REDIS_PASSWORD"},
		{Key: "misc.flag", Value: "true", Origin: FromProgram, Type: "text", Env: "ACTIONHERO_MISC_FLAG"},
		{Key: "misc.proxies", Value: "10.0.0.0/8", Origin: FromProgram, Type: "list of text", Env: "ACTIONHERO_MISC_PROXIES"},
		{Key: "misc.maybe", Value: "false", Origin: FromProgram, Type: "true or false", Env: "ACTIONHERO_MISC_MAYBE"},
		{Key: "misc.users", Value: "{name: u, pass: [FILTERED], age: -128}", Origin: FromProgram, Type: "list of objects"},
		{Key: "misc.waits", Value: "1,2", Origin: FromProgram, Type: "list of whole number", Env: "ACTIONHERO_MISC_WAITS"},
	}
	if d := cmp.Diff(want, Describe(c, defaults(), Origins{"httpServer.port": {"config.json:3", "81"}, "httpServer.bindIP": {"config.json:4", "::2"}}), cmpopts.IgnoreUnexported(Setting{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(len(want), len(Describe(testConfig{}, defaults(), nil))); d != "" {
		t.Errorf("a nil section must be listed too: %s", d)
	}
}

// TestDescribedValuesLoad makes sure that what the help shows can be given back.
func TestDescribedValuesLoad(t *testing.T) {
	t.Parallel()
	var env []string
	for _, s := range Describe(full(), defaults(), nil) {
		if s.Env != "" && s.Value != filtered {
			env = append(env, s.Env+"="+s.Value)
		}
	}
	c := defaults()
	if _, err := Load(c, Options{Dir: t.TempDir(), Env: env}); err != nil {
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
		if _, err := Load(tt.dst, Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

// Two inlined structs may share a key if they declare it with the same tags.
func TestInlinedStructs(t *testing.T) {
	t.Parallel()
	type plain struct {
		Limit int `json:"limit" default:"5"`
		Only  int `json:"only"`
	}
	type other struct {
		Most int `json:"limit" default:"5"`
	}
	type different struct {
		Most int `json:"limit" default:"6"`
	}
	var shared struct {
		Plain plain `json:",inline"`
		Other other `json:",inline"`
	}
	if _, err := Load(&shared, Options{Dir: t.TempDir(), Env: []string{"ACTIONHERO_LIMIT=0", "ACTIONHERO_ONLY=3"}}); err != nil {
		t.Fatal(err)
	}
	if shared.Plain.Limit != 0 || shared.Other.Most != 0 || shared.Plain.Only != 3 {
		t.Errorf("got %+v", shared)
	}
	if all := Describe(shared, shared, nil); len(all) != 2 {
		t.Errorf("there are two settings, not %v", all)
	}
	_, err := Load(&shared, Options{Dir: t.TempDir(), Env: []string{"ACTIONHERO_LIMIT=x"}})
	if want := `ACTIONHERO_LIMIT: limit must be a whole number, not "x"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var conflict struct {
		Plain plain     `json:",inline"`
		Other different `json:",inline"`
	}
	if _, err := Load(&conflict, Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "two settings are named limit") {
		t.Errorf("got %v", err)
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	settings := []Setting{
		{Key: "a.b", Value: "1", Origin: "config.json:2", Default: "0", Type: "whole number", Unit: "rooms", Range: "0 or more", Env: "X_A_B", Doc: "rooms | halls"},
		{Key: "a.c", Value: filtered, Origin: FromDefault, Type: "list of objects"},
	}
	var plain, colored, markdown strings.Builder
	for _, err := range []error{Print(&plain, settings, false), Print(&colored, settings, true), PrintMarkdown(&markdown, settings, "# Intro\n")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := "a.b  1           config.json:2  rooms, 0 or more\n    X_A_B: rooms | halls\na.c  [FILTERED]  default        list of objects\n    \n"
	if plain.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &plain, want)
	}
	if want := "\x1b[1ma.b\x1b[0m  \x1b[32m1\x1b[0m           \x1b[32mconfig.json:2\x1b[0m  rooms, 0 or more\n"; !strings.HasPrefix(colored.String(), want) {
		t.Errorf("got %q, want %q", &colored, want)
	}
	want = "# Intro\n\n## a\n\n| key | environment variable | default | values | meaning |\n|---|---|---|---|---|\n" +
		"| `b` | `X_A_B` | `0` | rooms, 0 or more | rooms \\| halls |\n| `c` |  |  | list of objects |  |\n"
	if markdown.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &markdown, want)
	}
}

// A setting that the program computes is no secret, even if the value would be one.
func TestASecretThatIsNotSetShowsWhereItComesFrom(t *testing.T) {
	t.Parallel()
	type section struct {
		URL  string `json:"url" secret:"true" auto:"the variable URL" doc:"place"`
		User string `json:"user" doc:"login"`
	}
	type root struct {
		S section `json:"s"`
	}
	for value, want := range map[string]string{"": "the variable URL", "redis://:hunter2@h": "[FILTERED]", "the variable URL": "[FILTERED]"} {
		all := Describe(root{section{URL: value}}, root{}, nil)
		if all[0].Value != want || all[0].Default != "the variable URL" {
			t.Errorf("the value %q is shown as %+v", value, all[0])
		}
		var page, file strings.Builder
		if err := errors.Join(PrintMarkdown(&page, all, ""), PrintYAML(&file, all, "")); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page.String(), "| the variable URL |") || strings.Contains(page.String()+file.String(), "hunter2") {
			t.Errorf("the page is %s", &page)
		}
		if want := "  # place (text; default: the variable URL)\n  #url: null\n  # login (text)\n  #user: \"\"\n"; !strings.Contains(file.String(), want) {
			t.Errorf("the file is\n%swant\n%s", &file, want)
		}
	}
}
