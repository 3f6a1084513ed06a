package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

type patchAddress struct {
	City actionhero.Optional[string] `json:"city"`
	Zip  actionhero.Optional[int]    `json:"zip"`
}

type patchInput struct {
	ID      string                            `json:"id" required:"true"`
	Name    actionhero.Optional[string]       `json:"name"`
	Age     actionhero.Optional[int]          `json:"age"`
	Tags    actionhero.Optional[[]string]     `json:"tags"`
	Address actionhero.Optional[patchAddress] `json:"address"`
	Plain   patchAddress                      `json:"plain"`
}

func shown[T any](o actionhero.Optional[T]) string {
	switch {
	case !o.Set:
		return "absent"
	case o.Null:
		return "null"
	}
	if address, ok := any(o.Value).(patchAddress); ok {
		return shownAddress(address)
	}
	return fmt.Sprintf("%q", fmt.Sprint(o.Value))
}

func shownAddress(a patchAddress) string { return "(" + shown(a.City) + " " + shown(a.Zip) + ")" }

// A PATCH tells a member that is absent from one that is null and from one with a value, within objects as well. A query
// and a form have no null: an empty text is the value of a text, and absent for all else.
func TestAPatchTellsAbsentNullAndValueApart(t *testing.T) {
	t.Parallel()
	s := start(t, plain, actionhero.Action[patchInput, map[string]string]{
		Name: "patch", Route: "PATCH /people/{id}",
		Run: func(_ context.Context, in patchInput) (map[string]string, error) {
			text := shown(in.Name) + " " + shown(in.Age) + " " + shown(in.Tags) + " " + shown(in.Address) + " " + shownAddress(in.Plain)
			return map[string]string{"got": text}, nil
		},
	})
	part := func(name, text string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n"
	}
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range [][4]string{ // query, content type, body, what the action gets
			{"", isJSON, `{}`, `absent absent absent absent (absent absent)`},
			{"", isJSON, `{"name":null,"age":null,"tags":null,"address":null,"plain":null}`, `null null null null (absent absent)`},
			{"", isJSON, `{"name":"","age":0,"tags":[],"address":{},"plain":{}}`, `"" "0" "[]" (absent absent) (absent absent)`},
			{"", isJSON, `{"address":{"city":null,"zip":7},"plain":{"city":"","zip":null}}`, `absent absent absent (null "7") ("" null)`},
			{"?name=a", isJSON, `{"name":null}`, `null absent absent absent (absent absent)`},
			{"?name=&age=&tags=&address=", "", "", `"" absent absent absent (absent absent)`},
			{"?name=null&age=1&tags=a&tags=b", "", "", `"null" "1" "[a b]" absent (absent absent)`},
			{"?address=" + `%7B%22city%22:null%7D`, "", "", `absent absent absent (null absent) (absent absent)`},
			{"", isForm, "name=&age=&tags[]=a", `"" absent "[a]" absent (absent absent)`},
			{"?age=1", isForm, "age=2", `absent "2" absent absent (absent absent)`},
			{"", isParts, part("name", "") + part("age", "") + part("tags[0]", "a") + "--b--\r\n", `"" absent "[a]" absent (absent absent)`},
		} {
			var headers []string
			if test[1] != "" {
				headers = []string{test[1]}
			}
			got := c.Ask("PATCH", "/people/7"+test[0], test[2], headers...)
			var out struct{ Got string }
			if err := json.Unmarshal([]byte(got.Text), &out); err != nil {
				t.Fatalf("%v in %q", err, got.Text)
			}
			if out.Got != test[3] {
				t.Errorf("%v: %s, want %s", test[:3], out.Got, test[3])
			}
		}
	})
}
