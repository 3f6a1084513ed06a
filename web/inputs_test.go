package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

type listInput struct {
	List []string `json:"l"`
	Odd  string   `json:"odd[]"`
}

func lists() actionhero.Part {
	return actionhero.Action[listInput, map[string]string]{Name: "lists", Run: func(_ context.Context, in listInput) (map[string]string, error) {
		return map[string]string{"got": strings.Join(in.List, "|"), "odd": in.Odd}, nil
	}}
}

// Forms and libraries spell lists in several ways; each gives the list, in its order.
func TestSpellingsOfLists(t *testing.T) {
	t.Parallel()
	s := start(t, nil, lists())
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for query, want := range map[string]string{
			"l=1&l=2": "1|2", "l[]=1&l[]=2": "1|2", "l%5B%5D=1&l%5B%5D=2": "1|2", "l[0]=1&l[1]=2": "1|2", "l[1]=2&l[0]=1": "1|2", "l[10]=c&l[9]=b&l[0]=a": "a|b|c",
			"l[]=1": "1", "l[0]=1": "1", "l[x]=1": "", "l[-1]=1": "", "[]=1": "", "l]=1": "", "other[]=1": "", "l[99999999999]=1": "",
		} {
			c.Ask("GET", "/api/lists?"+query, "").Want(t, 200, `{"got":"`+want+`"`)
			c.Ask("POST", "/api/lists", query, isForm).Want(t, 200, `{"got":"`+want+`"`)
		}
		c.Ask("GET", "/api/lists?odd[]=1", "").Want(t, 200, `"odd":"1"`)
	})
}

// A byte order mark before a body belongs to no key and no value.
func TestByteOrderMarks(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", ""))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for contentType, text := range map[string]string{isJSON: `{"name":"ann"}`, isForm: "name=ann", "Content-Type: text/plain": `{"name":"ann"}`} {
			c.Ask("POST", "/api/show", "\ufeff"+text, contentType).Want(t, 200, `{"got":"ann|"`)
			c.Ask("POST", "/api/show", "\ufeff", contentType).Want(t, map[bool]int{true: 415, false: 200}[strings.HasSuffix(contentType, "plain")], "")
		}
	})
}

// Each media type of JSON is JSON, and an odd parameter does not change the type. A text is JSON if it begins like an
// object.
func TestMediaTypesOfJSON(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", ""))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, contentType := range []string{
			"application/problem+json", "application/vnd.api+json; version=1", "text/json", "Application/JSON;charset", "application/json; charset", "application/json; ;", `application/json; a="`,
			"text/plain", "text/plain;charset=UTF-8",
		} {
			c.Ask("POST", "/api/show", ` {"name":"ann"}`, "Content-Type: "+contentType).Want(t, 200, `{"got":"ann|"`)
		}
		for _, contentType := range []string{"image/svg+json", "application/jsonx", "text/html", "application/xml", "+json", "application"} {
			c.Ask("POST", "/api/show", `{"name":"ann"}`, "Content-Type: "+contentType).Want(t, 415, `"error":"the content type of a body must be`)
		}
		c.Ask("POST", "/api/show", `name=ann`, "Content-Type: text/plain").Want(t, 415, "")
		c.Ask("POST", "/api/show", `{"name":`, "Content-Type: text/plain").Want(t, 400, "malformed JSON")
	})
}

// The refusal of a compressed body gives the reason, and does not speak of malformed JSON.
func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", ""))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, coding := range []string{"gzip", "GZIP", "br", "identity, deflate", "zstd|Content-Encoding: identity"} {
			for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
				got := c.Ask("POST", "/api/show", "\x1f\x8b\x08", strings.Split("Content-Type: "+kind+"|Content-Encoding: "+coding, "|")...)
				got.Want(t, 415, `"error":"a body must not be compressed`)
				if got.Header.Get("Accept-Encoding") != "identity" {
					t.Errorf("%s: the headers are %v", coding, got.Header)
				}
			}
		}
		for _, coding := range []string{"identity", "utf-8", ""} {
			c.Ask("POST", "/api/show", `{"name":"ann"}`, "Content-Type: application/json", "Content-Encoding: "+coding).Want(t, 200, `{"got":"ann|"`)
		}
		c.Ask("GET", "/api/show?name=ann", "", "Content-Encoding: gzip").Want(t, 200, `{"got":"ann|"`)
	})
}

// A percent sign that begins no escape stands for itself, as browsers read it.
func TestPercentSigns(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", ""))
	s.Put(t, "a.txt", "the file")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for value, want := range map[string]string{"100%": "100%", "%": "%", "%4": "%4", "%zz+a%20b": "%zz a b", "a%%41": "a%A", "%+1": "% 1", "%41%": "A%"} {
			c.Ask("POST", "/api/show", "name="+value, isForm).Want(t, 200, `{"got":"`+want+`|"`)
		}
	})
	p := s.HTTPConn(t) // clients of net/http escape a lone percent sign
	for _, target := range []string{"/api/show?name=100%", "/public/a.txt?s=100%"} {
		p.Send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
		p.Next("GET").Want(t, 200, map[bool]string{true: "the file", false: `{"got":"100%|"`}[strings.HasPrefix(target, "/public")])
	}
}

// A part of a form reaches the input in the form that the input has: JSON in a Blob for a value, several files for a
// list. A part that cannot be read is refused, not dropped.
func TestPartsOfForms(t *testing.T) {
	t.Parallel()
	type address struct {
		Street string `json:"street"`
	}
	type in struct {
		Address address            `json:"address"`
		Ups     []*actionhero.File `json:"ups"`
		List    []string           `json:"l"`
	}
	form := actionhero.Action[in, map[string]any]{Name: "form", Run: func(_ context.Context, in in) (map[string]any, error) {
		return map[string]any{"street": in.Address.Street, "files": len(in.Ups), "list": strings.Join(in.List, "|")}, nil
	}}
	s := start(t, nil, form)
	part := func(head, text string) string { return "--b\r\n" + head + "\r\n\r\n" + text + "\r\n" }
	field := func(attributes, more, text string) string {
		return part("Content-Disposition: form-data; "+attributes+more, text)
	}
	const isBlob = "\r\nContent-Type: application/json"
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for body, want := range map[string]string{
			field(`name="address"; filename="blob"`, isBlob, `{"street":"Main"}`):                                 `200 "street":"Main"`,
			field(`name="address"; filename="blob"`, isBlob, `{"street":`):                                        `400 "error":"the form field address: malformed JSON`,
			field(`name="ups[]"; filename="a.json"`, isBlob, `{}`) + field(`name="ups[]"; filename="b"`, "", `b`): `200 {"files":2`,
			field(`name="l[]"`, "", "1") + field(`name="l[]"`, "", "2"):                                           `200 "list":"1|2"`,
			field(`name="unknown"`, "", "1"):                                                                      `200 {"files":0`,
			field(`name=""`, "", "1"):                                                                             `200 {"files":0`,
			part("Content-Disposition: form-data", "1"):                                                           `400 has no readable Content-Disposition`,
			part("Content-Disposition: attachment; name=l", "1"):                                                  `400 has no readable Content-Disposition`,
			part(`Content-Disposition: form-data; name="l`, "1"):                                                  `400 has no readable Content-Disposition`,
			part("X-Other: 1", "1"):                                                                               `400 has no readable Content-Disposition`,
		} {
			status, text, _ := strings.Cut(want, " ")
			c.Ask("POST", "/api/form", body+"--b--\r\n", isParts).Want(t, map[string]int{"200": 200, "400": 400}[status], text)
		}
	})
}
