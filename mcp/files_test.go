package mcp_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/actionhero-go/actionhero"
)

type fileInput struct {
	Name string `json:"name"`
}

func TestAFileIsAResourceOrAnImage(t *testing.T) {
	t.Parallel()
	png := "\x89PNG"
	contents := map[string]func() *actionhero.Content{
		"text": func() *actionhero.Content {
			return &actionhero.Content{Body: strings.NewReader("a,b"), Name: "a b.csv"}
		},
		"json": func() *actionhero.Content {
			return &actionhero.Content{Body: strings.NewReader("{}"), Type: "application/problem+json"}
		},
		"image": func() *actionhero.Content { return &actionhero.Content{Body: strings.NewReader(png), Name: "a.png"} },
		"sound": func() *actionhero.Content {
			return &actionhero.Content{Body: strings.NewReader("RIFF"), Type: "audio/wav"}
		},
		"bytes": func() *actionhero.Content {
			return &actionhero.Content{Body: iotest.OneByteReader(strings.NewReader("\x00\xff")), Name: "a.bin"}
		},
		"empty": func() *actionhero.Content { return &actionhero.Content{Body: strings.NewReader(""), Name: "a.txt"} },
		"wrong": func() *actionhero.Content {
			return &actionhero.Content{Body: strings.NewReader("\xff\xfe"), Name: "a.txt"}
		},
		"large": func() *actionhero.Content {
			return &actionhero.Content{Body: strings.NewReader(strings.Repeat("x", 2000)), Name: "a.txt"}
		},
		"panic": func() *actionhero.Content { return &actionhero.Content{Body: panics{}, Name: "a.txt"} },
		"fails": func() *actionhero.Content {
			return &actionhero.Content{Body: iotest.ErrReader(io.ErrUnexpectedEOF), Name: "a.txt"}
		},
	}
	s := start(t, nil, isTool(actionhero.Action[fileInput, *actionhero.Content]{
		Name: "download", Run: func(_ context.Context, in fileInput) (*actionhero.Content, error) { return contents[in.Name](), nil },
	}))
	b64 := base64.StdEncoding.EncodeToString
	for name, want := range map[string]string{
		"text":  `{"type":"resource","resource":{"uri":"actionhero:///download/a%20b.csv","mimeType":"text/csv; charset=utf-8","text":"a,b"}}`,
		"json":  `{"type":"resource","resource":{"uri":"actionhero:///download/content","mimeType":"application/problem+json","text":"{}"}}`,
		"image": `{"type":"image","mimeType":"image/png","data":"` + b64([]byte(png)) + `"}`,
		"sound": `{"type":"audio","mimeType":"audio/wav","data":"` + b64([]byte("RIFF")) + `"}`,
		"bytes": `{"type":"resource","resource":{"uri":"actionhero:///download/a.bin","mimeType":"application/octet-stream","blob":"AP8="}}`,
		"empty": `{"type":"resource","resource":{"uri":"actionhero:///download/a.txt","mimeType":"text/plain; charset=utf-8","blob":""}}`,
		"wrong": `{"type":"resource","resource":{"uri":"actionhero:///download/a.txt","mimeType":"text/plain; charset=utf-8","blob":"//4="}}`,
	} {
		for _, version := range versions {
			got := call(t, connect(t, s, version, nil), "download", fileInput{name})
			object, err := json.Marshal(got.Content[0])
			if err != nil || len(got.Content) != 1 || got.StructuredContent != nil || !same(string(object), want) {
				t.Errorf("%s with %s: %s %v %v, want %s", name, version, object, err, got.StructuredContent, want)
			}
		}
	}
	session := connect(t, s, versions[0], nil)
	for name, code := range map[string]string{"panic": "internal", "fails": "internal"} {
		if got := failureOf(t, call(t, session, "download", fileInput{name})); got.ErrorCode != code {
			t.Errorf("%s: %+v", name, got)
		}
	}
	list, err := session.ListTools(t.Context(), nil)
	if err != nil || list.Tools[0].OutputSchema != nil {
		t.Errorf("a file has the schema %v (%v)", list.Tools[0].OutputSchema, err)
	}
}

func TestALargeFileIsRefused(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 2 << 20} { // not known, and known
		s := start(t, nil, isTool(actionhero.Action[actionhero.None, *actionhero.Content]{
			Name: "download", Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
				return &actionhero.Content{Body: io.LimitReader(zeros{}, 2<<20), Size: size}, nil
			},
		}))
		got := failureOf(t, call(t, connect(t, s, versions[0], nil), "download", nil))
		if got.ErrorCode != "resourceExhausted" || got.Error != "this answer has more than 1048576 bytes: ask for it over HTTP" {
			t.Errorf("%+v", got)
		}
	}
}

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("as asked") }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// same reports whether two texts are the same JSON value.
func same(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	one, _ := json.Marshal(x)
	other, _ := json.Marshal(y)
	return string(one) == string(other)
}
