package clientgen

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

var update = flag.Bool("update", false, "write the golden files anew")

type money struct {
	Amount   int64  `json:"amount" required:"true" minimum:"1"`
	Currency string `json:"currency" enum:"EUR,USD" default:"EUR"`
}

type createInput struct {
	Subject  string                                 `json:"subject" required:"true" maxLength:"120" doc:"what it is about"`
	Price    money                                  `json:"price"`
	Due      time.Time                              `json:"due"`
	On       actionhero.Date                        `json:"on"`
	Within   time.Duration                          `json:"within" minimum:"1m"`
	Tags     []string                               `json:"tags" maxItems:"3"`
	Owner    actionhero.Optional[string]            `json:"owner" doc:"null takes the owner away"`
	Urgent   bool                                   `json:"urgent"`
	Priority int8                                   `json:"priority" default:"3"`
	Ratio    *float64                               `json:"ratio"`
	Extra    any                                    `json:"extra"`
	Seats    map[string]actionhero.Optional[uint64] `json:"x-seats"`
	Inner    struct {
		Code string `json:"code" pattern:"^[A-Z]+$"`
	} `json:"inner"`
}

// ticket has a name with a small letter, as types of other packages may have.
type ticket struct {
	ID       uint64         `json:"id"`
	Parent   *ticket        `json:"parent"`
	Children []ticket       `json:"children,omitempty"`
	Closed   *time.Time     `json:"closed,omitempty"`
	Blob     []byte         `json:"blob"`
	Meta     map[string]any `json:"meta"`
}

type idInput struct {
	ID uint64 `json:"id" required:"true"`
}

type attachInput struct {
	ID    uint64             `json:"id" required:"true"`
	File  *actionhero.File   `json:"file" required:"true"`
	Files []*actionhero.File `json:"files"`
}

func answers[In, Out any](a actionhero.Action[In, Out]) actionhero.Action[In, Out] {
	a.Run = func(context.Context, In) (out Out, err error) { return out, nil }
	return a
}

func describe(t *testing.T, parts ...actionhero.Part) actionhero.Description {
	t.Helper()
	api, err := actionhero.New(actionhero.Config{ServerName: "shop", APIVersion: "1.2.3", Backend: local.New(local.Config{})}, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return api.Describe()
}

// shop is a small app with each form of an action.
func shop(t *testing.T) actionhero.Description {
	return describe(t,
		answers(actionhero.Action[createInput, ticket]{Name: "tickets.create", Description: "Opens a ticket */ at once", IdempotencyKey: actionhero.KeyOptional}),
		answers(actionhero.Action[idInput, *actionhero.Content]{Name: "tickets.files:show", Kind: actionhero.KindRead}),
		answers(actionhero.Action[attachInput, actionhero.None]{Name: "tickets.files:attach-all", Transports: []string{actionhero.TransportWeb}}),
		answers(actionhero.Action[idInput, actionhero.None]{Name: "delete", Kind: actionhero.KindDestructive, Idempotent: true}),
		answers(actionhero.Action[actionhero.None, map[string]int]{Name: "2fa.then", Description: "Counts"}),
		answers(actionhero.Action[struct {
			Limit int `json:"limit" maximum:"9"`
		}, ticket]{Name: "raw", RawBody: true}),
		answers(actionhero.Action[idInput, actionhero.None]{Name: "vote", Version: 1}),
		answers(actionhero.Action[idInput, ticket]{Name: "vote", Version: 2}),
		actionhero.Event[ticket]{Name: "ticket-changed", Room: "shop:{shop}:ticket:{class}", Description: "A ticket is another one now"},
		actionhero.Event[[]string]{Name: "names", Room: "`lobby`"},
		actionhero.Event[*int]{Name: "count", Room: "n:{n}"},
		answers(actionhero.Action[actionhero.None, actionhero.None]{Name: "here", Transports: []string{actionhero.TransportCLI}}),
	)
}

func generate(t *testing.T, write func(actionhero.Description, Options) ([]File, error), d actionhero.Description, without ...string) []File {
	t.Helper()
	files, err := write(d, Options{Path: "/api", Command: "client", Without: without, Package: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTheClientOfAnAppIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(actionhero.Description, Options) ([]File, error){"client.ts": TypeScript, "client.go": Go} {
		first, second := generate(t, write, shop(t)), generate(t, write, shop(t))
		for i := range first {
			if !bytes.Equal(first[i].Text, second[i].Text) || !bytes.HasPrefix(first[i].Text, []byte(mark)) {
				t.Errorf("%s differs from one time to the next, or does not say that it is generated", first[i].Name)
			}
			if first[i].Name != name {
				continue
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, first[i].Text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || !bytes.Equal(want, first[i].Text) {
				t.Errorf("%s is not %s (%v); the flag -update writes it anew:\n%s", name, golden, err, first[i].Text)
			}
		}
	}
}

func TestActionsOfOneNameInAClientAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ one, other, problem string }{
		{"user-login", "userLogin", `the actions "user-login" and "userLogin" have the same name userLogin`},
		{"user.login", "userLogin", `have the same name`},
		{"tickets", "tickets.list", `the action "tickets" has the name of the namespace of "tickets.list"`},
		{"a.b.x", "aB.y", `"a.b.x" and "aB.y" have namespaces of the same name`},
		{"-", "x", `no letter and no digit`},
	} {
		none := func(name string) actionhero.Part {
			return answers(actionhero.Action[actionhero.None, actionhero.None]{Name: name})
		}
		d := describe(t, none(c.one), none(c.other))
		_, err := TypeScript(d, Options{Path: "/api"})
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s and %s: %v", c.one, c.other, err)
		}
		text := string(generate(t, TypeScript, d, c.one)[0].Text)
		if strings.Contains(text, `name: "`+c.one+`"`) || !strings.Contains(text, `name: "`+c.other+`"`) {
			t.Errorf("without %s the client is\n%s", c.one, text)
		}
	}
	if _, err := TypeScript(shop(t), Options{Without: []string{"["}}); err == nil {
		t.Error("a malformed pattern is taken")
	}
}

// A description is text of the app. It must not end the comment in which it stands.
func TestADescriptionStaysInItsComment(t *testing.T) {
	t.Parallel()
	evil := "a */ b\n// c\u2028d\u202ee"
	got := oneLine(evil)
	if strings.ContainsAny(got, "\n\u2028\u202e") || strings.Contains(got, "*/") {
		t.Errorf("%q", got)
	}
}

func TestOnlyGeneratedFilesAreReplaced(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "web", "api")
	files := generate(t, TypeScript, shop(t))
	if stale := Stale(folder, files); !strings.HasSuffix(stale, "client.ts") {
		t.Errorf("stale: %q", stale)
	}
	for range 2 {
		if err := Write(folder, files); err != nil {
			t.Fatal(err)
		}
	}
	if stale := Stale(folder, files); stale != "" {
		t.Errorf("stale: %q", stale)
	}
	own := filepath.Join(folder, files[1].Name)
	if err := os.WriteFile(own, []byte("my own work"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "client.ts")); err != nil {
		t.Fatal(err)
	}
	err := Write(folder, files)
	text, _ := os.ReadFile(own)
	if _, missing := os.Stat(filepath.Join(folder, "client.ts")); err == nil || string(text) != "my own work" || missing == nil {
		t.Errorf("%v, and the file is %q", err, text)
	}
}
