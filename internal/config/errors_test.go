package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, text string
		env              []string
		want             string // the whole error
	}{
		{"typo", "config.json", "{\n  \"httpServer\": {\"prot\": 1}}", nil,
			`config.json:2:18: httpServer.prot is not a known setting; did you mean httpServer.port?`},
		{"case", "config.yaml", "httpserver:\n  port: 1\n", nil,
			`config.yaml:1:1: httpserver is not a known setting; did you mean httpServer?`},
		{"case of a key", "config.toml", "[httpServer]\nbindIp=\"x\"\n", nil,
			`config.toml: httpServer.bindIp is not a known setting; did you mean httpServer.bindIP?`},
		{"wrong section", "config.json", `{"misc":{"apiVersion":"1"}}`, nil,
			`config.json:1:10: misc.apiVersion is not a known setting; did you mean general.apiVersion?`},
		{"nothing near", "config.json", `{"httpServer":{"xyz":1}}`, nil,
			`config.json:1:16: httpServer.xyz is not a known setting`},
		{"in a list", "config.json", `{"misc":{"users":[{"nam":"x"}]}}`, nil,
			`config.json:1:20: misc.users[0].nam is not a known setting; did you mean misc.users[0].name?`},
		{"text for number", "config.json", `{"httpServer":{"port":"80"}}`, nil,
			`config.json:1:23: httpServer.port must be a whole number, not the text "80"`},
		{"fraction", "config.yaml", "httpServer: {port: 80.5}", nil,
			`config.yaml:1:20: httpServer.port must be a whole number, not the number 80.5`},
		{"range", "config.json", `{"httpServer":{"small":256}}`, nil,
			`config.json:1:24: httpServer.small must be a whole number from 0 to 255, not the number 256`},
		{"signed range", "config.json", `{"misc":{"users":[{"age":128}]}}`, nil,
			`config.json:1:26: misc.users[0].age must be a whole number from -128 to 127, not the number 128`},
		{"number for text", "config.yaml", "general: {apiVersion: 1.10}", nil,
			`config.yaml:1:23: general.apiVersion must be text (in quotes), not the number 1.10`},
		{"yes", "config.yaml", "httpServer: {enabled: yes}", nil,
			`config.yaml:1:23: httpServer.enabled must be true or false, not the text "yes"`},
		{"duration", "config.json", `{"httpServer":{"timeout":"soon"}}`, nil,
			`config.json:1:26: httpServer.timeout must be a duration with its unit, such as "15s" or "250ms", not the text "soon"`},
		{"duration without a unit", "config.json", `{"httpServer":{"timeout":5}}`, nil,
			`config.json:1:26: httpServer.timeout must be a duration with its unit, such as "5s" or "5ms", not the number 5`},
		{"variable without a unit", "", "", []string{"ACTIONHERO_HTTP_SERVER_TIMEOUT=5"},
			`ACTIONHERO_HTTP_SERVER_TIMEOUT: httpServer.timeout must be a duration with its unit, such as "5s" or "5ms", not "5"`},
		{"size", "config.json", `{"httpServer":{"maxBodyBytes":"1M"}}`, nil,
			`config.json:1:31: httpServer.maxBodyBytes must be a size such as 1048576, "64 KiB" or "10MB", not the text "1M"`},
		{"infinite", "config.toml", "[httpServer]\nratio = inf\n", nil,
			`config.toml: httpServer.ratio must be a number, not the number +Inf`},
		{"section", "config.json", `{"httpServer":true}`, nil,
			`config.json:1:15: httpServer must be an object with keys, not true`},
		{"list", "config.json", `{"general":{"origins":"a","httpHeaders":[]}}`, nil,
			"config.json:1:23: general.origins must be a list, not the text \"a\"\n" +
				`config.json:1:41: general.httpHeaders must be an object with keys, not a list`},
		{"null in a list", "config.json", `{"general":{"origins":[null]}}`, nil,
			`config.json:1:24: general.origins[0] must not be null`},
		{"own text", "config.json", `{"misc":{"flag":"bad"}}`, nil,
			`config.json:1:17: misc.flag does not accept the text "bad": bad is not good`},
		{"own text, list", "config.json", `{"misc":{"flag":[]}}`, nil,
			`config.json:1:17: misc.flag must be a single value, not a list`},
		{"secret", "config.json", `{"redis":{"password":123456}}`, nil,
			`config.json:1:22: redis.password must be text (in quotes); its value is not shown because it is a secret`},
		{"duplicate", "config.json", `{"httpServer":{"port":1,"port":2},"httpServer":{}}`, nil,
			"config.json:1:25: httpServer.port is given twice; keep one of the two\n" +
				`config.json:1:35: httpServer is given twice; keep one of the two`},
		{"duplicate in YAML", "config.yaml", "httpServer:\n  port: 1\n  port: 2\n", nil,
			`config.yaml:3:3: httpServer.port is given twice; keep one of the two`},
		{"top level", "config.json", `[1]`, nil, `config.json:1:1: the file must hold an object of sections, not a list`},
		{"trailing", "config.json", "{}\n{}", nil, `config.json:2:1: the file must end after its one object`},
		{"second document", "config.yaml", "---\n{}\n---\n{}\n", nil,
			`config.yaml:3:1: the file must hold one YAML document, but here begins another`},
		{"tag", "config.yaml", "general: {apiVersion: !!binary aGk=}", nil,
			`config.yaml:1:23: this YAML tag is not supported; leave it out, or put a text that begins with ! in quotes`},
		{"own tag", "config.yaml", "general: !go {}", nil, `config.yaml:1:10: this YAML tag is not supported; leave it out, or put a text that begins with ! in quotes`},
		{"key of a forged line", "config.json", `{"a\nb":1}`, nil, `config.json:1:2: "a\nb" is not a known setting; an app declares a section of its own with actionhero.Section`},
		{"unknown variable", "", "", []string{"ACTIONHERO_HTTP_SERVER_PROT=1"},
			`ACTIONHERO_HTTP_SERVER_PROT: this environment variable belongs to no known setting; did you mean ACTIONHERO_HTTP_SERVER_PORT?`},
		{"variable", "", "", []string{"ACTIONHERO_HTTP_SERVER_PORT=a\nb"},
			`ACTIONHERO_HTTP_SERVER_PORT: httpServer.port must be a whole number, not "a\nb"`},
		{"variable of a list", "", "", []string{"ACTIONHERO_GENERAL_ORIGINS=a,,b"},
			`ACTIONHERO_GENERAL_ORIGINS: general.origins has an empty item between its commas`},
		{"variable of a map", "", "", []string{"ACTIONHERO_GENERAL_HTTP_HEADERS=a"},
			`ACTIONHERO_GENERAL_HTTP_HEADERS: general.httpHeaders must be pairs such as key=value,key2=value2`},
		{"variable of a map, twice", "", "", []string{"ACTIONHERO_GENERAL_HTTP_HEADERS=a=1,a=2"},
			`ACTIONHERO_GENERAL_HTTP_HEADERS: general.httpHeaders names the key a twice`},
		{"file only", "", "", []string{"ACTIONHERO_MISC_USERS=a"}, `ACTIONHERO_MISC_USERS: misc.users can be given in the file only`},
		{"all together", "config.json", `{"httpServer":{"port":"x","nope1":1}}`, []string{"ACTIONHERO_X=1"},
			"config.json:1:23: httpServer.port must be a whole number, not the text \"x\"\n" +
				"config.json:1:27: httpServer.nope1 is not a known setting\n" +
				"ACTIONHERO_X: this environment variable belongs to no known setting"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := defaults()
			err := loadText(t, c, tt.file, tt.text, append(tt.env, "ACTIONHERO_GENERAL_API_VERSION=changed")...)
			if err == nil {
				t.Fatal("no error")
			}
			if err.Error() != tt.want {
				t.Errorf("got\n%s\nwant\n%s", err, tt.want)
			}
			if d := diff(defaults(), c); d != "" {
				t.Errorf("the defaults were changed in spite of the error:\n%s", d)
			}
		})
	}
}

func TestMalformedFilesNameThePlace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"config.json": {"{\n  \"general\": {,}\n}", "config.json:2:15: this is not valid JSON: "},
		"config.yaml": {"general:\n  a: b: c\n", "config.yaml: this is not valid YAML: line 2: "},
		"config.yml":  {"general: *nowhere\n", "config.yml: this is not valid YAML: "},
		"config.toml": {"[general]\na = \n", "config.toml:2:5: this is not valid TOML: "},
	} {
		err := loadText(t, defaults(), name, tt.text)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s…", name, err, tt.want)
		}
	}
	for text, want := range map[string]string{
		"{":                      "config.json:1:2: this is not valid JSON: ",
		"// comment\n{}":         "config.json:1:1: this is not valid JSON: ",
		"{\"general\":\"\xff\"}": "config.json:1:13: this is not valid JSON: ",
	} {
		err := loadText(t, defaults(), "config.json", text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s…", text, err, want)
		}
	}
	if err := loadText(t, defaults(), "config.toml", "[general]\napiVersion='1'\napiVersion='2'"); err == nil || !strings.Contains(err.Error(), "apiVersion") {
		t.Errorf("a key given twice in TOML: %v", err)
	}
}

func TestSeveralFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "config.json", "{}")
	write(t, dir, "config.toml", "")
	_, err := Load(defaults(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "holds config.json and config.toml; keep one of them") {
		t.Error(err)
	}
}

// A server whose configuration is missing behind a link must not start with the defaults.
func TestABrokenLinkIsNoAbsentFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dir, "config.yaml")); err != nil {
		t.Skip(err)
	}
	if _, err := Load(defaults(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "config.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestHugeAndDeepFiles(t *testing.T) {
	t.Parallel()
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 20; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	for _, tt := range []struct{ file, text, want string }{
		{"config.yaml", bomb, "aliases stand for more than 100000 values"},
		{"config.yaml", "general: &g\n  nestedSection: *g\n", "deeper than 64 levels"},
		{"config.yaml", strings.Repeat("[", 1<<20), "YAML"},
		{"config.yaml", strings.Repeat("- ", 1<<19), "YAML"},
		{"config.yaml", "a: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), "deeper than 64 levels"},
		{"config.json", strings.Repeat("[", 1<<20), "deeper than 64 levels"},
		{"config.json", strings.Repeat(`{"a":`, 1<<17), "deeper than 64 levels"},
		{"config.toml", "a = " + strings.Repeat("[", 1<<20-4), "more than 10000 brackets"},
		{"config.toml", "a = " + strings.Repeat("[", maxBrackets), "this is not valid TOML"},
		{"config.toml", "\na" + strings.Repeat(".a", maxDots) + "=1", "deeper than 64 levels"},
		{"config.toml", "\na" + strings.Repeat(".a", maxDots+1) + "=1", "config.toml:2: the line holds more than 1000 dots"},
		{"config.toml", "a = " + strings.Repeat("[", 70) + strings.Repeat("]", 70), "deeper than 64 levels"},
		{"config.json", strings.Repeat(" ", 1<<20+1), "larger than 1048576 bytes"},
		{"config.json", "{" + strings.Repeat(`"a":1,`, 1<<17) + `"b":1}`, "more problems of this kind"},
	} {
		err := loadText(t, defaults(), tt.file, tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			msg := fmt.Sprint(err)
			t.Errorf("%s %.20q…: got %.300s, want %s", tt.file, tt.text, msg, tt.want)
		}
	}
}

func TestYAMLAnchors(t *testing.T) {
	t.Parallel()
	c := defaults()
	err := loadText(t, c, "config.yaml", `
general:
  httpHeaders: &h {X-A: "1", X-B: "2"}
  apiVersion: &v "7"
misc:
  flag: *v
  users:
    - &u {name: one, age: 3}
    - <<: *u
      name: two
    - <<: [{name: three}, *u]
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []user{{Name: "one", Age: 3}, {Name: "two", Age: 3}, {Name: "three", Age: 3}}
	if fmt.Sprint(c.Misc.Users) != fmt.Sprint(want) || c.Misc.Flag != "7" {
		t.Errorf("got %+v", c.Misc)
	}
	if err := loadText(t, c, "config.yaml", "misc: {users: [{<<: 1}]}"); err == nil || !strings.Contains(err.Error(), "<< must have an object") {
		t.Error(err)
	}
}

// A parser does not know which settings are secrets, so its messages contain no values.
func TestParsersHideValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ file, text, want string }{
		{"config.yaml", "redis:\n  password: !!int hunter2\n", "config.yaml:2:13: the value does not fit its YAML tag !!int"},
		{"config.yaml", "redis:\n  password: !hunter2 x\n", "config.yaml:2:13: this YAML tag is not supported; leave it out, or put a text that begins with ! in quotes"},
		{"config.yaml", "redis:\n  password: !!hunter2 x\n", "config.yaml:2:13: this YAML tag is not supported; leave it out, or put a text that begins with ! in quotes"},
		{"config.yaml", "redis:\n  password: *hunter2\n", "config.yaml: this is not valid YAML: unknown anchor [FILTERED] referenced"},
		{"config.toml", "[redis]\npassword = hunter2\n", "config.toml:2:12: this is not valid TOML: expected value but found [FILTERED] instead"},
		{"config.toml", "[redis]\npassword = 99999999999999999999\n", "config.toml:2:12: this is not valid TOML: the number is out of range for int64"},
		{"config.toml", "[redis]\npassword = 1'hunter2'\n", "config.toml:2:13: this is not valid TOML: expected a top-level item to end with a newline, comment, or EOF, but got '\\'' instead"},
		{"config.toml", "[redis]\npassword = 'a'\npassword = 'b'\n", "config.toml:3:16: this is not valid TOML: Key 'redis.password' has already been defined."},
		{"config.json", "{\"redis\": {\"password\": \"hunter\\u12zz\"}}", "config.json:1:31: this is not valid JSON: invalid escape sequence [FILTERED] in string"},
		{"config.json", "{\"redis\": {\"password\": hunter2}}", "config.json:1:24: this is not valid JSON: invalid character 'h' at start of value"},
	} {
		if err := loadText(t, defaults(), tt.file, tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("%q:\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
	var secret struct {
		Headers map[string]string `json:"headers" secret:"true"`
	}
	_, err := Load(&secret, Options{Dir: t.TempDir(), Env: []string{"ACTIONHERO_HEADERS=hunter2=a,hunter2=b"}})
	if want := "ACTIONHERO_HEADERS: headers names a key twice; its value is not shown because it is a secret"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
