package decode

import (
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

type session struct {
	User    int      `json:"user"`
	Name    string   `json:"name"`
	Roles   []string `json:"roles"`
	Expires int64    `json:"expires"`
	Data    string   `json:"data"`
}

func sessionJSON(b *testing.B) []byte {
	data, err := encode.Marshal(session{42, "Evan", []string{"admin", "editor"}, 1_700_000_000, strings.Repeat("x", 200)})
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func BenchmarkSession(b *testing.B) {
	data := sessionJSON(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Unmarshal[session](data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionByJsonx(b *testing.B) {
	data := sessionJSON(b)
	b.ReportAllocs()
	for b.Loop() {
		var s session
		if err := jsonx.Unmarshal(data, &s); err != nil {
			b.Fatal(err)
		}
	}
}
