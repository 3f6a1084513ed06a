package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

type account struct {
	User     string `json:"user"`
	Password string `json:"password" secret:"true"`
}

type guarded struct {
	Plain    string             `json:"plain"`
	Whole    map[string]int     `json:"whole" secret:"true"`
	Login    account            `json:"login"`
	Pointer  *account           `json:"pointer"`
	List     []account          `json:"list"`
	Map      map[string]account `json:"map"`
	Tree     *secretTree        `json:"tree"`
	Embedded struct {
		account
		Deep struct {
			Keys map[string][]account `json:"keys"`
		} `json:"deep"`
	} `json:"embedded"`
}

type secretTree struct {
	Name string        `json:"name"`
	Key  string        `json:"key" secret:"true"`
	Kids []*secretTree `json:"kids"`
}

// shownAs returns the value of one input as logs and answers show it.
func shownAs(t testing.TB, field, raw string) string {
	t.Helper()
	for _, f := range compileInput[guarded](t).Fields() {
		if f.Name == field {
			return string(f.Secrets.AppendJSON(nil, []byte(raw)))
		}
	}
	t.Fatalf("there is no input %q", field)
	return ""
}

func TestSecretsAreHiddenByPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ field, raw, want string }{
		{"plain", `"x"`, `"x"`},
		{"plain", ` {"password" : "x"} `, `{"password":"x"}`},
		{"whole", `{"hunter2":1}`, `"[FILTERED]"`},
		{"whole", `null`, `"[FILTERED]"`},
		{"login", `{"user":"ann","password":"hunter2"}`, `{"user":"ann","password":"[FILTERED]"}`},
		{"login", ` { "password" : { "a" : [ "hunter2" ] } , "user" : [ 1 , 2 ] } `, `{"password":"[FILTERED]","user":[1,2]}`},
		{"login", `{"pass\u0077ord":"hunter2"}`, `{"password":"[FILTERED]"}`},
		{"login", `{"password":"hunter2","password":"hunter2"}`, `{"password":"[FILTERED]","password":"[FILTERED]"}`},
		{"login", `{"Password":"hunter2","passwort":"hunter2"}`, `{"Password":"[FILTERED]","passwort":"[FILTERED]"}`},
		{"login", `null`, `null`},
		{"login", `""`, `""`},
		{"login", `"hunter2"`, `"[FILTERED]"`},
		{"login", `12345`, `"[FILTERED]"`},
		{"login", `true`, `"[FILTERED]"`},
		{"login", `["hunter2"]`, `"[FILTERED]"`},
		{"login", `"{\"user\":\"ann\",\"password\":\"hunter2\"}"`, `"{\"user\":\"ann\",\"password\":\"[FILTERED]\"}"`},
		{"login", `"{\"password\":\"hunter2\""`, `"[FILTERED]"`},
		{"pointer", `{"user":"ann","password":"hunter2"}`, `{"user":"ann","password":"[FILTERED]"}`},
		{"list", `[{"user":"ann","password":"hunter2"},null,"hunter2"]`, `[{"user":"ann","password":"[FILTERED]"},null,"[FILTERED]"]`},
		{"list", `{"user":"ann","password":"hunter2"}`, `"[FILTERED]"`},
		{"map", `{"a":{"user":"ann","password":"hunter2"},"b":[{"password":"hunter2"}]}`, `{"a":{"user":"ann","password":"[FILTERED]"},"b":"[FILTERED]"}`},
		{"tree", `{"name":"a","key":"hunter2","kids":[{"name":"b","key":"hunter2","kids":"[{\"key\":\"hunter2\"}]"}]}`, `{"name":"a","key":"[FILTERED]","kids":[{"name":"b","key":"[FILTERED]","kids":"[{\"key\":\"[FILTERED]\"}]"}]}`},
		{"embedded", `{"user":"ann","password":"hunter2","deep":{"keys":{"x":[{"password":"hunter2"}]}}}`, `{"user":"ann","password":"[FILTERED]","deep":{"keys":{"x":[{"password":"[FILTERED]"}]}}}`},
	} {
		if got := shownAs(t, c.field, c.raw); got != c.want {
			t.Errorf("%s of %s is shown as %s, want %s", c.field, c.raw, got, c.want)
		}
	}
}

func TestInputsWithoutSecretsAreShown(t *testing.T) {
	t.Parallel()
	for _, f := range compileInput[compounds](t).Fields() {
		if len(f.Secrets) > 0 {
			t.Errorf("%s has the secret parts %v", f.Name, f.Secrets)
		}
	}
}

func TestASecretOfOneDeclarationIsHiddenInAll(t *testing.T) {
	t.Parallel()
	other, err := CompileInput(reflect.TypeFor[struct {
		Login struct {
			Token string `json:"token" secret:"true"`
			Note  string `json:"note"`
		} `json:"login"`
	}](), Options{})
	if err != nil {
		t.Fatal(err)
	}
	both := append(Secrets{}, other.Fields()[0].Secrets...)
	for _, f := range compileInput[guarded](t).Fields() {
		if f.Name == "login" {
			both = append(both, f.Secrets...)
		}
	}
	got := string(both.AppendJSON(nil, []byte(`{"user":"ann","password":"hunter2","token":"hunter2","note":"n","x":"hunter2"}`)))
	if want := `{"user":"ann","password":"[FILTERED]","token":"[FILTERED]","note":"n","x":"[FILTERED]"}`; got != want {
		t.Errorf("it is shown as %s, want %s", got, want)
	}
}

func TestErrorsDoNotNameTheKeysOfASecretMap(t *testing.T) {
	t.Parallel()
	type secretMap struct {
		Whole  map[string]int `json:"whole" secret:"true"`
		Nested struct {
			Whole map[string]map[string]int `json:"whole" secret:"true"`
		} `json:"nested"`
		Shown map[string]int `json:"shown"`
	}
	_, fail := decode[secretMap](t, raw("whole", `{"hunter2":"x"}`), raw("nested", `{"whole":{"hunter2":{"hunter2":"x"}}}`), raw("shown", `{"key":"x"}`))
	got := fmt.Sprint(messages(fail))
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "shown.key must be") || !strings.Contains(got, "nested.whole.…") {
		t.Errorf("the messages are %s", got)
	}
}

// FuzzSecrets hides the secrets in any text and any JSON. The result is JSON, and its length has a limit.
func FuzzSecrets(f *testing.F) {
	for _, s := range []string{`{"user":"a","password":"b"}`, `[{"password":{}}]`, `"{\"password\":1}"`, "null", "[[", `{"a":{"b":"c"}}`, `{"key":1,"kids":[{"key":2,"kids":[]}]}`} {
		f.Add(s)
	}
	in := compileInput[guarded](f)
	f.Fuzz(func(t *testing.T, s string) {
		quoted, _ := json.Marshal(s)
		for _, field := range in.Fields() {
			for _, raw := range [][]byte{[]byte(s), quoted} {
				if !json.Valid(raw) || strings.Count(s, "[")+strings.Count(s, "{") > 60 {
					continue
				}
				shown := field.Secrets.AppendJSON(nil, raw)
				if !json.Valid(shown) || len(shown) > 16*len(raw)+64 {
					t.Fatalf("%s %q is shown as %s", field.Name, raw, shown)
				}
			}
			if shown := field.Secrets.AppendText(nil, s); !json.Valid(shown) || len(shown) > 16*len(s)+64 {
				t.Fatalf("%s %q is shown as %s", field.Name, s, shown)
			}
		}
	})
}
