package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

type lengthInput struct {
	Length int `json:"length"`
}

// TestAnAnswerOfAnyLengthHasItsLength asks for answers that fit into the buffers of the engines, and for larger ones.
func TestAnAnswerOfAnyLengthHasItsLength(t *testing.T) {
	t.Parallel()
	s := start(t, nil, actionhero.Action[lengthInput, map[string]string]{
		Name: "long", Kind: actionhero.KindRead, Access: actionhero.Public,
		Run: func(_ context.Context, in lengthInput) (map[string]string, error) {
			return map[string]string{"text": strings.Repeat("x", in.Length)}, nil
		},
	})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, length := range []string{"0", "1000", "20000", "300000"} {
			got := c.Ask("GET", "/api/long?length="+length, "")
			got.Want(t, 200, `"error":"OK"}`)
			if got.ContentLength != int64(len(got.Text)) || len(got.TransferEncoding) > 0 {
				t.Errorf("an answer with a text of %s bytes has %d bytes, but the length %d and the coding %q", length, len(got.Text), got.ContentLength, got.TransferEncoding)
			}
			if head := c.Ask("HEAD", "/api/long?length="+length, ""); len(got.Text) > 16<<10 && head.ContentLength < 16<<10 { // requestDuration has more digits in one of them
				t.Errorf("HEAD of the same has the length %d", head.ContentLength)
			}
		}
	})
}
