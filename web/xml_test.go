package web_test

import (
	"context"
	"encoding/xml"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

type mirrored struct {
	Value any `json:"value"`
}

var mirror = actionhero.Action[mirrored, mirrored]{
	Name: "mirror", Kind: actionhero.KindRead,
	Run: func(_ context.Context, in mirrored) (mirrored, error) { return in, nil },
}

// An answer that is much longer as XML than as JSON is refused, and the refusal is XML.
func TestAnAnswerThatGrowsAsXMLIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, nil, mirror)
	const contentType = "Content-Type: application/json"
	long, list := strings.Repeat("a", 2_000), "[1"+strings.Repeat(",1", 9_999)+"]"
	c := s.HTTP(t)
	got := c.Ask("POST", "/api/mirror?outputType=xml", `{"value":{"`+long+`":`+list+`}}`, contentType)
	got.Want(t, 400, "<error>outputType must be json for this answer: it is too large as XML</error>")
	got.WantHeader(t, "Content-Type: application/xml")
	got = c.Ask("POST", "/api/mirror?outputType=xml", `{"value":{"short":`+list+`}}`, contentType)
	got.Want(t, 200, "<short>1</short><short>1</short>")
	got = c.Ask("POST", "/api/mirror?outputType=xml", `{"value":{"`+long+`":1}}`, contentType)
	got.Want(t, 200, "<"+long[:64]+">1</"+long[:64]+">")
	got.WantHeader(t, "Content-Type: application/xml")
	c.Ask("POST", "/api/mirror", `{"value":{"`+long+`":`+list+`}}`, contentType).Want(t, 200, `"error":"OK"`)
}

// FuzzXML sends any JSON to an action that answers its input as XML. The answer is well formed and at most linear in the
// request.
func FuzzXML(f *testing.F) {
	for _, s := range []string{`1`, `{"a":[1,[2,{"b":null}]]}`, `{"` + strings.Repeat("é", 40) + `":1}`, `{"":{"<":"\u0000]]>"}}`, `[[],[[]]]`, `"\ud800"`, "{\"\xff\":\"\xff\"}", `{"xml":-0.5e300}`} {
		f.Add([]byte(s))
	}
	s := start(f, nil, mirror)
	f.Fuzz(func(t *testing.T, value []byte) {
		body := `{"value":` + string(value) + `}`
		r := httptest.NewRequest("POST", "/api/mirror?outputType=xml", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := answerTo(t, s.Web, r)
		if w.Body.Len() > 20*len(body)+300<<10 {
			t.Fatalf("%d bytes are answered with %d", len(body), w.Body.Len())
		}
		if err := xml.Unmarshal(w.Body.Bytes(), new(struct{})); err != nil {
			t.Fatalf("%q is answered with %s: %v", body, w.Body, err)
		}
	})
}

func FuzzElementName(f *testing.F) {
	for _, s := range []string{"", "a", strings.Repeat("é", 40), strings.Repeat("日", 30), "a" + strings.Repeat("\U0001F600", 20), "\xff", "-", "1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		name := web.ElementName(key)
		if len(name) > web.MaxElementName+1 || !utf8.ValidString(name) {
			t.Fatalf("%q is the element %q of %d bytes", key, name, len(name))
		}
		if err := xml.Unmarshal([]byte("<"+name+"/>"), new(struct{})); err != nil {
			t.Fatalf("%q is the element %q: %v", key, name, err)
		}
	})
}
